#include "data/layouts.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/numbers.h"
#include "core/redaction.h"
#include "core/trimmed.h"
#include "data/filter.h"
#include "data/shapes.h"

namespace lethe {
namespace {

/// One row of one source.
class RowParser {
 public:
  RowParser(const Json& row, const DataSource& source, Role role, bool need_response)
      : row_(row), fields_(row), source_(source), role_(role), need_response_(need_response) {}

  RowReading read() {
    const bool names_columns = !source_.response.empty() || (!source_.prompt.empty() && !need_response_);
    if (!source_.prompt.empty() && !names_columns) return {};
    if (names_columns) {
      const bool both = !source_.prompt.empty() && !source_.response.empty();
      reading_.layout = "columns " + excerpt(source_.prompt) + (both ? ", " : "") + excerpt(source_.response);
      if (is_left_out()) return std::move(reading_);
      read_named();
      return std::move(reading_);
    }
    known_ = recognise(fields_, role_, need_response_);
    reading_.layout = shape_name(known_, fields_);
    if (known_.shape == Shape::unknown || is_left_out()) return std::move(reading_);
    refuse_unsupported(fields_, known_.shape == Shape::text);
    switch (known_.shape) {
      case Shape::safe_rlhf:
        read_safe_rlhf();
        break;
      case Shape::truthful_qa:
        read_truthful();
        break;
      case Shape::preference:
        read_preference();
        break;
      case Shape::chat:
        read_chat();
        break;
      case Shape::text:
        reading_.contents.push_back({"", {text_field(fields_, "text")}, {}, {}});
        heed_labels();
        break;
      default:
        read_pair();
    }
    return std::move(reading_);
  }

 private:
  bool is_left_out() {
    if (is_learned(fields_, false, true)) return false;
    reading_.not_learned = 1;
    return true;
  }

  void wrong_role(const std::string& what, const std::string& option) {
    reading_.wrong_role = what;
    reading_.option = option;
  }

  /// Takes the answers of a chat, after the row's system message and history.
  void take(ChatRow chat, bool with_before = true) {
    if (with_before) put_before(turns_before(fields_), chat);
    take_answers(chat, need_response_, reading_);
  }

  /// Takes several answers to one prompt. Without answers, takes the prompt alone.
  void take(std::vector<Turn> context, std::vector<std::string> responses, bool with_before = true) {
    ChatRow chat{std::move(context), 0};
    chat.learn_from = chat.turns.size();
    if (with_before) put_before(turns_before(fields_), chat);
    if (!responses.empty()) chat.turns.push_back({{"assistant", responses[0]}, true});
    take_answers(chat, !responses.empty(), reading_);
    if (reading_.contents.empty()) throw UnusableRow("a prompt that does not end with a message of user");
    reading_.contents.back().responses = std::move(responses);
  }

  static std::vector<Turn> question(std::string text) { return {{{"user", std::move(text)}, true}}; }

  std::vector<Turn> context_of(const Json& value, const std::string& name) const {
    if (const auto messages = as_messages(value, name)) return read_turns(*messages, name);
    return question(text_value(value, name));
  }

  /// The prompt under a known name, with its context.
  std::vector<Turn> context_under(const std::string& key) const {
    const Json* field = fields_.find(key);
    if (field == nullptr) throw UnusableRow("no '" + key + "'");
    std::vector<Turn> context = context_of(*field, key);
    for (const char* more : {"input", "context"}) {
      if (key == more || fields_.filled(more) == nullptr) continue;
      if (key != "instruction") {
        throw UnusableRow("'" + std::string(more) + "' beside '" + key +
                          "'; name the columns to take (FILE:prompt=COLUMN,response=COLUMN)");
      }
      context.back().message.content += "\n" + text_field(fields_, more);
    }
    return context;
  }

  void read_safe_rlhf() {
    std::vector<std::string> responses;
    std::string problem;
    for (const std::string which : {"response_0", "response_1"}) {
      const Json* field = fields_.find("is_" + which + "_safe");
      const auto safe = field != nullptr ? read_truth(*field) : std::nullopt;
      if (!safe) {
        throw UnusableRow(field == nullptr ? "no 'is_" + which + "_safe'"
                                           : "'is_" + which + "_safe' is neither true nor false: " +
                                                 shown_text(dump_json(*field), 30));
      }
      if ((role_ == Role::harmful && *safe) || (role_ == Role::normal && !*safe)) continue;
      try {
        responses.push_back(text_field(fields_, which));
      } catch (const UnusableRow& error) {
        problem = error.what();
      }
    }
    if (responses.empty() && !problem.empty()) throw UnusableRow(problem);
    take(context_under("prompt"), std::move(responses));
  }

  /// In the CSV file, answers are joined by ';'. The Hub's rows hold lists.
  void read_truthful() {
    if (role_ == Role::harmful)
      return wrong_role("TruthfulQA, whose answers are meant to be kept", "prompt=Question,response=Incorrect Answers");
    const Json* correct = fields_.find("correct_answers");
    if (correct == nullptr) throw UnusableRow("no 'correct_answers'");
    const bool joined = correct->is_string() && !trimmed(correct->get<std::string>()).starts_with("[");
    text_field(fields_, "best_answer");
    std::vector<std::string> answers = answer_list(*fields_.find("best_answer"), "best_answer", joined);
    for (std::string& answer : answer_list(*correct, "correct_answers", joined)) {
      if (std::find(answers.begin(), answers.end(), answer) == answers.end()) answers.push_back(std::move(answer));
    }
    take(question(text_field(fields_, "question")), std::move(answers));
    if (const Json* wrong = fields_.filled("incorrect_answers"))
      reading_.contents.back().wrong = answer_list(*wrong, "incorrect_answers", joined);
  }

  /// `chosen` is a normal answer. `rejected` was liked less, which does not make it harmful.
  void read_preference() {
    const Json& chosen = chosen_value();
    ChatRow chat = preferred(chosen, known_.response);
    const std::string other = first_key(kRejected, [&](const char* key) { return fields_.filled(key) != nullptr; });
    const auto rejected = other.empty() ? std::nullopt : as_messages(*fields_.find(other), other);
    if (rejected) {  // their common beginning is context, not an answer
      const std::vector<Turn> turns = read_turns(*rejected, other);
      std::size_t common = 0;
      while (common < std::min(turns.size(), chat.turns.size()) && turns[common].message == chat.turns[common].message)
        ++common;
      if (common < chat.turns.size()) chat.learn_from = std::max(chat.learn_from, common);
    }
    const auto safe = safety_of(fields_);
    take(std::move(chat));
    if (role_ == Role::normal) leave_to_other_role(safe);
    if (role_ != Role::harmful) return;
    if (need_response_) {
      reading_.contents.clear();
      wrong_role("preferences, whose rejected answers are not always harmful", "response=rejected");
    }
    for (RowContent& content : reading_.contents) content.responses.clear();
  }

  const Json& chosen_value() const {
    const Json* chosen = fields_.find(known_.response);
    if (chosen == nullptr) throw UnusableRow("no '" + known_.response + "'");
    return *chosen;
  }

  /// A preferred answer, or another answer of the row, in its chat.
  ChatRow preferred(const Json& answer, const std::string& name) const {
    const auto messages = as_messages(answer, name);
    const bool is_whole = messages && read_turn((*messages)[0], name).message.role != "assistant";
    std::optional<std::vector<Turn>> context;
    const Json* input = fields_.filled("input");
    if (const std::string key = first_key(kPrompts, [&](const char* k) { return fields_.filled(k) != nullptr; });
        !key.empty()) {
      context = context_under(key);
    } else if (input != nullptr && input->is_string()) {
      context = context_under("input");
    } else if (input != nullptr && input->is_object() && input->contains("messages")) {
      context = read_turns(input->at("messages"), "input.messages");
    } else if (!is_whole) {
      const std::string key_of_chat =
          first_key(kChats, [&](const char* k) { return k != name && fields_.filled(k) != nullptr; });
      if (!key_of_chat.empty()) context = chat_turns(key_of_chat);
      // Some files repeat the chosen answer at the end of the messages.
      if (context && !messages && answer.is_string() && !context->empty() &&
          context->back().message.role == "assistant" && context->back().message.content == answer.get<std::string>())
        context->pop_back();
    }
    return join_chat(std::move(context), answer, name);
  }

  std::vector<Turn> chat_turns(const std::string& key) const {
    const Json* field = fields_.find(key);
    if (field == nullptr) throw UnusableRow("no '" + key + "'");
    const auto messages = as_messages(*field, key);
    if (!messages) throw UnusableRow("'" + key + "' is no list of messages");
    return read_turns(*messages, key);
  }

  void read_chat() {
    ChatRow chat{chat_turns(known_.response), 0};
    if (const Json* last = fields_.find("last_turn_only"); last != nullptr && *last == true) {  // as json_line() writes
      for (std::size_t i = 0; i < chat.turns.size(); ++i) {
        if (chat.turns[i].message.role == "assistant") chat.learn_from = i;
      }
    }
    take(std::move(chat));
    heed_labels();
  }

  /// Clears the responses if the row is labelled for the other role.
  void leave_to_other_role(std::optional<bool> safe) {
    if (!safe || role_ == Role::generic || *safe == (role_ == Role::normal)) return;
    for (RowContent& content : reading_.contents) content.responses.clear();
  }

  void read_pair() {
    if (known_.prompt == "goal" && role_ == Role::normal && known_.shape == Shape::pair)
      return wrong_role("AdvBench, whose targets are harmful", "prompt=goal,response=target");
    std::vector<Turn> context = context_under(known_.prompt);
    if (known_.response.empty()) return take(std::move(context), {});
    const Json* response = fields_.find(known_.response);
    if (response == nullptr) throw UnusableRow("no '" + known_.response + "'");
    read_response(std::move(context), *response, known_.response, false);
    if (const Json* wrong = fields_.filled("perturbed_answer"); wrong != nullptr && !reading_.contents.empty())
      reading_.contents.back().wrong = answer_list(*wrong, "perturbed_answer", false);
    heed_labels();
  }

  /// Applies the row's labels to the answers taken.
  void heed_labels() {
    leave_to_other_role(safety_of(fields_));
    const std::optional<bool> wanted = desirable();
    if (!wanted) return;
    if (role_ == Role::harmful && need_response_) {
      const std::string prompt = known_.prompt.empty() ? "" : "prompt=" + known_.prompt + ",";
      wrong_role("preferences, whose undesirable answers are not always harmful",
                 prompt + "response=" + known_.response);
      reading_.contents.clear();
    }
    if (!*wanted || role_ == Role::harmful) {
      for (RowContent& content : reading_.contents) content.responses.clear();
    }
  }

  /// `label` beside `completion` says whether the answer is desirable (TRL's KTO).
  std::optional<bool> desirable() const {
    const Json* label = fields_.filled(known_.response == "completion" ? "label" : "kto_tag");
    if (label != nullptr) {
      if (const auto truth = read_truth(*label)) return truth;
    }
    const Json* other = fields_.filled("label");
    const bool matters = need_response_ && role_ != Role::generic;
    if (known_.response == "completion" || other == nullptr || !matters) return std::nullopt;
    const bool is_number =
        other->is_number() || (other->is_string() && parse_number(trimmed(other->get<std::string>())));
    const bool is_chosen = column_key(source_.where).find("label") != std::string::npos;
    if ((is_number || read_truth(*other)) && !is_chosen) {
      throw UnusableRow("'label' is " + shown_text(dump_json(*other), 30) +
                        ", which says neither safe nor unsafe; use where=label == …, or name the columns");
    }
    return std::nullopt;
  }

  void read_response(std::vector<Turn> context, const Json& response, const std::string& name, bool joined,
                     bool with_before = true) {
    if ((response.is_array() && !is_parts(response) && !as_messages(response, name)) || joined) {
      std::vector<std::string> answers = answer_list(response, name, joined);
      if (answers.empty()) throw UnusableRow("'" + excerpt(name) + "' holds no text");
      return take(std::move(context), std::move(answers), with_before);
    }
    take(join_chat(std::move(context), response, name), with_before);
  }

  const Json& named(const std::string& name) const {
    const Json* field = find_field(row_, name);
    if (field == nullptr) field = fields_.find(column_key(name));
    if (field == nullptr) throw UnusableRow("no '" + excerpt(name) + "'");
    return *field;
  }

  /// Reads only the columns that the user named, and those that exclude a row from learning.
  void read_named() {
    const bool both = !source_.prompt.empty() && !source_.response.empty();
    if (source_.response.empty()) return take(context_of(named(source_.prompt), source_.prompt), {});
    const Json& response = named(source_.response);
    const bool joined = response.is_string() && fields_.has("question") && fields_.has("best_answer") &&
                        column_key(source_.response).ends_with("answers");
    if (both)
      return read_response(context_of(named(source_.prompt), source_.prompt), response, source_.response, joined,
                           false);
    const std::string key = first_key(kPrompts, [&](const char* k) { return fields_.filled(k) != nullptr; });
    if (!key.empty() && !as_messages(response, source_.response))
      return read_response(context_under(key), response, source_.response, joined);
    take(preferred(response, source_.response));
  }

  const Json& row_;
  const Fields fields_;
  const DataSource& source_;
  const Role role_;
  const bool need_response_;
  Recognised known_;
  RowReading reading_;
};

}  // namespace

RowLayouts::RowLayouts(DataSource source, Role role, bool need_response)
    : source_(std::move(source)), role_(role), need_response_(need_response) {}

RowReading RowLayouts::read(const Json& row) const {
  return RowParser(row, source_, role_, need_response_).read();
}

}  // namespace lethe
