// Jinja's filters over single values; jinja_list_filters.cpp has those over lists.
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>

#include "core/numbers.h"
#include "jinja/builtins.h"
#include "jinja/interpreter.h"
#include "jinja/python_text.h"

namespace lethe::jinja {
namespace {

using Filter = std::function<Value(Interpreter&, const Value&, const Arguments&)>;

Value trim(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("trim", {"chars"});
  const MarkedText* characters = text_argument(arguments, 0, "chars");
  return Value::text(stripped(value.print(), characters != nullptr ? &characters->text() : nullptr, true, true));
}

Value length(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("length", {});
  if (value.is_undefined()) return Value::integer(0);
  if (const MarkedText* text = value.as_text())
    return Value::integer(static_cast<std::int64_t>(character_starts(text->text()).size()) - 1);
  if (const List* list = value.as_list()) return Value::integer(static_cast<std::int64_t>(list->items.size()));
  if (const Dict* dict = value.as_dict()) return Value::integer(static_cast<std::int64_t>(dict->items.size()));
  throw template_error("the length of a value of type " + value.type_name());
}

Value to_json(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  arguments.expect("tojson", {"ensure_ascii", "indent", "separators", "sort_keys"});
  if (flag_argument(arguments, 0, "ensure_ascii", false))
    throw template_error("tojson(ensure_ascii=true), which is not supported");
  DumpOptions options;
  if (const Value* indent = arguments.find(1, "indent"); indent != nullptr && !indent->is_none()) {
    options.indent = std::clamp<std::int64_t>(integer_argument(arguments, 1, "indent", 0), 0, 32);
    options.item_separator = ",";
  }
  if (const Value* separators = arguments.find(2, "separators"); separators != nullptr && !separators->is_none()) {
    const List* pair = separators->as_list();
    if (pair == nullptr || pair->items.size() != 2 || pair->items[0].as_text() == nullptr ||
        pair->items[1].as_text() == nullptr)
      throw template_error("tojson with separators that are no pair of texts");
    options.item_separator = pair->items[0].as_text()->text();
    options.key_separator = pair->items[1].as_text()->text();
  }
  options.sort_keys = flag_argument(arguments, 3, "sort_keys", false);
  interpreter.spend_on(value);
  MarkedText text = dump(value, options);
  interpreter.spend(0, text.size());
  return Value::text(std::move(text));
}

Value replace(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("replace", {"old", "new", "count"});
  const Value *old = arguments.find(0, "old"), *fresh = arguments.find(1, "new");
  if (old == nullptr || fresh == nullptr) throw template_error("replace without its two texts");
  return Value::text(
      replaced(value.print(), old->print().text(), fresh->print(), integer_argument(arguments, 2, "count", -1)));
}

Filter case_filter(const char* name, Case wanted) {
  return [name, wanted](Interpreter&, const Value& value, const Arguments& arguments) {
    arguments.expect(name, {});
    return Value::text(in_case(value.print(), wanted));
  };
}

// Jinja's own title case: capitals after white space, hyphens and brackets.
Value title(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("title", {});
  const MarkedText text = value.print();
  MarkedText result, word;
  const auto flush = [&] {
    result.append(in_case(word, Case::capitalize));
    word = {};
  };
  for_each_character(text.text(), [&](std::int32_t codepoint, std::size_t begin, std::size_t end) {
    const MarkedText character = text.slice(begin, end);
    const bool separates = stripped(character, nullptr, true, true).empty() || codepoint == '-' || codepoint == '(' ||
                           codepoint == '{' || codepoint == '[' || codepoint == '<';
    if (separates) flush();
    (separates ? result : word).append(character);
  });
  flush();
  return Value::text(std::move(result));
}

Value otherwise(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("default", {"default_value", "boolean"});
  const bool replaces = value.is_undefined() || (flag_argument(arguments, 1, "boolean", false) && !value.truth());
  const Value* given = arguments.find(0, "default_value");
  return !replaces ? value : given != nullptr ? *given : Value::text("");
}

Value to_integer(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("int", {"default", "base"});
  if (integer_argument(arguments, 1, "base", 10) != 10) throw template_error("int with a base, which is not supported");
  if (value.is_undefined()) throw template_error("int of what is undefined");
  const Value* given = arguments.find(0, "default");
  const Value fallback = given != nullptr ? *given : Value::integer(0);
  if (const auto number = value.as_integer()) return Value::integer(*number);
  std::optional<double> number;
  if (const double* real = value.get<double>()) number = *real;
  if (const MarkedText* text = value.as_text()) {
    const std::string digits = stripped(*text, nullptr, true, true).text();
    if (const auto whole = parse_whole_number(digits)) return Value::integer(*whole);
    number = parse_number(digits);
  }
  if (!number || !(std::fabs(*number) < 9.2e18)) return fallback;
  return Value::integer(static_cast<std::int64_t>(*number));
}

Value to_float(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("float", {"default"});
  if (value.is_undefined()) throw template_error("float of what is undefined");
  if (value.is_number()) return Value(value.as_double());
  std::optional<double> number;
  if (const MarkedText* text = value.as_text()) number = parse_number(stripped(*text, nullptr, true, true).text());
  const Value* given = arguments.find(0, "default");
  return number ? Value(*number) : given != nullptr ? *given : Value(0.0);
}

Value absolute(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  arguments.expect("abs", {});
  if (!value.is_number()) throw template_error("abs of a value of type " + value.type_name());
  return value.as_double() < 0 ? arithmetic(interpreter, "-", Value::integer(0), value)
                               : arithmetic(interpreter, "+", Value::integer(0), value);
}

Value rounded(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("round", {"precision", "method"});
  const MarkedText* method = text_argument(arguments, 1, "method");
  const std::int64_t precision = integer_argument(arguments, 0, "precision", 0);
  if (!value.is_number() || precision != 0)
    throw template_error("round other than of a number to a whole one, which is not supported");
  const double number = value.as_double();
  if (method == nullptr || method->text() == "common") return Value(std::nearbyint(number));  // half to even, as Python
  if (method->text() == "ceil") return Value(std::ceil(number));
  if (method->text() == "floor") return Value(std::floor(number));
  throw template_error("round by the method " + excerpt(method->text()));
}

Value indent(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("indent", {"width", "first", "blank"});
  const Value* width = arguments.find(0, "width");
  const MarkedText pad =
      width != nullptr && width->as_text() != nullptr
          ? *width->as_text()
          : MarkedText(std::string(
                static_cast<std::size_t>(std::clamp<std::int64_t>(integer_argument(arguments, 0, "width", 4), 0, 1000)),
                ' '));
  const bool blank = flag_argument(arguments, 2, "blank", false);
  MarkedText text = value.print();
  text.append("\n");  // keeps a final newline, as Jinja does
  const std::vector<MarkedText> lines = split_lines(text, false);
  MarkedText result;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool padded = i == 0 ? flag_argument(arguments, 1, "first", false) : blank || !lines[i].empty();
    if (i > 0) result.append("\n");
    if (padded) result.append(pad);
    result.append(lines[i]);
  }
  return Value::text(std::move(result));
}

const std::map<std::string, Filter>& filters() {
  static const Filter as_text = [](Interpreter&, const Value& value, const Arguments& arguments) {
    arguments.expect("string", {});
    return Value::text(value.print());
  };
  static const std::map<std::string, Filter> all = {
      {"trim", trim},
      {"length", length},
      {"count", length},
      {"tojson", to_json},
      {"replace", replace},
      {"upper", case_filter("upper", Case::upper)},
      {"lower", case_filter("lower", Case::lower)},
      {"capitalize", case_filter("capitalize", Case::capitalize)},
      {"title", title},
      {"default", otherwise},
      {"d", otherwise},
      {"string", as_text},
      {"int", to_integer},
      {"float", to_float},
      {"abs", absolute},
      {"round", rounded},
      {"indent", indent},
  };
  return all;
}

}  // namespace

std::int64_t integer_argument(const Arguments& arguments, std::size_t place, const char* name, std::int64_t otherwise) {
  const Value* value = arguments.find(place, name);
  if (value == nullptr || value->is_none()) return otherwise;
  const auto number = value->as_integer();
  if (!number) throw template_error(std::string("an argument ") + name + " of type " + value->type_name());
  return *number;
}
const MarkedText* text_argument(const Arguments& arguments, std::size_t place, const char* name) {
  const Value* value = arguments.find(place, name);
  if (value == nullptr || value->is_none()) return nullptr;
  if (value->as_text() == nullptr)
    throw template_error(std::string("an argument ") + name + " of type " + value->type_name());
  return value->as_text();
}
bool flag_argument(const Arguments& arguments, std::size_t place, const char* name, bool otherwise) {
  const Value* value = arguments.find(place, name);
  return value == nullptr ? otherwise : value->truth();
}

Value apply_filter(Interpreter& interpreter, const std::string& name, const Value& value, const Arguments& arguments) {
  const auto found = filters().find(name);
  const bool walks =
      found != filters().end() && name != "length" && name != "count" && name != "default" && name != "d";
  if (value.as_text() != nullptr || walks) interpreter.spend_on(value);
  if (const List* list = value.as_list()) interpreter.spend(list->items.size() / 16);
  if (found != filters().end()) return found->second(interpreter, value, arguments);
  if (auto result = apply_list_filter(interpreter, name, value, arguments)) return *result;
  throw template_error("the filter '" + excerpt(name) + "', which is not supported");
}

}  // namespace lethe::jinja
