#include "tokenizers/components.h"

#include <memory>

#include "core/error.h"
#include "core/regex.h"

namespace lethe {

const Json& component_key(const Json& part, const char* key) {
  if (!part.is_object() || !part.contains(key)) {
    throw bad_input("cannot read tokenizer.json")
        .with("part", excerpt(dump_json(part)))
        .wanted(std::string("key ") + key);
  }
  return part.at(key);
}

std::string component_string(const Json& part, const char* key) {
  const Json& value = component_key(part, key);
  if (!value.is_string()) {
    throw bad_input("cannot read tokenizer.json")
        .with("part", excerpt(dump_json(part)))
        .wanted(std::string("text under ") + key)
        .found(excerpt(dump_json(value)));
  }
  return value.get<std::string>();
}

std::string component_affix(const Json& part, const char* key) {
  constexpr std::size_t kLongest = 1000;
  std::string text = component_string(part, key);
  if (text.size() > kLongest) {
    throw bad_input("cannot use this tokenizer.json")
        .with("part", excerpt(dump_json(part)))
        .wanted("at most " + with_commas(kLongest) + " bytes under " + key)
        .found(with_commas(text.size()) + " bytes");
  }
  return text;
}

namespace {

std::size_t steps_in(const Json& part, const char* key) {
  std::size_t count = 1;
  if (!part.is_object() || !part.contains(key)) return count;
  for (const Json& step : part.at(key)) count += steps_in(step, key);
  return count;
}

}  // namespace

const Json& component_steps(const Json& part, const char* key) {
  constexpr std::size_t kMost = 100;
  const Json& steps = component_key(part, key);
  const std::size_t count = steps_in(part, key) - 1;
  if (count > kMost) {
    throw bad_input("cannot use this tokenizer.json: it has too many steps")
        .wanted("at most " + with_commas(kMost) + " " + key)
        .found(with_commas(count));
  }
  return steps;
}

bool component_flag(const Json& part, const char* key, bool otherwise) {
  if (!part.contains(key) || part.at(key).is_null()) return otherwise;
  if (!part.at(key).is_boolean()) {
    throw bad_input("cannot read tokenizer.json")
        .with("part", excerpt(dump_json(part)))
        .wanted(std::string("true or false under ") + key);
  }
  return part.at(key).get<bool>();
}

std::size_t component_count(const Json& part, const char* key) {
  const Json& value = component_key(part, key);
  if (!value.is_number_integer() || value < 0) {
    throw bad_input("cannot read tokenizer.json")
        .with("part", excerpt(dump_json(part)))
        .wanted(std::string("a count under ") + key)
        .found(excerpt(dump_json(value)));
  }
  return value.get<std::size_t>();
}

std::string component_type(const Json& part) {
  return component_string(part, "type");
}

void refuse_component(const char* kind, const Json& part) {
  throw bad_input(std::string("cannot use this tokenizer.json: its ") + kind + " is not supported")
      .found(excerpt(dump_json(part), 200));
}

Finder find_text(std::string needle) {
  return [needle = std::move(needle)](std::string_view text, std::vector<ByteRange>& found) {
    found.clear();
    if (needle.empty()) return;
    for (std::size_t at = text.find(needle); at != std::string::npos; at = text.find(needle, at + needle.size())) {
      found.emplace_back(at, at + needle.size());
    }
  };
}

Finder make_finder(const Json& pattern) {
  if (pattern.is_object() && pattern.contains("Regex")) {
    const auto regex = std::make_shared<const Regex>(component_string(pattern, "Regex"));
    return [regex](std::string_view text, std::vector<ByteRange>& found) { regex->find_all(text, found); };
  }
  return find_text(component_string(pattern, "String"));
}

}  // namespace lethe
