#include "jinja/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "jinja/python_text.h"

namespace lethe::jinja {
namespace {

constexpr int kDeepest = 100;  // nesting of lists: limits every recursion over values
constexpr std::uint64_t kHeaviest = std::uint64_t{1}
                                    << 27;  // lists that hold one another twice, a hundred deep, would take forever

int depth_of(const Value& value) {
  if (value.as_object() != nullptr)
    throw template_error("a namespace or a loop within a list or dict is not supported");
  if (const List* list = value.as_list()) return list->depth;
  if (const Dict* dict = value.as_dict()) return dict->depth;
  return 0;
}

template <class Held>
void check_nesting(const Held& held) {
  if (held.depth > kDeepest)
    throw template_error("lists or dicts nested more than " + std::to_string(kDeepest) + " deep");
  if (held.weight > kHeaviest) throw template_error("a list or dict of more than " + with_commas(kHeaviest) + " bytes");
}

// Python's repr(float): the shortest digits that parse to the same number.
std::string float_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[64];
  const double size = std::fabs(value);
  const bool scientific = size != 0 && (size < 1e-4 || size >= 1e16);
  const auto format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, value, format).ptr);
  if (!scientific && text.find('.') == std::string::npos) text += ".0";
  return text;
}

MarkedText quoted(const MarkedText& text) {
  const bool doubled = text.text().find('\'') != std::string::npos && text.text().find('"') == std::string::npos;
  const char quote = doubled ? '"' : '\'';
  MarkedText result(std::string(1, quote));
  for_each_character(text.text(), [&](std::int32_t codepoint, std::size_t begin, std::size_t end) {
    const int source = text.source_at(begin);
    const std::string bytes = text.text().substr(begin, end - begin);
    char escaped[16];
    if (codepoint == quote || codepoint == '\\') {
      result.append("\\" + bytes, source);
    } else if (codepoint == '\n') {
      result.append("\\n", source);
    } else if (codepoint == '\r') {
      result.append("\\r", source);
    } else if (codepoint == '\t') {
      result.append("\\t", source);
    } else if (is_printable(codepoint)) {
      result.append(bytes, source);
    } else {
      const char* format = codepoint <= 0xFF ? "\\x%02x" : codepoint <= 0xFFFF ? "\\u%04x" : "\\U%08x";
      std::snprintf(escaped, sizeof escaped, format, static_cast<unsigned>(codepoint));
      result.append(escaped, source);
    }
  });
  result.append(std::string(1, quote));
  return result;
}

MarkedText json_quoted(const MarkedText& text) {
  MarkedText result("\"");
  for (std::size_t begin = 0; begin < text.size();) {
    const char byte = text.text()[begin];
    std::size_t end = begin + 1;
    const bool plain = static_cast<unsigned char>(byte) >= 0x20 && byte != '"' && byte != '\\';
    while (plain && end < text.size() && static_cast<unsigned char>(text.text()[end]) >= 0x20 &&
           text.text()[end] != '"' && text.text()[end] != '\\')
      ++end;
    if (plain) {
      result.append(text.slice(begin, end));
    } else {
      static const std::pair<char, const char*> names[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\r', "\\r"},
                                                           {'\t', "\\t"}, {'\f', "\\f"},  {'\b', "\\b"}};
      const auto* name =
          std::find_if(std::begin(names), std::end(names), [&](const auto& n) { return n.first == byte; });
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(byte)));
      result.append(name != std::end(names) ? name->second : escaped, text.source_at(begin));
    }
    begin = end;
  }
  result.append("\"");
  return result;
}

void dump_into(MarkedText& out, const Value& value, const DumpOptions& options, std::int64_t level) {
  const auto line = [&](std::int64_t depth) {
    if (options.indent) out.append("\n" + std::string(static_cast<std::size_t>(*options.indent * depth), ' '));
  };
  if (const List* list = value.as_list()) {
    if (list->items.empty()) return out.append("[]");
    out.append("[");
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      if (i > 0) out.append(options.item_separator);
      line(level + 1);
      dump_into(out, list->items[i], options, level + 1);
    }
    line(level);
    return out.append("]");
  }
  if (const Dict* dict = value.as_dict()) {
    if (dict->items.empty()) return out.append("{}");
    std::vector<const std::pair<std::string, Value>*> entries;
    for (const auto& entry : dict->items) entries.push_back(&entry);
    if (options.sort_keys)
      std::sort(entries.begin(), entries.end(), [](const auto* a, const auto* b) { return a->first < b->first; });
    out.append("{");
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (i > 0) out.append(options.item_separator);
      line(level + 1);
      out.append(json_quoted(MarkedText(entries[i]->first)));
      out.append(options.key_separator);
      dump_into(out, entries[i]->second, options, level + 1);
    }
    line(level);
    return out.append("}");
  }
  if (const MarkedText* text = value.as_text()) return out.append(json_quoted(*text));
  if (value.is_none()) return out.append("null");
  if (const bool* truth = value.get<bool>()) return out.append(*truth ? "true" : "false");
  if (const double* number = value.get<double>()) {
    return out.append(std::isnan(*number)   ? "NaN"
                      : std::isinf(*number) ? (*number < 0 ? "-Infinity" : "Infinity")
                                            : float_text(*number));
  }
  if (const auto* number = value.get<std::int64_t>()) return out.append(std::to_string(*number));
  throw template_error("tojson of a value of type " + value.type_name());
}

}  // namespace

Error template_error(const std::string& what) {
  return bad_input("cannot render the chat template").found(what);
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : items) {
    if (name == key) return &value;
  }
  return nullptr;
}

Value Namespace::attribute(Interpreter&, const std::string& name) {
  const Value* value = values.find(name);
  return value != nullptr ? *value : Value::undefined(name);
}

void Namespace::set(const std::string& name, Value value) {
  if (name.starts_with("_")) throw template_error("a namespace may not have the attribute " + excerpt(name));
  if (value.as_object() != nullptr) throw template_error("a namespace within a namespace is not supported");
  for (auto& [key, held] : values.items) {
    if (key == name) {
      held = std::move(value);
      return;
    }
  }
  values.items.emplace_back(name, std::move(value));
}

const Value* Arguments::find(std::size_t place, std::string_view name) const {
  if (place < positional.size()) return &positional[place];
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

void Arguments::expect(const std::string& function, std::initializer_list<std::string_view> names) const {
  if (positional.size() > names.size())
    throw template_error(function + " with " + std::to_string(positional.size()) + " arguments");
  for (const auto& [key, value] : named) {
    if (std::find(names.begin(), names.end(), key) == names.end())
      throw template_error(function + " with the argument " + excerpt(key) + ", which is not supported");
  }
}

Value Value::list(std::vector<Value> items, bool is_tuple) {
  List list{std::move(items), is_tuple, 1};
  for (const Value& item : list.items) {
    list.depth = std::max(list.depth, depth_of(item) + 1);
    list.weight += item.weight();
  }
  check_nesting(list);
  return Value(Any(std::make_shared<const List>(std::move(list))));
}

Value Value::dict(std::vector<std::pair<std::string, Value>> items) {
  Dict dict;
  for (auto& [key, value] : items) {  // the last of equal keys wins, at the first one's place
    const auto same = std::find_if(dict.items.begin(), dict.items.end(), [&](const auto& e) { return e.first == key; });
    dict.depth = std::max(dict.depth, depth_of(value) + 1);
    dict.weight += key.size() + value.weight();
    if (same != dict.items.end()) {
      same->second = std::move(value);
    } else {
      dict.items.emplace_back(std::move(key), std::move(value));
    }
  }
  check_nesting(dict);
  return Value(Any(std::make_shared<const Dict>(std::move(dict))));
}

Value Value::function(std::string name, std::function<Value(Interpreter&, const Arguments&)> call) {
  return Value(Any(std::make_shared<const Function>(Function{std::move(name), std::move(call)})));
}

Value Value::of(const OrderedJson& json, int source) {
  if (json.is_null()) return none();
  if (json.is_boolean()) return Value(json.get<bool>());
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max())
    throw template_error("the number " + std::to_string(json.get<std::uint64_t>()) + ", which is beyond 64 bits");
  if (json.is_number_integer()) return integer(json.get<std::int64_t>());
  if (json.is_number()) return Value(json.get<double>());
  if (json.is_string()) return text(json.get_ref<const std::string&>(), source);
  if (json.is_array()) {
    std::vector<Value> items;
    for (const auto& item : json) items.push_back(of(item, source));
    return list(std::move(items));
  }
  std::vector<std::pair<std::string, Value>> items;
  for (const auto& [key, item] : json.items()) items.emplace_back(key, of(item, source));
  return dict(std::move(items));
}

Object* Value::as_object() const {
  const auto* held = std::get_if<std::shared_ptr<Object>>(&any_);
  return held != nullptr ? held->get() : nullptr;
}

std::optional<std::int64_t> Value::as_integer() const {
  if (const auto* number = get<std::int64_t>()) return *number;
  if (const bool* truth = get<bool>()) return *truth ? 1 : 0;
  return std::nullopt;
}

double Value::as_double() const {
  if (const double* number = get<double>()) return *number;
  return static_cast<double>(as_integer().value_or(0));
}

std::uint64_t Value::weight() const {
  if (const MarkedText* text = as_text()) return 16 + text->size();
  if (const List* list = as_list()) return list->weight;
  if (const Dict* dict = as_dict()) return dict->weight;
  return 16;
}

bool Value::truth() const {
  if (is_undefined() || is_none()) return false;
  if (const auto number = as_integer()) return *number != 0;
  if (const double* number = get<double>()) return *number != 0;
  if (const MarkedText* text = as_text()) return !text->empty();
  if (const List* list = as_list()) return !list->items.empty();
  if (const Dict* dict = as_dict()) return !dict->items.empty();
  return true;
}

std::string Value::type_name() const {
  if (is_undefined()) return "undefined";
  if (is_none()) return "none";
  if (get<bool>() != nullptr) return "bool";
  if (get<std::int64_t>() != nullptr) return "int";
  if (get<double>() != nullptr) return "float";
  if (as_text() != nullptr) return "str";
  if (const List* list = as_list()) return list->is_tuple ? "tuple" : "list";
  if (as_dict() != nullptr) return "dict";
  return as_function() != nullptr ? "function" : "namespace";
}

MarkedText Value::print() const {
  if (is_undefined()) return {};
  if (const MarkedText* text = as_text()) return *text;
  return repr();
}

MarkedText Value::repr() const {
  if (is_none()) return MarkedText("None");
  if (const bool* truth = get<bool>()) return MarkedText(*truth ? "True" : "False");
  if (const auto* number = get<std::int64_t>()) return MarkedText(std::to_string(*number));
  if (const double* number = get<double>()) return MarkedText(float_text(*number));
  if (const MarkedText* text = as_text()) return quoted(*text);
  MarkedText out;
  if (const List* list = as_list()) {
    out.append(list->is_tuple ? "(" : "[");
    for (std::size_t i = 0; i < list->items.size(); ++i) {
      if (i > 0) out.append(", ");
      out.append(list->items[i].repr());
    }
    out.append(!list->is_tuple ? "]" : list->items.size() == 1 ? ",)" : ")");
    return out;
  }
  if (const Dict* dict = as_dict()) {
    out.append("{");
    for (std::size_t i = 0; i < dict->items.size(); ++i) {
      if (i > 0) out.append(", ");
      out.append(quoted(MarkedText(dict->items[i].first)));
      out.append(": ");
      out.append(dict->items[i].second.repr());
    }
    out.append("}");
    return out;
  }
  if (is_undefined()) return MarkedText("Undefined");
  throw template_error("printing a value of type " + type_name());
}

bool Value::equals(const Value& other) const {
  if (is_number() && other.is_number()) {
    const auto a = as_integer(), b = other.as_integer();
    return a && b ? *a == *b : as_double() == other.as_double();
  }
  if (as_text() != nullptr && other.as_text() != nullptr) return as_text()->text() == other.as_text()->text();
  if (const List* a = as_list(), *b = other.as_list(); a != nullptr && b != nullptr) {
    return a->is_tuple == b->is_tuple && std::equal(a->items.begin(), a->items.end(), b->items.begin(), b->items.end(),
                                                    [](const Value& x, const Value& y) { return x.equals(y); });
  }
  if (const Dict* a = as_dict(), *b = other.as_dict(); a != nullptr && b != nullptr) {
    return a->items.size() == b->items.size() && std::all_of(a->items.begin(), a->items.end(), [&](const auto& entry) {
             const Value* there = b->find(entry.first);
             return there != nullptr && entry.second.equals(*there);
           });
  }
  if (is_undefined() || other.is_undefined()) return is_undefined() && other.is_undefined();
  if (is_none() || other.is_none()) return is_none() && other.is_none();
  if (as_object() != nullptr) return as_object() == other.as_object();
  return as_function() != nullptr && as_function() == other.as_function();
}

int Value::compare(const Value& other) const {
  const auto sign = [](const auto& a, const auto& b) { return a < b ? -1 : b < a ? 1 : 0; };
  if (is_number() && other.is_number()) {
    const auto a = as_integer(), b = other.as_integer();
    return a && b ? sign(*a, *b) : sign(as_double(), other.as_double());
  }
  // UTF-8 sorts by code point, which is Python's order.
  if (as_text() != nullptr && other.as_text() != nullptr) return sign(as_text()->text(), other.as_text()->text());
  if (const List* a = as_list(), *b = other.as_list(); a != nullptr && b != nullptr && a->is_tuple == b->is_tuple) {
    for (std::size_t i = 0; i < std::min(a->items.size(), b->items.size()); ++i) {
      if (!a->items[i].equals(b->items[i])) return a->items[i].compare(b->items[i]);
    }
    return sign(a->items.size(), b->items.size());
  }
  throw template_error("an order between " + type_name() + " and " + other.type_name());
}

std::vector<Value> Value::iterate() const {
  std::vector<Value> items;
  if (is_undefined()) return items;
  if (const List* list = as_list()) return list->items;
  if (const Dict* dict = as_dict()) {
    for (const auto& [key, value] : dict->items) items.push_back(Value::text(key));
    return items;
  }
  if (const MarkedText* text = as_text()) {
    if (text->size() > 1'000'000) throw template_error("the characters of a text of more than a million bytes");
    for_each_character(text->text(), [&](std::int32_t, std::size_t begin, std::size_t end) {
      items.push_back(Value::text(text->slice(begin, end)));
    });
    return items;
  }
  throw template_error("iterating over a value of type " + type_name());
}

bool Value::contains(const Value& item) const {
  if (const MarkedText* text = as_text()) {
    if (item.as_text() == nullptr) throw template_error("'in <str>' with a value of type " + item.type_name());
    return find_part(text->text(), item.as_text()->text()) != std::string::npos;
  }
  if (const Dict* dict = as_dict()) return item.as_text() != nullptr && dict->find(item.as_text()->text()) != nullptr;
  const std::vector<Value> items = iterate();
  return std::any_of(items.begin(), items.end(), [&](const Value& held) { return held.equals(item); });
}

MarkedText dump(const Value& value, const DumpOptions& options) {
  MarkedText out;
  dump_into(out, value, options, 0);
  return out;
}

}  // namespace lethe::jinja
