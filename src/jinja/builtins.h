// Jinja's and Python's built-ins for templates: filters, tests, methods, functions.
#pragma once

#include <string>

#include "jinja/value.h"

namespace lethe::jinja {

/// value | name(arguments). jinja_filters.cpp. @throws Error naming an unknown or unsupported filter
Value apply_filter(Interpreter& interpreter, const std::string& name, const Value& value, const Arguments& arguments);
/// Filters over lists (map, selectattr, sort, …): nullopt for other names. jinja_list_filters.cpp
std::optional<Value> apply_list_filter(Interpreter& interpreter, const std::string& name, const Value& value,
                                       const Arguments& arguments);
/// value is name(arguments). jinja_tests.cpp
bool apply_test(const std::string& name, const Value& value, const Arguments& arguments);
/// The method of a Python object as a function; undefined if it has none. jinja_methods.cpp
Value method_of(const Value& object, const std::string& name);
/// range, namespace, dict, raise_exception, strftime_now; undefined for any other name. jinja_methods.cpp
Value builtin_function(const std::string& name);
/// Arithmetic of "+", "-", "*", "/", "//", "%", "**". jinja_arithmetic.cpp
Value arithmetic(Interpreter& interpreter, const std::string& name, const Value& left, const Value& right);
/// list[begin:end:step] or text[…], a missing bound is undefined or none. jinja_arithmetic.cpp
Value slice_of(const Value& object, const Value& begin, const Value& end, const Value& step);

/// An argument as a whole number or a text; `otherwise` if it is missing or none.
std::int64_t integer_argument(const Arguments& arguments, std::size_t place, const char* name, std::int64_t otherwise);
const MarkedText* text_argument(const Arguments& arguments, std::size_t place, const char* name);
bool flag_argument(const Arguments& arguments, std::size_t place, const char* name, bool otherwise);

}  // namespace lethe::jinja
