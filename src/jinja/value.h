// Values of a Jinja template, with Python's semantics for printing, comparing and truth.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/error.h"
#include "core/json.h"
#include "jinja/marked_text.h"

namespace lethe::jinja {

class Value;
class Interpreter;

/// A list or a tuple (never equal to a list).
struct List {
  std::vector<Value> items;
  bool is_tuple = false;
  int depth = 1;
  std::uint64_t weight = 16;  ///< Value::weight()
};
/// Keys in insertion order.
struct Dict {
  std::vector<std::pair<std::string, Value>> items;
  int depth = 1;
  std::uint64_t weight = 16;  ///< Value::weight()
  const Value* find(std::string_view key) const;
};

/// Objects that are neither data nor functions: `loop`, namespaces.
class Object {
 public:
  virtual ~Object() = default;
  /// Undefined if there is none.
  virtual Value attribute(Interpreter& interpreter, const std::string& name) = 0;
};

struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;

  /// The argument at a position or under a name; nullptr if not given.
  const Value* find(std::size_t place, std::string_view name) const;
  /// @throws Error for more arguments, or one with another name
  void expect(const std::string& function, std::initializer_list<std::string_view> names) const;
};
struct Function {
  std::string name;
  std::function<Value(Interpreter&, const Arguments&)> call;
};

struct Undefined {
  std::string name;  ///< of a missing value, for messages
};
struct None {};

class Value {
 public:
  using Any = std::variant<Undefined, None, bool, std::int64_t, double, std::shared_ptr<const MarkedText>,
                           std::shared_ptr<const List>, std::shared_ptr<const Dict>, std::shared_ptr<Object>,
                           std::shared_ptr<const Function>>;

  Value() = default;  ///< undefined
  template <class T>
  requires std::is_constructible_v<Any, T&&> &&(!std::is_same_v<std::decay_t<T>, Value>)explicit Value(T&& value)
      : any_(std::forward<T>(value)) {}

  static Value undefined(std::string name) { return Value(Undefined{std::move(name)}); }
  static Value none() { return Value(None{}); }
  static Value integer(std::int64_t number) { return Value(Any(number)); }
  static Value text(MarkedText text) { return Value(Any(std::make_shared<const MarkedText>(std::move(text)))); }
  static Value text(std::string_view text, int source = 0) { return Value::text(MarkedText(text, source)); }
  /// @throws Error if lists are nested too deeply, hold a namespace or a loop, or exceed the weight limit
  static Value list(std::vector<Value> items, bool is_tuple = false);
  static Value dict(std::vector<std::pair<std::string, Value>> items);
  static Value function(std::string name, std::function<Value(Interpreter&, const Arguments&)> call);
  /// @param source  of all texts in it (MarkedText)
  static Value of(const OrderedJson& json, int source = 0);

  template <class T>
  const T* get() const {
    return std::get_if<T>(&any_);
  }
  bool is_undefined() const { return get<Undefined>() != nullptr; }
  bool is_none() const { return get<None>() != nullptr; }
  const MarkedText* as_text() const { return pointer<MarkedText>(); }
  const List* as_list() const { return pointer<List>(); }
  const Dict* as_dict() const { return pointer<Dict>(); }
  const Function* as_function() const { return pointer<Function>(); }
  Object* as_object() const;
  /// A whole number (True and False are 1 and 0); nullopt for anything else.
  std::optional<std::int64_t> as_integer() const;
  bool is_number() const { return as_integer() || get<double>() != nullptr; }
  double as_double() const;
  /// The cost to print or compare it: about its bytes as text. A list contained twice counts twice.
  std::uint64_t weight() const;

  bool truth() const;
  /// Python's name of the type, for messages.
  std::string type_name() const;
  /// The output of {{ … }}: Python's str().
  MarkedText print() const;
  /// Python's repr(), as lists and dicts print their items.
  MarkedText repr() const;
  bool equals(const Value& other) const;
  /// −1, 0, 1. @throws Error for values that Python does not order
  int compare(const Value& other) const;
  /// Items of a list, characters of a text, keys of a dict; nothing for undefined.
  /// @throws Error for values that cannot be iterated
  std::vector<Value> iterate() const;
  bool contains(const Value& item) const;

 private:
  template <class T>
  const T* pointer() const {
    const auto* held = std::get_if<std::shared_ptr<const T>>(&any_);
    return held != nullptr ? held->get() : nullptr;
  }
  Any any_;
};

class Namespace : public Object {
 public:
  Dict values;
  Value attribute(Interpreter& interpreter, const std::string& name) override;
  void set(const std::string& name, Value value);
};

/// Python's json.dumps with ensure_ascii=False.
struct DumpOptions {
  std::optional<std::int64_t> indent;
  std::string item_separator = ", ", key_separator = ": ";
  bool sort_keys = false;
};
MarkedText dump(const Value& value, const DumpOptions& options);

/// A runtime error of a template; the interpreter adds the line.
Error template_error(const std::string& what);

}  // namespace lethe::jinja
