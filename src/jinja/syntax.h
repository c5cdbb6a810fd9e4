// The syntax tree of a Jinja template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "jinja/value.h"

namespace lethe::jinja {

struct Expression;
using ExpressionPtr = std::unique_ptr<Expression>;

/// The parts of an expression, by kind:
///   literal    value
///   variable   name
///   attribute  children[0].name
///   item       children[0][children[1]]
///   slice      children[0][children[1]:children[2]:children[3]], each but the first may be null
///   call       children[0](children[1…], named)
///   filter     children[0] | name(children[1…], named)
///   test       children[0] is name(children[1…], named)
///   list, tuple, dict (children: key, value, key, value …)
///   unary      name ("-", "+", "not") of children[0]
///   binary     children[0] name children[1] (arithmetic, "~", "and", "or")
///   compare    children[0] operators[0] children[1] operators[1] children[2] …
///   choice     children[0] if children[1] else children[2] (may be null)
struct Expression {
  enum Kind {
    literal,
    variable,
    attribute,
    item,
    slice,
    call,
    filter,
    test,
    list,
    tuple,
    dict,
    unary,
    binary,
    compare,
    choice
  };
  Kind kind;
  int line;
  std::string name;
  Value value;
  std::vector<ExpressionPtr> children;
  std::vector<std::pair<std::string, ExpressionPtr>> named;
  std::vector<std::string> operators;
  int depth = 1;
};

struct Statement;
using Body = std::vector<std::unique_ptr<Statement>>;

/// By kind:
///   data        text
///   print       expression
///   condition   branches: (expression, body) …; otherwise
///   loop        for targets in expression if filter: body; otherwise
///   assign      targets = expression, or target.attribute = expression
///   capture     target = what body prints, through filters (expression: a filter chain over a variable named "")
///   macro       text(targets with defaults): body
///   generation  body
///   stop        break
///   skip        continue
struct Statement {
  enum Kind { data, print, condition, loop, assign, capture, macro, generation, stop, skip };
  Kind kind;
  int line;
  std::string text;
  ExpressionPtr expression, filter;
  std::vector<std::string> targets;
  bool unpacks = false;   ///< targets take the items of the value
  std::string attribute;  ///< of targets[0]
  std::vector<std::pair<ExpressionPtr, Body>> branches;
  std::vector<ExpressionPtr> defaults;  ///< of the last targets
  Body body, otherwise;
};

/// @throws Error (bad input) with the line, for invalid Jinja and, by name, for unsupported features
Body parse(const std::string& source);

}  // namespace lethe::jinja
