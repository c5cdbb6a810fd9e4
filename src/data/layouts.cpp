#include "data/layouts.h"

#include <algorithm>

#include "core/error.h"
#include "data/filter.h"

namespace lethe {
namespace {

using Columns = std::vector<std::string>;

bool has(const Columns& columns, const std::string& name) {
  return std::find(columns.begin(), columns.end(), name) != columns.end();
}
bool has_all(const Columns& columns, const std::vector<std::string>& names) {
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) { return has(columns, name); });
}

bool is_blank(const std::string& text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string::npos;
}

/// A field that must be text with something in it. @return what is wrong, or ""
std::string read_text(const Json& fields, const std::string& column, std::string& text) {
  const Json* field = find_field(fields, column);
  if (field == nullptr) return "no '" + excerpt(column) + "'";
  if (!field->is_string()) return "'" + excerpt(column) + "' is no text but a JSON " + field->type_name();
  text = field->get<std::string>();
  return is_blank(text) ? "'" + excerpt(column) + "' is empty" : "";
}

/// true, false, "True", "false", 0, 1. @return what is wrong, or ""
std::string read_truth(const Json& fields, const std::string& column, bool& truth) {
  const Json* field = find_field(fields, column);
  if (field == nullptr) return "no '" + column + "'";
  if (field->is_boolean()) {
    truth = field->get<bool>();
    return "";
  }
  const std::string text = field->is_string() ? field->get<std::string>() : dump_json(*field);
  const bool yes = text == "true" || text == "True" || text == "TRUE" || text == "1";
  const bool no = text == "false" || text == "False" || text == "FALSE" || text == "0";
  truth = yes;
  return yes || no ? "" : "'" + column + "' is neither true nor false: " + excerpt(text, 30);
}

/// The answers of a ';'-joined field, trimmed; each text once.
void split_answers(const std::string& joined, std::vector<std::string>& answers) {
  for (std::size_t begin = 0; begin <= joined.size();) {
    const std::size_t end = std::min(joined.find(';', begin), joined.size());
    std::string answer = joined.substr(begin, end - begin);
    begin = end + 1;
    if (is_blank(answer)) continue;
    const auto first = answer.find_first_not_of(" \t\r\n");
    answer = answer.substr(first, answer.find_last_not_of(" \t\r\n") - first + 1);
    if (std::find(answers.begin(), answers.end(), answer) == answers.end()) answers.push_back(answer);
  }
}

class SafeRlhf : public Layout {
 public:
  std::string name() const override { return "PKU-SafeRLHF"; }
  std::string read(const Json& fields, Role role, RowContent& content) const override {
    if (auto wrong = read_text(fields, "prompt", content.prompt); !wrong.empty()) return wrong;
    std::string first_problem;
    for (const char* which : {"0", "1"}) {
      const std::string column = std::string("response_") + which;
      bool safe = false;
      std::string text;
      if (auto wrong = read_truth(fields, "is_" + column + "_safe", safe); !wrong.empty()) return wrong;
      if ((role == Role::harmful && safe) || (role == Role::normal && !safe)) continue;
      if (auto wrong = read_text(fields, column, text); wrong.empty()) {
        content.responses.push_back(std::move(text));
      } else {
        first_problem = wrong;
      }
    }
    return content.responses.empty() ? first_problem : "";
  }
};

/// Both correct and incorrect answers are lists joined by ';'.
class TruthfulQa : public Layout {
 public:
  std::string name() const override { return "TruthfulQA"; }
  std::string read(const Json& fields, Role, RowContent& content) const override {
    std::string best, joined;
    if (auto wrong = read_text(fields, "Question", content.prompt); !wrong.empty()) return wrong;
    if (auto wrong = read_text(fields, "Best Answer", best); !wrong.empty()) return wrong;
    split_answers(best, content.responses);
    if (auto wrong = read_text(fields, "Correct Answers", joined); !wrong.empty()) return wrong;
    split_answers(joined, content.responses);
    if (read_text(fields, "Incorrect Answers", joined).empty()) split_answers(joined, content.wrong);
    return "";
  }
};

/// One column for the prompt, one for the response; the common shape.
class TwoColumns : public Layout {
 public:
  std::string title, prompt, response;  ///< without `response`: prompts alone
  std::string context;                  ///< a column put behind the prompt where it is not empty (Alpaca's `input`)
  std::string safe;                     ///< a column that says whether the response is safe (BeaverTails)
  std::string wrong_answers;            ///< a list of wrong answers (TOFU)
  bool split = false;                   ///< the response is several, joined by ';'

  std::string name() const override { return title; }
  std::string read(const Json& fields, Role role, RowContent& content) const override {
    std::string text;
    // Plain text has no prompt.
    if (!prompt.empty()) {
      if (auto wrong = read_text(fields, prompt, content.prompt); !wrong.empty()) return wrong;
    }
    if (!context.empty() && read_text(fields, context, text).empty()) content.prompt += "\n" + text;
    if (!wrong_answers.empty()) read_list(fields, wrong_answers, content.wrong);
    if (response.empty()) return "";
    if (!safe.empty() && role != Role::generic) {
      bool is_safe = false;
      if (auto wrong = read_truth(fields, safe, is_safe); !wrong.empty()) return wrong;
      if (is_safe != (role == Role::normal)) return "";
    }
    const Json* field = find_field(fields, response);
    if (field != nullptr && field->is_array()) {
      read_list(fields, response, content.responses);
      return content.responses.empty() ? "'" + excerpt(response) + "' is a list without text" : "";
    }
    if (auto wrong = read_text(fields, response, text); !wrong.empty()) return wrong;
    if (split) {
      split_answers(text, content.responses);
    } else {
      content.responses.push_back(std::move(text));
    }
    return "";
  }

 private:
  static void read_list(const Json& fields, const std::string& column, std::vector<std::string>& list) {
    const Json* field = find_field(fields, column);
    if (field == nullptr || !field->is_array()) return;
    for (const auto& item : *field) {
      if (item.is_string() && !is_blank(item.get_ref<const std::string&>())) list.push_back(item.get<std::string>());
    }
  }
};

/// A chat: perhaps a system message, then user and assistant in turn. Each turn of the assistant is a response, to the
/// user's turn before it, with all before that as its context.
class Messages : public Layout {
 public:
  std::string name() const override { return "chat messages"; }
  std::string read(const Json& fields, Role role, RowContent& content) const override {
    std::vector<RowContent> contents;
    std::string wrong = read_all(fields, role, contents);
    if (!contents.empty()) content = std::move(contents.back());
    return wrong;
  }
  std::string read_all(const Json& fields, Role, std::vector<RowContent>& contents) const override {
    const Json* turns = find_field(fields, "messages");
    if (turns == nullptr || !turns->is_array()) return "'messages' is no list";
    const Json* last_only = find_field(fields, "last_turn_only");  // as `lethe split` writes it
    std::vector<ChatMessage> before;
    std::string prompt;
    bool user_next = true;
    for (std::size_t i = 0; i < turns->size(); ++i) {
      const Json& turn = (*turns)[i];
      ChatMessage message;
      if (auto wrong = read_text(turn, "role", message.role); !wrong.empty()) return "message without a role: " + wrong;
      if (auto wrong = read_text(turn, "content", message.content); !wrong.empty())
        return "message of " + excerpt(message.role) + ": " + wrong;
      if (turn.contains("tool_calls") && !turn.at("tool_calls").empty()) return "tool calls, which are not supported";
      if (i == 0 && message.role == "system") {
        before.push_back(std::move(message));
        continue;
      }
      const std::string wanted = user_next ? "user" : "assistant";
      if (message.role != wanted)
        return "wanted a message of '" + wanted + "', found one of '" + excerpt(message.role) + "'";
      if (user_next) {
        prompt = std::move(message.content);
      } else {
        contents.push_back({prompt, {message.content}, {}, before});
        before.push_back({"user", prompt});
        before.push_back(std::move(message));
      }
      user_next = !user_next;
    }
    if (contents.empty()) return "no message of the assistant";
    if (!user_next) return "a last message of the user, without an answer";
    if (last_only != nullptr && *last_only == true) contents.erase(contents.begin(), contents.end() - 1);
    return "";
  }
};

std::unique_ptr<TwoColumns> two_columns(std::string title, std::string prompt, std::string response) {
  auto layout = std::make_unique<TwoColumns>();
  layout->title = std::move(title);
  layout->prompt = std::move(prompt);
  layout->response = std::move(response);
  return layout;
}

bool is_truthful_qa(const Columns& columns) {
  return has_all(columns, {"Question", "Best Answer", "Correct Answers"});
}

std::string listed(const Columns& columns) {
  std::string text;
  for (const auto& column : columns) text += (text.empty() ? "" : ", ") + excerpt(column, 40);
  return excerpt(text, 400);
}

Error wrong_role(const DataSource& source, const std::string& found, const std::string& wanted,
                 const std::string& option) {
  return bad_input("cannot take " + source.path + " as " + wanted + " data")
      .found(found)
      .hint("if that is what you mean, name the columns: " + source.path + ":" + option);
}

/// Known data sets, most particular first.
std::unique_ptr<Layout> recognise(const DataSource& source, const Columns& columns, Role role, bool need_response) {
  if (has_all(columns, {"prompt", "response_0", "response_1", "is_response_0_safe", "is_response_1_safe"})) {
    return std::make_unique<SafeRlhf>();
  }
  if (is_truthful_qa(columns)) {
    if (role == Role::harmful) {
      throw wrong_role(source, "TruthfulQA, whose answers are meant to be kept", "harmful",
                       "prompt=Question,response=Incorrect Answers");
    }
    return std::make_unique<TruthfulQa>();
  }
  if (has_all(columns, {"goal", "target"})) {
    if (role == Role::normal) {
      throw wrong_role(source, "AdvBench, whose targets are harmful", "normal", "prompt=goal,response=target");
    }
    return two_columns("AdvBench", "goal", "target");
  }
  if (has(columns, "messages")) return std::make_unique<Messages>();
  if (has_all(columns, {"prompt", "response"})) {
    auto layout = two_columns("prompt, response", "prompt", "response");
    if (has(columns, "is_safe")) {
      layout->title = "BeaverTails";
      layout->safe = "is_safe";
    }
    return layout;
  }
  if (has_all(columns, {"question", "answer"})) {
    auto layout = two_columns("question, answer", "question", "answer");
    if (has(columns, "perturbed_answer")) {
      layout->title = "TOFU";
      layout->wrong_answers = "perturbed_answer";
    }
    return layout;
  }
  if (has_all(columns, {"instruction", "output"})) {
    auto layout = two_columns("instruction, output", "instruction", "output");
    if (has(columns, "input")) layout->context = "input";
    return layout;
  }
  if (!need_response) {
    for (const char* name : {"prompt", "question", "Question", "goal", "instruction", "text"}) {
      if (has(columns, name)) return two_columns(name, name, "");
    }
  }
  if (has(columns, "text") && role != Role::harmful) return two_columns("text", "", "text");
  return nullptr;
}

}  // namespace

std::unique_ptr<Layout> find_layout(const DataSource& source, const Columns& columns, Role role, bool need_response) {
  for (const std::string& name : {source.prompt, source.response}) {
    const bool inner = name.find('.') != std::string::npos && has(columns, name.substr(0, name.find('.')));
    if (name.empty() || has(columns, name) || inner) continue;
    Error error = bad_input("cannot take pairs from " + source.path);
    error.wanted("a column '" + excerpt(name) + "'").found(listed(columns));
    if (const auto near = nearest(name, columns); !near.empty()) error.hint("'" + excerpt(near) + "'");
    throw error;
  }
  if (!source.response.empty() || (!source.prompt.empty() && !need_response)) {
    std::string prompt = source.prompt;
    for (const char* name : {"prompt", "question", "Question", "goal", "instruction"}) {
      if (prompt.empty() && has(columns, name)) prompt = name;
    }
    if (!prompt.empty()) {
      const std::string title =
          "columns " + excerpt(prompt) + (source.response.empty() ? "" : ", " + excerpt(source.response));
      auto layout = two_columns(title, prompt, source.response);
      layout->split = is_truthful_qa(columns) && source.response.ends_with("Answers");
      return layout;
    }
  }
  if (source.response.empty() && source.prompt.empty()) {
    if (auto layout = recognise(source, columns, role, need_response)) return layout;
  }
  throw bad_input("cannot tell which columns of " + source.path + " hold prompts" +
                  (need_response ? " and responses" : ""))
      .wanted("the columns of a known data set (prompt and response, question and answer, messages, …)")
      .found(listed(columns))
      .hint("name them: " + source.path + ":prompt=COLUMN" + (need_response ? ",response=COLUMN" : ""));
}

}  // namespace lethe
