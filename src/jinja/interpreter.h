// Runs the syntax tree of a Jinja template. Templates come with checkpoints and may be hostile, so steps, depth and
// size are limited.
#pragma once

#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "jinja/syntax.h"

namespace lethe::jinja {

struct Limits {
  std::uint64_t steps = 5'000'000;          ///< nodes visited, items handled
  std::uint64_t bytes = 128 * 1024 * 1024;  ///< total size of all texts created
  int depth = 700;                          ///< of nested expressions, blocks and macros
};

class Interpreter {
 public:
  Interpreter(const Limits& limits, std::time_t now) : limits_(limits), now_(now) {}

  /// Returns the template's output. @throws Error (bad input) with the line
  MarkedText run(const Body& body, const std::vector<std::pair<std::string, Value>>& variables);

  /// Calls a function or macro value. @throws Error if it is neither
  Value call(const Value& callee, const Arguments& arguments);
  /// object.name as Jinja looks it up: Python's attribute first, then the key. object[name]: the reverse order.
  Value attribute(const Value& object, const std::string& name);
  Value item(const Value& object, const Value& key);
  /// Counts work done. @throws Error beyond the limits
  void spend(std::uint64_t steps, std::uint64_t bytes = 0);
  /// Counts work that visits a whole value: printing, comparing, searching.
  void spend_on(const Value& value) { spend(value.weight() / 16); }
  /// Counts work that searches each of the keys among all.
  void spend_on_keys(std::size_t keys) { spend(keys / 16 * keys); }
  /// Counts the size of a new value.
  Value counted(Value value);
  std::time_t now() const { return now_; }

 private:
  struct Scope {
    std::map<std::string, Value> variables;
    std::shared_ptr<Scope> parent;
  };
  enum class Flow { on, stop, skip };
  class Loop;
  struct Deeper;

  Flow execute(const Body& body);
  Flow execute(const Statement& statement);
  Flow loop(const Statement& statement);
  void assign(const Statement& statement);
  void bind(const Statement& statement, const Value& value);
  Value macro(const Statement& statement);
  MarkedText captured(const Body& body, std::shared_ptr<Scope> scope);

  Value evaluate(const Expression& node);
  Value choice(const Expression& node);
  Value binary(const Expression& node);
  Value comparison(const Expression& node);
  Value slice(const Expression& node);
  Value display(const Expression& node);
  Arguments arguments(const Expression& node);
  Value variable(const std::string& name);

  Limits limits_;
  std::time_t now_;
  std::uint64_t steps_ = 0, bytes_ = 0;
  int depth_ = 0, line_ = 0;
  std::shared_ptr<Scope> scope_;
  std::vector<std::shared_ptr<Scope>> kept_;  // scopes in which macros were defined; macros hold them weakly
  MarkedText* out_ = nullptr;
};

}  // namespace lethe::jinja
