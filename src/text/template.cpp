#include "text/template.h"

#include <algorithm>

#include "core/error.h"
#include "core/utf8.h"

namespace lethe {

const char* Template::sku_default = "### Question: {prompt}\n ### Answer: {response}";

Template Template::parse(std::string_view text) {
  const auto place_of = [&](std::string_view name) {
    const std::size_t first = text.find(name);
    if (first == std::string_view::npos || text.find(name, first + 1) != std::string_view::npos) {
      throw bad_usage("cannot use a template").wanted(std::string(name) + " exactly once").found(excerpt(text));
    }
    return first;
  };
  const std::string_view prompt = "{prompt}", response = "{response}";
  const std::size_t at_prompt = place_of(prompt), at_response = place_of(response);
  if (at_response < at_prompt) {
    throw bad_usage("cannot use a template").wanted("{prompt} before {response}").found(excerpt(text));
  }
  Template result;
  result.text_ = text;
  result.head_ = text.substr(0, at_prompt);
  result.middle_ = text.substr(at_prompt + prompt.size(), at_response - at_prompt - prompt.size());
  result.tail_ = text.substr(at_response + response.size());
  return result;
}

Template Template::chat(ChatTemplate layout, std::string system) {
  Template result;
  result.text_ = "chat";
  result.chat_ = std::make_shared<const ChatTemplate>(std::move(layout));
  result.system_ = std::move(system);
  return result;
}

Template Template::open(const std::string& text, const std::string& system, const std::filesystem::path& folder) {
  if (text == "chat") return chat(ChatTemplate::load(folder), system);
  if (!system.empty()) {
    throw bad_usage("cannot use a system message (data.system)")
        .wanted("data.template: chat")
        .found(excerpt(text))
        .hint("write it into the template instead");
  }
  return parse(text);
}

LaidOut Template::lay_out(std::string_view prompt, std::string_view response,
                          std::span<const ChatMessage> before) const {
  LaidOut laid;
  if (chat_ == nullptr) {
    // An empty message of the system changes nothing in a plain text.
    if (std::any_of(before.begin(), before.end(), [](const ChatMessage& turn) { return !turn.content.empty(); }))
      throw bad_input("cannot lay out a chat of several turns").wanted("data.template: chat").found(excerpt(text_));
    laid.text = head_ + valid_utf8(prompt) + middle_;
    laid.response_begin = laid.text.size();
    laid.text += valid_utf8(response);
    laid.response_end = laid.text.size();
    laid.text += tail_;
    return laid;
  }
  std::vector<ChatMessage> messages;
  const bool brings_system = !before.empty() && before.front().role == "system";
  if (!system_.empty() && !brings_system) messages.push_back({"system", system_});
  messages.insert(messages.end(), before.begin(), before.end());
  messages.push_back({"user", std::string(prompt)});
  messages.push_back({"assistant", std::string(response)});
  const MarkedText text = chat_->render(messages);
  laid.text = text.text();
  laid.response_begin = laid.response_end = laid.text.size();
  bool found = false;
  for (const TextMark& mark : text.marks()) {
    laid.given.emplace_back(mark.begin, mark.end);
    if (mark.source != static_cast<int>(messages.size())) continue;
    if (!found) laid.response_begin = mark.begin;
    laid.response_end = mark.end;
    found = true;
  }
  return laid;
}

std::string Template::before_response(std::string_view prompt) const {
  const LaidOut laid = lay_out(prompt, "a");
  return laid.text.substr(0, laid.response_begin);
}

std::string Template::render(std::string_view prompt, std::string_view response) const {
  return lay_out(prompt, response).text;
}

namespace {

void append_end_of_text(const Tokenizer& tokenizer, std::vector<int>& ids) {
  const auto eos = tokenizer.eos();
  if (!eos) {
    throw bad_input("cannot append the end-of-text token (data.append_eos)")
        .wanted("eos_token in tokenizer_config.json")
        .found("none");
  }
  ids.push_back(*eos);
}

// Of a chat: the ids up to the end of the response, or with it the end of the turn.
void cut_behind_response(const Tokenizer& tokenizer, const LaidOut& laid, const Encoding& encoding, bool keep_end,
                         std::vector<int>& ids) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (encoding.offsets[i].first < laid.response_end) end = i + 1;
  }
  std::size_t turn_end = end;
  while (turn_end < ids.size() && !tokenizer.is_special(ids[turn_end])) ++turn_end;
  const bool has_turn_end = turn_end < ids.size();
  ids.resize(keep_end && has_turn_end ? turn_end + 1 : end);
  if (keep_end && !has_turn_end) append_end_of_text(tokenizer, ids);
}

}  // namespace

Example encode_example(const Tokenizer& tokenizer, const Template* layout, std::string_view prompt,
                       std::string_view response, const ExampleOptions& options, std::span<const ChatMessage> before) {
  const bool is_chat = layout != nullptr && layout->is_chat();
  if (is_chat && !tokenizer.finds_special()) {
    throw bad_input("cannot use a chat template with this tokenizer")
        .wanted("tokenizer.json")
        .found("tokenizer.model alone, which knows no special tokens within a text")
        .hint("AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) writes it");
  }
  LaidOut laid;
  if (layout != nullptr) {
    laid = layout->lay_out(prompt, response, before);
  } else {
    laid.text = std::string(response);
  }
  Encoding encoding = tokenizer.encode(laid.text, {.add_special = !is_chat, .plain = laid.given});
  Example example;
  example.ids = encoding.ids;
  example.response_begin = layout != nullptr ? encoding.ids.size() : 1;
  for (std::size_t i = encoding.ids.size(); layout != nullptr && i > 0; --i) {
    // A special token of the template may have taken white space of the response with it.
    const auto& [begin, end] = encoding.offsets[i - 1];
    const bool of_template = is_chat && begin < laid.response_begin && tokenizer.is_special(encoding.ids[i - 1]);
    if (end > laid.response_begin && !of_template) example.response_begin = i - 1;
  }
  if (is_chat) {
    cut_behind_response(tokenizer, laid, encoding, options.append_eos, example.ids);
  } else if (options.append_eos) {
    append_end_of_text(tokenizer, example.ids);
  }
  if (options.max_length > 0 && example.ids.size() > options.max_length) example.ids.resize(options.max_length);
  example.response_begin = std::min(std::max<std::size_t>(example.response_begin, 1), example.ids.size());
  return example;
}

std::vector<int> encode_prompt(const Tokenizer& tokenizer, const Template& layout, std::string_view prompt,
                               std::span<const ChatMessage> before) {
  // The tokens that stand before a response in training: white space at the boundary goes where the tokenizer puts it.
  Example example = encode_example(tokenizer, &layout, prompt, "a", {.append_eos = false, .max_length = 0}, before);
  example.ids.resize(example.response_begin);
  return example.ids;
}

}  // namespace lethe
