// Python's arithmetic and slices.
#include <cmath>

#include "jinja/builtins.h"
#include "jinja/interpreter.h"
#include "jinja/python_text.h"

namespace lethe::jinja {
namespace {

Value repeated(Interpreter& interpreter, const Value& value, std::int64_t times) {
  const auto count = static_cast<std::uint64_t>(std::max<std::int64_t>(times, 0));
  if (const MarkedText* text = value.as_text()) {
    if (count > 100'000'000) throw template_error("a text repeated too often");
    interpreter.spend(0, text->size() * count);
    MarkedText result;
    for (std::uint64_t i = 0; i < count; ++i) result.append(*text);
    return Value::text(std::move(result));
  }
  const List* list = value.as_list();
  if (count > 100'000'000) throw template_error("a list repeated too often");
  interpreter.spend(list->items.size() * count);
  std::vector<Value> items;
  for (std::uint64_t i = 0; i < count; ++i) items.insert(items.end(), list->items.begin(), list->items.end());
  return Value::list(std::move(items), list->is_tuple);
}

Value whole_power(std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  for (std::int64_t i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(result, base, &result)) throw template_error("a number beyond 64 bits");
    if (result == 0 || result == 1) return Value::integer(result == 0 || base == 1 ? result : exponent % 2 ? base : 1);
  }
  return Value::integer(result);
}

Value whole(const std::string& name, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool beyond = false;
  if (name == "+") {
    beyond = __builtin_add_overflow(a, b, &result);
  } else if (name == "-") {
    beyond = __builtin_sub_overflow(a, b, &result);
  } else if (name == "*") {
    beyond = __builtin_mul_overflow(a, b, &result);
  } else if (name == "**") {
    return b >= 0 ? whole_power(a, b) : Value(std::pow(static_cast<double>(a), static_cast<double>(b)));
  } else {
    if (b == 0) throw template_error("a division by zero");
    if (name == "/") return Value(static_cast<double>(a) / static_cast<double>(b));
    if (b == -1) return whole(name == "%" ? "*" : "-", 0, name == "%" ? 0 : a);
    const std::int64_t rest = a % b, floored = a / b - (rest != 0 && (rest < 0) != (b < 0) ? 1 : 0);
    result = name == "//" ? floored : rest + (rest != 0 && (rest < 0) != (b < 0) ? b : 0);
  }
  if (beyond) throw template_error("a number beyond 64 bits");
  return Value::integer(result);
}

Value real(const std::string& name, double a, double b) {
  if (name == "+") return Value(a + b);
  if (name == "-") return Value(a - b);
  if (name == "*") return Value(a * b);
  if (name == "**") return Value(std::pow(a, b));
  if (b == 0) throw template_error("a division by zero");
  if (name == "/") return Value(a / b);
  if (name == "//") return Value(std::floor(a / b));
  const double rest = std::fmod(a, b);
  return Value(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
}

}  // namespace

Value arithmetic(Interpreter& interpreter, const std::string& name, const Value& left, const Value& right) {
  for (const Value* side : {&left, &right}) {
    if (const auto* missing = side->get<Undefined>())
      throw template_error(excerpt(missing->name.empty() ? "a value" : missing->name) + " is undefined: '" + name +
                           "' of it");
  }
  if (left.is_number() && right.is_number()) {
    const auto a = left.as_integer(), b = right.as_integer();
    return a && b ? whole(name, *a, *b) : real(name, left.as_double(), right.as_double());
  }
  const MarkedText *left_text = left.as_text(), *right_text = right.as_text();
  const List *left_list = left.as_list(), *right_list = right.as_list();
  if (name == "+" && left_text != nullptr && right_text != nullptr) {
    MarkedText text = *left_text;
    text.append(*right_text);
    return Value::text(std::move(text));
  }
  if (name == "+" && left_list != nullptr && right_list != nullptr && left_list->is_tuple == right_list->is_tuple) {
    std::vector<Value> items = left_list->items;
    items.insert(items.end(), right_list->items.begin(), right_list->items.end());
    return Value::list(std::move(items), left_list->is_tuple);
  }
  if (name == "*") {
    const auto left_count = left.as_integer(), right_count = right.as_integer();
    if ((left_text != nullptr || left_list != nullptr) && right_count) return repeated(interpreter, left, *right_count);
    if ((right_text != nullptr || right_list != nullptr) && left_count)
      return repeated(interpreter, right, *left_count);
  }
  if (name == "%" && left_text != nullptr) throw template_error("formatting with '%', which is not supported");
  throw template_error("'" + name + "' between " + left.type_name() + " and " + right.type_name());
}

Value slice_of(const Value& object, const Value& begin, const Value& end, const Value& step) {
  if (const auto* missing = object.get<Undefined>())
    throw template_error(excerpt(missing->name.empty() ? "a value" : missing->name) + " is undefined: it has no items");
  const auto bound = [](const Value& value) -> std::optional<std::int64_t> {
    if (value.is_none()) return std::nullopt;
    const auto number = value.as_integer();
    if (!number) throw template_error("a slice bound of type " + value.type_name());
    return number;
  };
  const MarkedText* text = object.as_text();
  const List* list = object.as_list();
  if (text == nullptr && list == nullptr) return Value::undefined("a slice of a value of type " + object.type_name());
  const std::vector<std::size_t> starts = text != nullptr ? character_starts(text->text()) : std::vector<std::size_t>{};
  const auto count = static_cast<std::int64_t>(text != nullptr ? starts.size() - 1 : list->items.size());
  const std::int64_t stride = bound(step).value_or(1);
  if (stride == 0) throw template_error("a slice with step 0");
  const std::int64_t least = stride > 0 ? 0 : -1, most = stride > 0 ? count : count - 1;
  const auto place = [&](std::optional<std::int64_t> given, std::int64_t otherwise) {
    if (!given) return otherwise;
    const std::int64_t at = *given < 0 ? *given + count : *given;
    return std::min(std::max(at, least), most);
  };
  const std::int64_t first = place(bound(begin), stride > 0 ? 0 : count - 1),
                     last = place(bound(end), stride > 0 ? count : -1);
  if (text != nullptr && stride == 1) {
    return Value::text(
        first < last ? text->slice(starts[static_cast<std::size_t>(first)], starts[static_cast<std::size_t>(last)])
                     : MarkedText());
  }
  MarkedText characters;
  std::vector<Value> items;
  for (std::int64_t at = first; stride > 0 ? at < last : at > last;) {
    const auto i = static_cast<std::size_t>(at);
    if (text != nullptr) {
      characters.append(text->slice(starts[i], starts[i + 1]));
    } else {
      items.push_back(list->items[i]);
    }
    if (__builtin_add_overflow(at, stride, &at)) break;
  }
  return text != nullptr ? Value::text(std::move(characters)) : Value::list(std::move(items), list->is_tuple);
}

}  // namespace lethe::jinja
