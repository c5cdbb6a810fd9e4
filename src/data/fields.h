// The fields of a row by name, and the readers of their values.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"

namespace lethe {

/// Why a row cannot be used, as a message for the user. RowReader's callers count and report such rows; the run
/// continues.
class UnusableRow : public std::exception {
 public:
  explicit UnusableRow(std::string why) : why_(std::move(why)) {}
  const char* what() const noexcept override { return why_.c_str(); }

 private:
  std::string why_;
};

/// Normalises a column name to its key: "Best Answer", "best-answer" and "BEST_ANSWER" are all best_answer.
std::string column_key(std::string_view name);

/// The fields of one row (or of one message of a chat) by their keys.
class Fields {
 public:
  /// @param row  an object that must outlive this
  explicit Fields(const Json& row);

  /// The field of this key, or nullptr if there is none or it is null. If several columns have the same key, the one
  /// spelled exactly like `key` wins.
  /// @throws UnusableRow if several columns have the key and none is spelled like it
  const Json* find(std::string_view key) const;
  /// Like find(), but nullptr also for blank text and for empty lists and objects (as text: "[]", "{}", "null").
  const Json* filled(std::string_view key) const;
  /// Whether the column exists, even if it is null or empty.
  bool has(std::string_view key) const;

 private:
  struct Field {
    std::string key;
    const std::string* name;
    const Json* value;
  };
  std::vector<Field> fields_;
};

bool is_blank(std::string_view text);

/// true, false, "True", "false", 0, 1 (also as text). Nothing for other values.
std::optional<bool> read_truth(const Json& value);

/// A text that must not be empty. A list of parts {"type": "text", "text": …} is joined.
/// @throws UnusableRow if it is missing, empty or not text
std::string text_field(const Fields& fields, std::string_view key);
/// Like text_field(), for a value found under `name`.
std::string text_value(const Json& value, std::string_view name);

/// Whether a value is a list of message parts ({"type": …}, …).
bool is_parts(const Json& value);
/// The text of a message's content: a text, or a list of text parts. May be empty.
/// @throws UnusableRow if it is something else, such as an image
std::string content_text(const Json& value, std::string_view name);

/// Answers from a list of texts or from one text (split at ';' if `joined`). Drops duplicates and blank texts.
/// @throws UnusableRow if it holds anything but text, or a list in Python notation
std::vector<std::string> answer_list(const Json& value, std::string_view name, bool joined);

/// Whether the model learns a row or a message: weight, loss_weight and sample_weight (0 or 1), train, masked. A
/// message may also have loss, loss_mask, trainable.
/// @throws UnusableRow naming the key if Lethe cannot do it: a weight of 0.5, learning a user's message
bool is_learned(const Fields& fields, bool is_message, bool of_assistant);

}  // namespace lethe
