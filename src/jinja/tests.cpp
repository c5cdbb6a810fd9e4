// Jinja's tests: value is name.
#include <functional>
#include <map>
#include <set>

#include "jinja/builtins.h"
#include "jinja/python_text.h"

namespace lethe::jinja {
namespace {

using Test = std::function<bool(const Value&, const Arguments&)>;

const Value& other(const Arguments& arguments) {
  if (arguments.positional.size() != 1 || !arguments.named.empty())
    throw template_error("a test without its one argument");
  return arguments.positional[0];
}

std::int64_t whole(const Value& value) {
  const auto number = value.as_integer();
  if (!number) throw template_error("a test of numbers on a value of type " + value.type_name());
  return *number;
}

bool is_iterable(const Value& value) {
  return value.is_undefined() || value.as_text() != nullptr || value.as_list() != nullptr || value.as_dict() != nullptr;
}

const std::map<std::string, Test>& tests() {
  static const Test equal = [](const Value& v, const Arguments& a) { return v.equals(other(a)); };
  static const Test unequal = [](const Value& v, const Arguments& a) { return !v.equals(other(a)); };
  static const Test less = [](const Value& v, const Arguments& a) { return v.compare(other(a)) < 0; };
  static const Test at_most = [](const Value& v, const Arguments& a) { return v.compare(other(a)) <= 0; };
  static const Test more = [](const Value& v, const Arguments& a) { return v.compare(other(a)) > 0; };
  static const Test at_least = [](const Value& v, const Arguments& a) { return v.compare(other(a)) >= 0; };
  static const std::map<std::string, Test> all = {
      {"defined", [](const Value& v, const Arguments&) { return !v.is_undefined(); }},
      {"undefined", [](const Value& v, const Arguments&) { return v.is_undefined(); }},
      {"none", [](const Value& v, const Arguments&) { return v.is_none(); }},
      {"string", [](const Value& v, const Arguments&) { return v.as_text() != nullptr; }},
      {"mapping", [](const Value& v, const Arguments&) { return v.as_dict() != nullptr; }},
      {"sequence", [](const Value& v, const Arguments&) { return is_iterable(v); }},  // has Python's len() and []
      {"iterable", [](const Value& v, const Arguments&) { return is_iterable(v); }},
      {"callable", [](const Value& v, const Arguments&) { return v.as_function() != nullptr; }},
      {"boolean", [](const Value& v, const Arguments&) { return v.get<bool>() != nullptr; }},
      {"true", [](const Value& v, const Arguments&) { return v.get<bool>() != nullptr && *v.get<bool>(); }},
      {"false", [](const Value& v, const Arguments&) { return v.get<bool>() != nullptr && !*v.get<bool>(); }},
      {"integer", [](const Value& v, const Arguments&) { return v.get<std::int64_t>() != nullptr; }},
      {"float", [](const Value& v, const Arguments&) { return v.get<double>() != nullptr; }},
      {"number", [](const Value& v, const Arguments&) { return v.is_number(); }},
      {"odd", [](const Value& v, const Arguments&) { return whole(v) % 2 != 0; }},
      {"even", [](const Value& v, const Arguments&) { return whole(v) % 2 == 0; }},
      {"divisibleby",
       [](const Value& v, const Arguments& a) {
         const std::int64_t by = whole(other(a));
         if (by == 0) throw template_error("a division by zero");
         return by == -1 || whole(v) % by == 0;
       }},
      {"lower",
       [](const Value& v, const Arguments&) {
         const MarkedText text = v.print();
         return in_case(text, Case::lower).text() == text.text() && in_case(text, Case::upper).text() != text.text();
       }},
      {"upper",
       [](const Value& v, const Arguments&) {
         const MarkedText text = v.print();
         return in_case(text, Case::upper).text() == text.text() && in_case(text, Case::lower).text() != text.text();
       }},
      {"in", [](const Value& v, const Arguments& a) { return other(a).contains(v); }},
      {"eq", equal},
      {"==", equal},
      {"equalto", equal},
      {"ne", unequal},
      {"!=", unequal},
      {"lt", less},
      {"<", less},
      {"lessthan", less},
      {"le", at_most},
      {"<=", at_most},
      {"gt", more},
      {">", more},
      {"greaterthan", more},
      {"ge", at_least},
      {">=", at_least},
  };
  return all;
}

}  // namespace

bool apply_test(const std::string& name, const Value& value, const Arguments& arguments) {
  const auto found = tests().find(name);
  if (found == tests().end()) throw template_error("the test 'is " + excerpt(name) + "', which is not supported");
  static const std::set<std::string> alone = {"defined",  "undefined", "none",    "string", "mapping", "sequence",
                                              "iterable", "callable",  "boolean", "true",   "false",   "integer",
                                              "float",    "number",    "odd",     "even",   "lower",   "upper"};
  if (alone.contains(name) && (!arguments.positional.empty() || !arguments.named.empty()))
    throw template_error("the test 'is " + name + "' with an argument");
  return found->second(value, arguments);
}

}  // namespace lethe::jinja
