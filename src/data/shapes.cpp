#include "data/shapes.h"

#include <algorithm>
#include <utility>

#include "core/error.h"
#include "core/redaction.h"
#include "core/trimmed.h"

namespace lethe {
namespace {

constexpr std::array<std::pair<const char*, const char*>, 10> kPairs{{{"goal", "target"},
                                                                      {"prompt", "response"},
                                                                      {"prompt", "completion"},
                                                                      {"question", "answer"},
                                                                      {"question", "answers"},
                                                                      {"question", "response"},
                                                                      {"instruction", "output"},
                                                                      {"instruction", "response"},
                                                                      {"query", "response"},
                                                                      {"input", "output"}}};

// Columns that change an example but are not supported. A row with one is refused, naming the column.
constexpr std::array kUnsupported{"tools",  "functions", "documents", "image", "images",
                                  "videos", "audios",    "audio",     "video", "chat_template_kwargs"};

/// Known data sets and shapes with responses, most particular first.
Recognised recognise_answers(const Has& has) {
  if (has("response_0") && has("response_1") && has("prompt") &&
      (has("is_response_0_safe") || has("is_response_1_safe")))
    return {Shape::safe_rlhf, "prompt", "response_0"};
  if (has("question") && has("best_answer") && has("correct_answers"))
    return {Shape::truthful_qa, "question", "best_answer"};
  if (const std::string chosen = first_key(kChosen, has); !chosen.empty()) return {Shape::preference, "", chosen};
  if (const std::string chat = first_key(kChats, has); !chat.empty()) return {Shape::chat, "", chat};
  for (const auto& [prompt, response] : kPairs) {
    if (has(prompt) && has(response)) return {Shape::pair, prompt, response};
  }
  return {};
}

}  // namespace

Recognised recognise(const Fields& fields, Role role, bool need_response) {
  const Has filled = [&](const char* key) { return fields.filled(key) != nullptr; };
  const Has named = [&](const char* key) { return fields.has(key); };
  const auto prompts_or_text = [&](const Has& has) -> Recognised {
    if (!need_response) {
      const std::string prompt = first_key(kPrompts, has);
      if (!prompt.empty() || has("text")) return {Shape::prompt, prompt.empty() ? "text" : prompt, ""};
    }
    if (has("text") && role != Role::harmful) return {Shape::text, "", "text"};
    return {};
  };
  if (const Recognised known = recognise_answers(filled); known.shape != Shape::unknown) return known;
  // If only one of prompt and response is missing, it is reported. If both are empty, another layout may match.
  const Recognised partly = recognise_answers(named);
  if ((!partly.prompt.empty() && filled(partly.prompt.c_str())) ||
      (!partly.response.empty() && filled(partly.response.c_str())))
    return partly;
  if (const Recognised known = prompts_or_text(filled); known.shape != Shape::unknown) return known;
  return partly.shape != Shape::unknown ? partly : prompts_or_text(named);
}

std::string shape_name(const Recognised& known, const Fields& fields) {
  switch (known.shape) {
    case Shape::unknown:
      return "";
    case Shape::safe_rlhf:
      return "PKU-SafeRLHF";
    case Shape::truthful_qa:
      return "TruthfulQA";
    case Shape::preference:
      return known.response + " of preferences";
    case Shape::chat:
      return known.response == "messages" ? "chat messages" : "chat " + known.response;
    case Shape::prompt:
    case Shape::text:
      return known.prompt + known.response;
    case Shape::pair:
      break;
  }
  if (known.prompt == "goal") return "AdvBench";
  const std::string columns = known.prompt + ", " + known.response;
  if (columns == "prompt, response" && fields.filled("is_safe") != nullptr) return "BeaverTails";
  if (columns == "question, answer" && fields.filled("perturbed_answer") != nullptr) return "TOFU";
  return columns;
}

void refuse_unsupported(const Fields& fields, bool plain_text) {
  for (const char* key : kUnsupported) {
    if (fields.filled(key) != nullptr) throw UnusableRow(std::string("'") + key + "' is not supported");
  }
  if (!plain_text) return;
  for (const char* key : {"system", "system_prompt", "history"}) {
    if (fields.filled(key) != nullptr) throw UnusableRow(std::string("'") + key + "' beside plain text");
  }
}

std::vector<Turn> turns_before(const Fields& fields) {
  std::vector<Turn> turns;
  for (const char* key : {"system", "system_prompt"}) {
    const Json* field = fields.filled(key);
    if (field == nullptr) continue;
    Turn turn{{"system", text_value(*field, key)}, false};
    if (!turns.empty() && turns[0].message != turn.message) throw UnusableRow("'system' and 'system_prompt' differ");
    if (turns.empty()) turns.push_back(std::move(turn));
  }
  const Json* history = fields.filled("history");
  if (history == nullptr) return turns;
  Json list = *history;
  if (history->is_string()) {
    try {
      list = parse_json(history->get_ref<const std::string&>(), "history", 16);
    } catch (const Error&) {
      throw UnusableRow("'history' is no list of [question, answer] in JSON");
    }
  }
  if (const auto messages = as_messages(list, "history")) {
    for (Turn& turn : read_turns(*messages, "history")) turns.push_back({std::move(turn.message), false});
    return turns;
  }
  for (const Json& entry : list.is_array() ? list : Json::array({list})) {
    if (!entry.is_array() || entry.size() != 2) throw UnusableRow("'history' is no list of [question, answer]");
    turns.push_back({{"user", text_value(entry[0], "history")}, false});
    turns.push_back({{"assistant", text_value(entry[1], "history")}, false});
  }
  return turns;
}

void put_before(std::vector<Turn> before, ChatRow& chat) {
  if (before.empty()) return;
  auto begin = chat.turns.begin();
  if (begin != chat.turns.end() && begin->message.role == "system" && before[0].message.role == "system") {
    if (trimmed(begin->message.content) != trimmed(before[0].message.content))
      throw UnusableRow("'system' differs from the system message of the chat");
    before.erase(before.begin());
  }
  if (begin != chat.turns.end() && begin->message.role == "system") ++begin;
  chat.learn_from += before.size();
  chat.turns.insert(begin, std::make_move_iterator(before.begin()), std::make_move_iterator(before.end()));
}

/// Whether the row says that its response is safe.
std::optional<bool> safety_of(const Fields& fields) {
  std::optional<bool> safe;
  const auto add = [&](const char* key, bool value) {
    if (safe && *safe != value) throw UnusableRow(std::string("'") + key + "' contradicts another column");
    safe = value;
  };
  for (const auto& [key, means_safe] :
       {std::pair{"is_safe", true}, {"is_response_safe", true}, {"is_unsafe", false}, {"is_harmful", false}}) {
    const Json* field = fields.filled(key);
    if (field == nullptr) continue;
    const auto truth = read_truth(*field);
    if (!truth)
      throw UnusableRow(std::string("'") + key + "' is neither true nor false: " + shown_text(dump_json(*field), 30));
    add(key, *truth == means_safe);
  }
  // These names may also hold scores or categories.
  for (const auto& [key, means_safe] : {std::pair{"safe", true}, {"unsafe", false}}) {
    const Json* field = fields.filled(key);
    const auto truth = field != nullptr ? read_truth(*field) : std::nullopt;
    if (truth) add(key, *truth == means_safe);
  }
  for (const char* key : {"label", "response_harm_label"}) {  // the latter: WildGuard
    const Json* label = fields.filled(key);
    if (label == nullptr || !label->is_string()) continue;
    const std::string word = column_key(label->get<std::string>());
    if (word == "safe" || word == "harmless" || word == "unharmful") add(key, true);
    if (word == "unsafe" || word == "harmful") add(key, false);
  }
  return safe;
}

}  // namespace lethe
