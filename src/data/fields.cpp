#include "data/fields.h"

#include <algorithm>
#include <unordered_set>

#include "core/error.h"
#include "core/numbers.h"
#include "core/redaction.h"
#include "core/trimmed.h"

namespace lethe {
namespace {

std::string in_quotes(std::string_view name) {
  return "'" + excerpt(name) + "'";
}

// Error for a list or an object in Python notation, which pandas writes into CSV files.
UnusableRow python_notation(std::string_view name) {
  return UnusableRow(in_quotes(name) +
                     " holds a list as Python prints it, which is no JSON; write the file with "
                     "to_json('F.jsonl', orient='records', lines=True)");
}

}  // namespace

std::string column_key(std::string_view name) {
  std::string key(trimmed(name));
  for (char& c : key) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    if (c == ' ' || c == '-') c = '_';
  }
  return key;
}

Fields::Fields(const Json& row) {
  if (!row.is_object()) return;
  fields_.reserve(row.size());
  for (auto field = row.begin(); field != row.end(); ++field)
    fields_.push_back({column_key(field.key()), &field.key(), &field.value()});
  std::stable_sort(fields_.begin(), fields_.end(), [](const Field& a, const Field& b) { return a.key < b.key; });
}

const Json* Fields::find(std::string_view key) const {
  const auto begin = std::lower_bound(fields_.begin(), fields_.end(), key,
                                      [](const Field& field, std::string_view wanted) { return field.key < wanted; });
  const Json* found = nullptr;
  std::size_t count = 0;
  for (auto field = begin; field != fields_.end() && field->key == key; ++field) {
    if (field->value->is_null()) continue;
    if (*field->name == key) return field->value;
    found = field->value;
    ++count;
  }
  if (count > 1) throw UnusableRow("several columns are named " + in_quotes(key) + " but for upper and lower case");
  return found;
}

const Json* Fields::filled(std::string_view key) const {
  const Json* field = find(key);
  if (field == nullptr) return nullptr;
  if (field->is_string()) {
    const std::string_view text = trimmed(field->get_ref<const std::string&>());
    return text.empty() || text == "[]" || text == "{}" || text == "null" ? nullptr : field;
  }
  return field->is_structured() && field->empty() ? nullptr : field;
}

bool Fields::has(std::string_view key) const {
  return std::any_of(fields_.begin(), fields_.end(), [&](const Field& field) { return field.key == key; });
}

bool is_blank(std::string_view text) {
  return trimmed(text).empty();
}

std::optional<bool> read_truth(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  std::string text(trimmed(value.is_string() ? value.get<std::string>() : dump_json(value)));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (text == "true" || text == "1" || text == "1.0" || text == "yes") return true;
  if (text == "false" || text == "0" || text == "0.0" || text == "no") return false;
  return std::nullopt;
}

bool is_parts(const Json& value) {
  return value.is_array() && !value.empty() && value[0].is_object() && value[0].contains("type") &&
         !value[0].contains("role") && !value[0].contains("from");
}

std::string content_text(const Json& value, std::string_view name) {
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_array()) throw UnusableRow(in_quotes(name) + " is no text but a JSON " + value.type_name());
  std::string text;
  for (const Json& part : value) {
    if (part.is_string()) {
      text += part.get_ref<const std::string&>();
      continue;
    }
    const Json* type = part.is_object() && part.contains("type") ? &part.at("type") : nullptr;
    const bool is_text = type != nullptr && (*type == "text" || *type == "input_text" || *type == "output_text");
    if (!is_text) {
      throw UnusableRow(
          in_quotes(name) + " holds a part " +
          (type != nullptr && type->is_string() ? "of type " + in_quotes(type->get<std::string>()) : "without a type") +
          "; only text is read");
    }
    const char* key = part.contains("text") ? "text" : "content";
    if (!part.contains(key) || !part.at(key).is_string())
      throw UnusableRow(in_quotes(name) + " holds a part without text");
    text += part.at(key).get_ref<const std::string&>();
  }
  return text;
}

std::string text_value(const Json& value, std::string_view name) {
  if (value.is_object() && value.contains("0")) {
    throw UnusableRow(in_quotes(name) +
                      " holds a whole column, as pandas' to_json() writes it; write the file with orient='records'");
  }
  if (!value.is_string() && !is_parts(value))
    throw UnusableRow(in_quotes(name) + " is no text but a JSON " + value.type_name());
  std::string text = content_text(value, name);
  if (is_blank(text)) throw UnusableRow(in_quotes(name) + " is empty");
  return text;
}

std::string text_field(const Fields& fields, std::string_view key) {
  const Json* field = fields.find(key);
  if (field == nullptr) throw UnusableRow("no " + in_quotes(key));
  return text_value(*field, key);
}

std::vector<std::string> answer_list(const Json& value, std::string_view name, bool joined) {
  std::vector<std::string> answers;
  std::unordered_set<std::string> known;
  const auto add = [&](std::string answer) {
    if (!is_blank(answer) && known.insert(answer).second) answers.push_back(std::move(answer));
  };
  if (value.is_array()) {
    for (const Json& item : value) {
      if (item.is_null()) continue;
      if (!item.is_string()) throw UnusableRow(in_quotes(name) + " is a list that holds a JSON " + item.type_name());
      add(item.get<std::string>());
    }
    return answers;
  }
  if (!value.is_string()) throw UnusableRow(in_quotes(name) + " is no text but a JSON " + value.type_name());
  const std::string text(trimmed(value.get_ref<const std::string&>()));
  if (text.starts_with("[\"") || text.starts_with("['")) {
    Json list;
    try {
      list = parse_json(text, std::string(name), 16);
    } catch (const Error&) {
      if (text.ends_with("]")) throw python_notation(name);
    }
    if (list.is_array()) return answer_list(list, name, false);
  }
  if (!joined) {
    add(value.get<std::string>());
    return answers;
  }
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(';', begin), text.size());
    add(std::string(trimmed(std::string_view(text).substr(begin, end - begin))));
    begin = end + 1;
  }
  return answers;
}

bool is_learned(const Fields& fields, bool is_message, bool of_assistant) {
  bool learned = true;
  const std::string place = is_message ? "a message has " : "the row has ";
  for (const char* key : {"weight", "loss_weight", "sample_weight"}) {
    const Json* field = fields.filled(key);
    if (field == nullptr) continue;
    std::optional<double> weight;
    if (field->is_number()) weight = field->get<double>();
    if (field->is_boolean()) weight = field->get<bool>() ? 1 : 0;
    if (field->is_string()) weight = parse_number(trimmed(field->get_ref<const std::string&>()));
    if (weight != 0.0 && weight != 1.0)
      throw UnusableRow(place + in_quotes(key) + " " + shown_text(dump_json(*field), 30) +
                        "; Lethe knows 0 and 1 only");
    if (weight == 0.0) learned = false;
  }
  const auto truth = [&](const char* key) -> std::optional<bool> {
    const Json* field = fields.filled(key);
    if (field == nullptr) return std::nullopt;
    const auto value = read_truth(*field);
    if (!value)
      throw UnusableRow(place + in_quotes(key) + " " + shown_text(dump_json(*field), 30) + ", neither true nor false");
    return value;
  };
  for (const char* key : {"train", "training", "trainable", "learn", "loss", "loss_mask"}) {
    // In a whole row, most of these names may hold something else, such as the row's loss.
    const Json* field = fields.filled(key);
    const bool is_word = field != nullptr && field->is_string() && !parse_number(trimmed(field->get<std::string>()));
    const bool is_plain = field != nullptr && (field->is_boolean() || (is_word && read_truth(*field)));
    if (!is_message && std::string_view(key) != "train" && !is_plain) continue;
    const auto value = truth(key);
    if (!value) continue;
    if (is_message && *value && !of_assistant)
      throw UnusableRow(in_quotes(key) + " asks to learn a message that is not the assistant's");
    if (!*value) learned = false;
  }
  if (const auto masked = truth("masked"); masked && *masked) learned = false;
  for (const char* key : {"train_detail", "mask", "loss_scale"}) {
    const Json* field = fields.filled(key);
    if (field == nullptr) continue;
    // NeMo's rows name the role whose messages are masked.
    const bool masks_user =
        !is_message && field->is_string() &&
        (column_key(field->get<std::string>()) == "user" || column_key(field->get<std::string>()) == "human");
    if (std::string_view(key) == "mask" && masks_user) continue;
    if (is_message || std::string_view(key) != "train_detail")
      throw UnusableRow(place + in_quotes(key) + ", which is not supported; 'train' or 'masked' say what to learn");
  }
  return learned;
}

}  // namespace lethe
