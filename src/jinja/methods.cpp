// Methods of Python's str, dict and list that templates call, and the functions that transformers provides.
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>

#include "jinja/builtins.h"
#include "jinja/interpreter.h"
#include "jinja/python_text.h"

namespace lethe::jinja {
namespace {

using TextMethod = std::function<Value(const MarkedText&, const Arguments&)>;

Value texts(std::vector<MarkedText> pieces) {
  std::vector<Value> items;
  for (MarkedText& piece : pieces) items.push_back(Value::text(std::move(piece)));
  return Value::list(std::move(items));
}

TextMethod strip_method(const char* name, bool left, bool right) {
  return [=](const MarkedText& text, const Arguments& arguments) {
    arguments.expect(name, {"chars"});
    const MarkedText* characters = text_argument(arguments, 0, "chars");
    return Value::text(stripped(text, characters != nullptr ? &characters->text() : nullptr, left, right));
  };
}

TextMethod case_method(const char* name, Case wanted) {
  return [=](const MarkedText& text, const Arguments& arguments) {
    arguments.expect(name, {});
    return Value::text(in_case(text, wanted));
  };
}

TextMethod kind_method(const char* name, Kind kind) {
  return [=](const MarkedText& text, const Arguments& arguments) {
    arguments.expect(name, {});
    return Value(all_of_kind(text.text(), kind));
  };
}

Value split(const MarkedText& text, const Arguments& arguments) {
  arguments.expect("split", {"sep", "maxsplit"});
  const MarkedText* separator = text_argument(arguments, 0, "sep");
  if (separator != nullptr && separator->empty()) throw template_error("split with an empty separator");
  return texts(split_text(text, separator != nullptr ? &separator->text() : nullptr,
                          integer_argument(arguments, 1, "maxsplit", -1)));
}

Value rsplit(const MarkedText& text, const Arguments& arguments) {
  arguments.expect("rsplit", {"sep", "maxsplit"});
  const MarkedText* separator = text_argument(arguments, 0, "sep");
  if (separator == nullptr || separator->empty())
    throw template_error("rsplit without a separator, which is not supported");
  return texts(split_from_right(text, separator->text(), integer_argument(arguments, 1, "maxsplit", -1)));
}

// startswith, endswith: a text, or a tuple of texts.
TextMethod end_method(const char* name, bool begin) {
  return [=](const MarkedText& text, const Arguments& arguments) {
    arguments.expect(name, {"prefix"});
    const Value* wanted = arguments.find(0, "prefix");
    if (wanted == nullptr) throw template_error(std::string(name) + " without a text");
    const bool several = wanted->as_list() != nullptr && wanted->as_list()->is_tuple;
    for (const Value& candidate : several ? wanted->as_list()->items : std::vector<Value>{*wanted}) {
      const MarkedText* part = candidate.as_text();
      if (part == nullptr) throw template_error(std::string(name) + " with a value of type " + candidate.type_name());
      if (begin ? text.text().starts_with(part->text()) : text.text().ends_with(part->text())) return Value(true);
    }
    return Value(false);
  };
}

TextMethod removing_method(const char* name, bool prefix) {
  return [=](const MarkedText& text, const Arguments& arguments) {
    arguments.expect(name, {"affix"});
    const MarkedText* part = text_argument(arguments, 0, "affix");
    if (part == nullptr) throw template_error(std::string(name) + " without a text");
    const bool there = prefix ? text.text().starts_with(part->text()) : text.text().ends_with(part->text());
    if (!there) return Value::text(text);
    return Value::text(prefix ? text.slice(part->size(), text.size()) : text.slice(0, text.size() - part->size()));
  };
}

TextMethod find_method(const char* name, bool from_right, bool must_be_there) {
  return [=](const MarkedText& text, const Arguments& arguments) {
    arguments.expect(name, {"sub"});
    const MarkedText* part = text_argument(arguments, 0, "sub");
    if (part == nullptr) throw template_error(std::string(name) + " without a text");
    const std::size_t at =
        from_right ? find_last_part(text.text(), part->text()) : find_part(text.text(), part->text());
    if (at == std::string::npos && must_be_there) throw template_error("index of a text that is not there");
    if (at == std::string::npos) return Value::integer(-1);
    return Value::integer(static_cast<std::int64_t>(character_starts(text.text().substr(0, at)).size()) - 1);
  };
}

Value occurrences(const MarkedText& text, const Arguments& arguments) {
  arguments.expect("count", {"sub"});
  const MarkedText* part = text_argument(arguments, 0, "sub");
  if (part == nullptr || part->empty()) throw template_error("count without a text");
  std::int64_t count = 0;
  for (std::size_t at = find_part(text.text(), part->text()); at != std::string::npos;
       at = find_part(text.text(), part->text(), at + part->size()))
    ++count;
  return Value::integer(count);
}

Value replace_in(const MarkedText& text, const Arguments& arguments) {
  arguments.expect("replace", {"old", "new", "count"});
  const MarkedText *old = text_argument(arguments, 0, "old"), *fresh = text_argument(arguments, 1, "new");
  if (old == nullptr || fresh == nullptr) throw template_error("replace without its two texts");
  return Value::text(replaced(text, old->text(), *fresh, integer_argument(arguments, 2, "count", -1)));
}

Value join_with(const MarkedText& separator, const Arguments& arguments) {
  arguments.expect("join", {"iterable"});
  const Value* list = arguments.find(0, "iterable");
  if (list == nullptr) throw template_error("join without a list");
  MarkedText text;
  bool first = true;
  for (const Value& item : list->iterate()) {
    if (item.as_text() == nullptr) throw template_error("join of a value of type " + item.type_name());
    if (!first) text.append(separator);
    text.append(*item.as_text());
    first = false;
  }
  return Value::text(std::move(text));
}

const std::map<std::string, TextMethod>& text_methods() {
  static const TextMethod lines = [](const MarkedText& text, const Arguments& arguments) {
    arguments.expect("splitlines", {"keepends"});
    return texts(split_lines(text, flag_argument(arguments, 0, "keepends", false)));
  };
  static const std::map<std::string, TextMethod> all = {
      {"strip", strip_method("strip", true, true)},
      {"lstrip", strip_method("lstrip", true, false)},
      {"rstrip", strip_method("rstrip", false, true)},
      {"split", split},
      {"rsplit", rsplit},
      {"splitlines", lines},
      {"startswith", end_method("startswith", true)},
      {"endswith", end_method("endswith", false)},
      {"removeprefix", removing_method("removeprefix", true)},
      {"removesuffix", removing_method("removesuffix", false)},
      {"upper", case_method("upper", Case::upper)},
      {"lower", case_method("lower", Case::lower)},
      {"capitalize", case_method("capitalize", Case::capitalize)},
      {"title", case_method("title", Case::title)},
      {"replace", replace_in},
      {"find", find_method("find", false, false)},
      {"rfind", find_method("rfind", true, false)},
      {"index", find_method("index", false, true)},
      {"count", occurrences},
      {"join", join_with},
      {"isdigit", kind_method("isdigit", Kind::digit)},
      {"isalpha", kind_method("isalpha", Kind::letter)},
      {"isalnum", kind_method("isalnum", Kind::letter_or_digit)},
      {"isspace", kind_method("isspace", Kind::space)},
  };
  return all;
}

Value dict_method(const Value& object, const std::string& name) {
  if (name == "items" || name == "keys" || name == "values") {
    return Value::function(name, [object, name](Interpreter&, const Arguments& arguments) {
      arguments.expect(name, {});
      std::vector<Value> items;
      for (const auto& [key, value] : object.as_dict()->items) {
        items.push_back(name == "keys"     ? Value::text(key)
                        : name == "values" ? value
                                           : Value::list({Value::text(key), value}, true));
      }
      return Value::list(std::move(items));
    });
  }
  if (name == "get") {
    return Value::function(name, [object](Interpreter&, const Arguments& arguments) {
      arguments.expect("get", {"key", "default"});
      const Value *key = arguments.find(0, "key"), *fallback = arguments.find(1, "default");
      if (key == nullptr) throw template_error("get without a key");
      const Value* value = key->as_text() != nullptr ? object.as_dict()->find(key->as_text()->text()) : nullptr;
      return value != nullptr ? *value : fallback != nullptr ? *fallback : Value::none();
    });
  }
  return {};
}

Value range(Interpreter& interpreter, const Arguments& arguments) {
  arguments.expect("range", {"start", "stop", "step"});
  std::array<std::int64_t, 3> bounds{0, 0, 1};
  const std::size_t count = arguments.positional.size();
  if (count == 0) throw template_error("range without a number");
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = arguments.positional[i].as_integer();
    if (!number) throw template_error("range of a value of type " + arguments.positional[i].type_name());
    bounds[count == 1 ? 1 : i] = *number;
  }
  if (bounds[2] == 0) throw template_error("range with step 0");
  std::vector<Value> items;
  for (std::int64_t at = bounds[0]; bounds[2] > 0 ? at < bounds[1] : at > bounds[1];) {
    if (items.size() >= 100'000) throw template_error("a range of more than 100,000 numbers");
    interpreter.spend(1);
    items.push_back(Value::integer(at));
    if (__builtin_add_overflow(at, bounds[2], &at)) break;
  }
  return Value::list(std::move(items));
}

/// The entries of dict(other, name=value, …) and of a namespace.
std::vector<std::pair<std::string, Value>> entries(const std::string& function, const Arguments& arguments) {
  std::vector<std::pair<std::string, Value>> items;
  if (arguments.positional.size() > 1) throw template_error(function + " with several arguments");
  if (!arguments.positional.empty()) {
    const Dict* dict = arguments.positional[0].as_dict();
    if (dict == nullptr) throw template_error(function + " of what is no dict, which is not supported");
    items = dict->items;
  }
  items.insert(items.end(), arguments.named.begin(), arguments.named.end());
  return items;
}

Value refuse(Interpreter&, const Arguments& arguments) {
  const std::string message = arguments.positional.empty() ? "" : arguments.positional[0].print().text();
  throw bad_input("the chat template does not take this chat").found(excerpt(message, 300));
}

Value time_text(Interpreter& interpreter, const Arguments& arguments) {
  arguments.expect("strftime_now", {"format"});
  const MarkedText* format = text_argument(arguments, 0, "format");
  if (format == nullptr || format->size() > 200) throw template_error("strftime_now without a format");
  const std::time_t now = interpreter.now();
  std::tm parts{};
  localtime_r(&now, &parts);
  std::array<char, 1000> text;
  return Value::text(
      std::string_view(text.data(), std::strftime(text.data(), text.size(), format->text().c_str(), &parts)));
}

}  // namespace

Value method_of(const Value& object, const std::string& name) {
  if (object.as_text() != nullptr) {
    const auto found = text_methods().find(name);
    if (found != text_methods().end()) {
      return Value::function(name, [object, &method = found->second](Interpreter& interpreter, const Arguments& given) {
        interpreter.spend_on(object);
        for (const Value& argument : given.positional) interpreter.spend_on(argument);
        return method(*object.as_text(), given);
      });
    }
  }
  if (object.as_dict() != nullptr) {
    if (Value method = dict_method(object, name); !method.is_undefined()) return method;
  }
  // Python's methods that this interpreter lacks: refused by name instead of being undefined.
  static const std::set<std::string> of_text = {
      "format",   "format_map", "encode",     "casefold",   "center",       "ljust",       "rjust",    "zfill",
      "swapcase", "partition",  "rpartition", "rindex",     "isnumeric",    "isdecimal",   "islower",  "isupper",
      "istitle",  "isascii",    "translate",  "expandtabs", "isidentifier", "isprintable", "maketrans"};
  static const std::set<std::string> of_list = {"append", "extend",  "insert", "pop",   "remove", "clear",
                                                "sort",   "reverse", "index",  "count", "copy"};
  static const std::set<std::string> of_dict = {"update", "pop", "popitem", "setdefault", "clear", "copy", "fromkeys"};
  const auto& unsupported = object.as_text() != nullptr ? of_text : object.as_list() != nullptr ? of_list : of_dict;
  const bool has_methods = object.as_text() != nullptr || object.as_list() != nullptr || object.as_dict() != nullptr;
  if (!has_methods || !unsupported.contains(name)) return {};
  if (object.as_dict() != nullptr && object.as_dict()->find(name) != nullptr) return {};
  throw template_error("the method " + object.type_name() + "." + name + ", which is not supported");
}

Value builtin_function(const std::string& name) {
  static const std::map<std::string, std::function<Value(Interpreter&, const Arguments&)>> all = {
      {"range", range},
      {"dict",
       [](Interpreter& interpreter, const Arguments& arguments) {
         auto items = entries("dict", arguments);
         interpreter.spend_on_keys(items.size());
         return Value::dict(std::move(items));
       }},
      {"namespace",
       [](Interpreter& interpreter, const Arguments& arguments) {
         auto space = std::make_shared<Namespace>();
         const auto items = entries("namespace", arguments);
         interpreter.spend_on_keys(items.size());
         for (const auto& [key, value] : items) space->set(key, value);
         return Value(std::static_pointer_cast<Object>(space));
       }},
      {"raise_exception", refuse},
      {"strftime_now", time_text},
  };
  const auto found = all.find(name);
  if (found != all.end()) return Value::function(name, found->second);
  for (const char* unsupported : {"cycler", "joiner", "lipsum", "varargs", "kwargs", "caller", "self", "super"}) {
    if (name == unsupported) throw template_error(std::string(unsupported) + ", which is not supported");
  }
  return Value::undefined(name);
}

}  // namespace lethe::jinja
