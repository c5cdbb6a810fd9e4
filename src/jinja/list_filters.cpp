// Jinja's filters over lists, dicts and texts as sequences.
#include <algorithm>
#include <functional>
#include <map>

#include "core/numbers.h"
#include "jinja/builtins.h"
#include "jinja/interpreter.h"
#include "jinja/python_text.h"

namespace lethe::jinja {
namespace {

using Filter = std::function<Value(Interpreter&, const Value&, const Arguments&)>;

constexpr std::size_t kByName = 1000;  // the position of an argument that is given by name

// The item "a.b.0" of a value; `otherwise` replaces a missing item, if given.
Value deep_item(Interpreter& interpreter, const Value& value, const Value& path, const Value* otherwise) {
  Value result = value;
  const auto step = [&](const Value& key) {
    result = interpreter.item(result, key);
    if (result.is_undefined() && otherwise != nullptr) result = *otherwise;
  };
  if (path.as_text() == nullptr) {
    step(path);
    return result;
  }
  const std::string dot = ".";
  for (const MarkedText& part : split_text(*path.as_text(), &dot, -1)) {
    const auto number = parse_whole_number(part.text());
    step(number && *number >= 0 ? Value::integer(*number) : Value::text(part.text()));
  }
  return result;
}

std::function<Value(const Value&)> getter(Interpreter& interpreter, const Arguments& arguments, std::size_t place,
                                          const char* name, const Value* otherwise = nullptr) {
  const Value* path = arguments.find(place, name);
  if (path == nullptr || path->is_none()) return [](const Value& value) { return value; };
  return [&interpreter, path = *path, otherwise](const Value& value) {
    return deep_item(interpreter, value, path, otherwise);
  };
}

Value lowered(const Value& value, bool case_sensitive) {
  return !case_sensitive && value.as_text() != nullptr ? Value::text(in_case(*value.as_text(), Case::lower)) : value;
}

Value join(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  arguments.expect("join", {"d", "attribute"});
  const Value* separator = arguments.find(0, "d");
  const auto get = getter(interpreter, arguments, 1, "attribute");
  MarkedText text;
  bool first = true;
  for (const Value& item : value.iterate()) {
    if (!first && separator != nullptr) text.append(separator->print());
    const Value joined = get(item);
    interpreter.spend_on(joined);
    const MarkedText printed = joined.print();
    interpreter.spend(1, printed.size() + (separator != nullptr ? separator->weight() : 0));
    text.append(printed);
    first = false;
  }
  return Value::text(std::move(text));
}

Value first_item(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("first", {});
  const std::vector<Value> items = value.iterate();
  return items.empty() ? Value::undefined("the first item of nothing") : items.front();
}
Value last_item(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("last", {});
  const std::vector<Value> items = value.iterate();
  return items.empty() ? Value::undefined("the last item of nothing") : items.back();
}

Value to_list(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("list", {});
  return Value::list(value.iterate());
}

Value pairs(const Value& value) {
  if (value.is_undefined()) return Value::list({});
  const Dict* dict = value.as_dict();
  if (dict == nullptr) throw template_error("the items of a value of type " + value.type_name());
  std::vector<Value> items;
  for (const auto& [key, held] : dict->items) items.push_back(Value::list({Value::text(key), held}, true));
  return Value::list(std::move(items));
}

Value sorted_pairs(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  arguments.expect("dictsort", {"case_sensitive", "by", "reverse"});
  const bool case_sensitive = flag_argument(arguments, 0, "case_sensitive", false);
  const MarkedText* by = text_argument(arguments, 1, "by");
  const std::size_t part = by != nullptr && by->text() == "value" ? 1 : 0;
  const bool reverse = flag_argument(arguments, 2, "reverse", false);
  if (value.as_dict() == nullptr) throw template_error("dictsort of a value of type " + value.type_name());
  std::vector<Value> items = pairs(value).iterate();
  interpreter.spend(value.weight() / 4);
  std::stable_sort(items.begin(), items.end(), [&](const Value& a, const Value& b) {
    const Value &one = a.as_list()->items[part], &other = b.as_list()->items[part];
    const int order = lowered(one, case_sensitive).compare(lowered(other, case_sensitive));
    return reverse ? order > 0 : order < 0;
  });
  return Value::list(std::move(items));
}

Value map_items(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  std::vector<Value> items;
  if (arguments.positional.empty()) {
    arguments.expect("map", {"attribute", "default"});
    if (arguments.find(kByName, "attribute") == nullptr) throw template_error("map without a filter or an attribute");
    const auto get = getter(interpreter, arguments, kByName, "attribute", arguments.find(kByName, "default"));
    for (const Value& item : value.iterate()) {
      interpreter.spend(1);
      items.push_back(get(item));
    }
  } else {
    const MarkedText* name = arguments.positional[0].as_text();
    if (name == nullptr) throw template_error("map with a filter that is no name");
    Arguments rest{{arguments.positional.begin() + 1, arguments.positional.end()}, arguments.named};
    for (const Value& item : value.iterate()) {
      interpreter.spend(1);
      items.push_back(interpreter.counted(apply_filter(interpreter, name->text(), item, rest)));
    }
  }
  return Value::list(std::move(items));
}

// select, reject, selectattr, rejectattr: the attribute (if any), then the name of a test and its arguments.
Filter chooser(bool by_attribute, bool keeps) {
  return [=](Interpreter& interpreter, const Value& value, const Arguments& arguments) {
    const std::size_t test_at = by_attribute ? 1 : 0;
    if (by_attribute && arguments.positional.empty())
      throw template_error("selectattr or rejectattr without an attribute");
    const auto get = by_attribute ? getter(interpreter, arguments, 0, "")
                                  : std::function<Value(const Value&)>([](const Value& item) { return item; });
    Arguments rest;
    std::string name;
    if (arguments.positional.size() > test_at) {
      const MarkedText* test = arguments.positional[test_at].as_text();
      if (test == nullptr) throw template_error("a test that is no name");
      name = test->text();
      rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(test_at) + 1,
                             arguments.positional.end());
      if (name == "==") name = "eq";
      if (name == "!=") name = "ne";
    }
    std::vector<Value> items;
    for (const Value& item : value.iterate()) {
      interpreter.spend(1);
      const Value tested = get(item);
      interpreter.spend_on(tested);
      if ((name.empty() ? tested.truth() : apply_test(name, tested, rest)) == keeps) items.push_back(item);
    }
    return Value::list(std::move(items));
  };
}

Value sorted(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  arguments.expect("sort", {"reverse", "case_sensitive", "attribute"});
  const bool reverse = flag_argument(arguments, 0, "reverse", false);
  const bool case_sensitive = flag_argument(arguments, 1, "case_sensitive", false);
  const auto get = getter(interpreter, arguments, 2, "attribute");
  std::vector<std::pair<Value, Value>> keyed;
  for (const Value& item : value.iterate()) {
    keyed.emplace_back(interpreter.counted(lowered(get(item), case_sensitive)), item);
    interpreter.spend(16 + keyed.back().first.weight() / 4);
  }
  std::stable_sort(keyed.begin(), keyed.end(), [&](const auto& a, const auto& b) {
    const int order = a.first.compare(b.first);
    return reverse ? order > 0 : order < 0;
  });
  std::vector<Value> items;
  for (auto& [key, item] : keyed) items.push_back(std::move(item));
  return Value::list(std::move(items));
}

Value unique(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  arguments.expect("unique", {"case_sensitive", "attribute"});
  const bool case_sensitive = flag_argument(arguments, 0, "case_sensitive", false);
  const auto get = getter(interpreter, arguments, 1, "attribute");
  std::vector<Value> keys, items;
  for (const Value& item : value.iterate()) {
    const Value key = lowered(get(item), case_sensitive);
    interpreter.spend(keys.size() * (1 + key.weight() / 64));
    if (std::any_of(keys.begin(), keys.end(), [&](const Value& known) { return known.equals(key); })) continue;
    keys.push_back(key);
    items.push_back(item);
  }
  return Value::list(std::move(items));
}

Filter extreme(bool greatest) {
  return [greatest](Interpreter& interpreter, const Value& value, const Arguments& arguments) {
    arguments.expect(greatest ? "max" : "min", {"case_sensitive", "attribute"});
    const bool case_sensitive = flag_argument(arguments, 0, "case_sensitive", false);
    const auto get = getter(interpreter, arguments, 1, "attribute");
    std::optional<Value> best;
    for (const Value& item : value.iterate()) {
      if (!best) {
        best = item;
        continue;
      }
      const Value key = get(item), best_key = get(*best);
      interpreter.spend_on(key);
      interpreter.spend_on(best_key);
      const int order = lowered(key, case_sensitive).compare(lowered(best_key, case_sensitive));
      if (greatest ? order > 0 : order < 0) best = item;
    }
    return best ? *best : Value::undefined("the extreme of nothing");
  };
}

Value total(Interpreter& interpreter, const Value& value, const Arguments& arguments) {
  arguments.expect("sum", {"attribute", "start"});
  const auto get = getter(interpreter, arguments, 0, "attribute");
  const Value* start = arguments.find(1, "start");
  Value sum = start != nullptr ? *start : Value::integer(0);
  for (const Value& item : value.iterate()) sum = interpreter.counted(arithmetic(interpreter, "+", sum, get(item)));
  return sum;
}

Value reversed(Interpreter&, const Value& value, const Arguments& arguments) {
  arguments.expect("reverse", {});
  if (value.as_text() != nullptr) return slice_of(value, Value::none(), Value::none(), Value::integer(-1));
  std::vector<Value> items = value.iterate();
  std::reverse(items.begin(), items.end());
  return Value::list(std::move(items));
}

}  // namespace

std::optional<Value> apply_list_filter(Interpreter& interpreter, const std::string& name, const Value& value,
                                       const Arguments& arguments) {
  static const Filter items = [](Interpreter&, const Value& held, const Arguments& given) {
    given.expect("items", {});
    return pairs(held);
  };
  static const std::map<std::string, Filter> all = {
      {"join", join},
      {"first", first_item},
      {"last", last_item},
      {"list", to_list},
      {"items", items},
      {"dictsort", sorted_pairs},
      {"map", map_items},
      {"select", chooser(false, true)},
      {"reject", chooser(false, false)},
      {"selectattr", chooser(true, true)},
      {"rejectattr", chooser(true, false)},
      {"sort", sorted},
      {"unique", unique},
      {"min", extreme(false)},
      {"max", extreme(true)},
      {"sum", total},
      {"reverse", reversed},
  };
  const auto found = all.find(name);
  if (found == all.end()) return std::nullopt;
  return found->second(interpreter, value, arguments);
}

}  // namespace lethe::jinja
