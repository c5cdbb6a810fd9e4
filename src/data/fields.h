// The fields of a row by the names that people give them, and how their values are read.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/json.h"

namespace lethe {

/// Why a row cannot be used, in words for the user. RowReader's callers count and name such rows; it never ends a run.
class UnusableRow : public std::exception {
 public:
  explicit UnusableRow(std::string why) : why_(std::move(why)) {}
  const char* what() const noexcept override { return why_.c_str(); }

 private:
  std::string why_;
};

/// The key of a column name: "Best Answer", "best-answer" and "BEST_ANSWER" are all best_answer.
std::string column_key(std::string_view name);

/// The fields of one row (or of one message of a chat) by their keys.
class Fields {
 public:
  /// @param row  an object, which outlives this
  explicit Fields(const Json& row);

  /// The field of this key, or nullptr if there is none or it is null. Of several columns with the same key, the one
  /// written exactly so counts.
  /// @throws UnusableRow if several columns have the key and none is written exactly so
  const Json* find(std::string_view key) const;
  /// Like find(), but nullptr also for blank text and for empty lists and objects (as text: "[]", "{}", "null").
  const Json* filled(std::string_view key) const;
  /// Whether there is such a column, whatever it holds.
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
/// Without white space at either end.
std::string trimmed(std::string_view text);

/// true, false, "True", "false", 0, 1 (also as text). Nothing for other values.
std::optional<bool> read_truth(const Json& value);

/// Text with something in it. A list of parts {"type": "text", "text": …} is joined.
/// @throws UnusableRow if it is missing, empty or no text
std::string text_field(const Fields& fields, std::string_view key);
/// The same of a value that was found under `name`.
std::string text_value(const Json& value, std::string_view name);

/// Whether a value is a list of message parts ({"type": …}, …).
bool is_parts(const Json& value);
/// The text of a message's content: a text, or a list of parts of type text. It may be empty.
/// @throws UnusableRow if it is something else, such as an image
std::string content_text(const Json& value, std::string_view name);

/// Several answers: a list of texts, or one text (joined by ';' if `joined`). Each text once, blank ones left out.
/// @throws UnusableRow if it holds anything but text, or a list as Python prints it
std::vector<std::string> answer_list(const Json& value, std::string_view name, bool joined);

/// Whether a row or a message is to be learned: weight (and loss_weight, sample_weight) 0 or 1, train, masked. Of a
/// message also loss, loss_mask, trainable.
/// @throws UnusableRow naming the key if it asks for what Lethe cannot do: a weight of 0.5, learning a user's message
bool is_learned(const Fields& fields, bool is_message, bool of_assistant);

}  // namespace lethe
