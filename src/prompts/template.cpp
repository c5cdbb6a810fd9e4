#include "prompts/template.h"

#include <algorithm>
#include <cctype>

#include "core/error.h"
#include "core/trimmed.h"
#include "core/utf8.h"
#include "prompts/template_check.h"

namespace lethe {

const char* Template::sku_default = "### Question: {prompt}\n ### Answer: {response}";

Template Template::parse(std::string_view text, const std::string& named) {
  const auto refuse = [&](const std::string& found) {
    return bad_usage("cannot use a template")
        .with(named, excerpt(text))
        .wanted("sku, chat, auto, or a text with {prompt} and then {response}, each once")
        .found(found);
  };
  const std::string_view prompt = "{prompt}", response = "{response}";
  const auto place_of = [&](std::string_view place) {
    const std::size_t first = text.find(place);
    if (first == std::string_view::npos) throw refuse("no " + std::string(place));
    if (text.find(place, first + 1) != std::string_view::npos) throw refuse(std::string(place) + " more than once");
    return first;
  };
  const std::size_t at_prompt = place_of(prompt), at_response = place_of(response);
  if (at_response < at_prompt) throw refuse("{response} before {prompt}");
  Template result;
  result.text_ = text;
  result.head_ = text.substr(0, at_prompt);
  result.middle_ = text.substr(at_prompt + prompt.size(), at_response - at_prompt - prompt.size());
  result.tail_ = text.substr(at_response + response.size());
  return result;
}

Template Template::chat(ChatTemplate layout, std::string system) {
  Template result;
  check_template(layout, system);
  result.text_ = "chat";
  result.chat_ = std::make_shared<const ChatTemplate>(std::move(layout));
  result.system_ = std::move(system);
  return result;
}

namespace {

Error system_without_chat(const std::string& text, const std::string& named) {
  return bad_usage("cannot use a system message (data.system, --system)")
      .wanted(named + ": chat, or auto with a model that has a chat template")
      .found(excerpt(text))
      .hint("write it into the template instead");
}

}  // namespace

std::string Template::kind_of(const std::string& text) {
  if (is_of_model(text) || text == "sku") return text;
  return text == sku_default ? "sku" : "text";
}

void Template::check(const std::string& text, const std::string& system, const std::string& named) {
  if (is_of_model(text)) return;
  if (!system.empty()) throw system_without_chat(text, named);
  if (text != "sku") parse(text, named);
}

Template Template::open(const std::string& text, const std::string& system, const std::filesystem::path& folder,
                        const std::string& named) {
  check(text, system, named);
  if (text == "chat" || (text == "auto" && ChatTemplate::exists(folder))) {
    return chat(ChatTemplate::load(folder), system);
  }
  if (!system.empty()) throw system_without_chat("auto, and a model without a chat template", named);
  return parse(text == "auto" || text == "sku" ? sku_default : text, named);
}

LaidOut Template::lay_out(std::string_view prompt, std::string_view response,
                          std::span<const ChatMessage> before) const {
  if (chat_ == nullptr) {
    LaidOut laid;
    // An empty system message changes nothing in a plain text.
    if (std::any_of(before.begin(), before.end(), [](const ChatMessage& turn) { return !turn.content.empty(); }))
      throw bad_input("cannot lay out a chat of several turns")
          .wanted("a chat template (data.template=chat, --template chat)")
          .found(excerpt(text_));
    laid.text = head_ + valid_utf8(prompt) + middle_;
    laid.response_begin = laid.prompt_end = laid.text.size();
    laid.text += valid_utf8(response);
    laid.response_end = laid.content_end = laid.text.size();
    laid.text += tail_;
    return laid;
  }
  std::vector<ChatMessage> messages;
  const bool brings_system = !before.empty() && before.front().role == "system";
  if (!system_.empty() && !brings_system) messages.push_back({"system", system_});
  messages.insert(messages.end(), before.begin(), before.end());
  messages.push_back({"user", std::string(prompt)});
  messages.push_back({"assistant", std::string(response)});
  // A template that refuses system messages also refuses empty ones, which can be dropped.
  const bool may_leave_out = brings_system && before.front().content.empty();
  try {
    return lay_out_chat(messages);
  } catch (const Error&) {
    if (!may_leave_out) throw;
  }
  messages.erase(messages.begin());
  return lay_out_chat(messages);
}

namespace {

// The {% generation %} block around a text at [begin, end), including adjacent blocks; empty if there is none.
ByteRange block_around(const MarkedText& text, std::size_t begin, std::size_t end) {
  const std::vector<ByteRange>& blocks = text.generated();
  std::size_t first = 0;
  while (first < blocks.size() && blocks[first].second <= begin) ++first;
  if (first == blocks.size() || blocks[first].first >= end) return {begin, begin};
  ByteRange block = blocks[first];
  for (std::size_t next = first + 1; next < blocks.size(); ++next) {
    const bool touches = blocks[next].first == block.second || blocks[next].first < end;
    if (!touches) break;
    block.second = blocks[next].second;
  }
  return block;
}

}  // namespace

LaidOut Template::lay_out_chat(const std::vector<ChatMessage>& messages) const {
  const MarkedText text = chat_->render(messages);
  check_shown(*chat_, messages, text);
  LaidOut laid;
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
  laid.prompt_end = laid.response_begin;
  laid.content_end = laid.response_end;
  const auto [begin, end] = block_around(text, laid.response_begin, laid.response_end);
  if (begin == end) return laid;
  laid.response_begin = begin;
  laid.response_end = end;
  if (begin >= laid.prompt_end) return laid;
  // The block begins before the response's own text. The template's generation prompt determines how much of it the
  // model is given.
  std::string asked;
  try {
    asked = chat_->render(std::span(messages).first(messages.size() - 1), /*add_generation_prompt=*/true).text();
  } catch (const Error&) {
    asked.clear();  // this template requires an answer
  }
  const bool fits = asked.size() >= begin && asked.size() <= laid.prompt_end && laid.text.starts_with(asked);
  laid.prompt_end = fits ? asked.size() : begin;
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

// "### " of "### Question:", else the whole line.
std::string mark_of_line(std::string_view line) {
  constexpr std::size_t kLongPrefix = 3;
  line = trimmed(line);
  const auto is_word = [](unsigned char c) { return std::isalnum(c) != 0 || c >= 0x80; };
  const auto prefix = static_cast<std::size_t>(std::find_if(line.begin(), line.end(), is_word) - line.begin());
  return std::string(prefix >= kLongPrefix ? line.substr(0, prefix) : line);
}

}  // namespace

std::vector<std::string> Template::marks() const {
  constexpr std::size_t kShortest = 4;  // bytes; shorter ones ("Q:") occur in answers
  std::vector<std::string> marks = {"<|im_start|>",
                                    "<|im_end|>",
                                    "<|user|>",
                                    "<|assistant|>",
                                    "<|system|>",
                                    "<|eot_id|>",
                                    "<|start_header_id|>",
                                    "<|endoftext|>",
                                    "<start_of_turn>",
                                    "<end_of_turn>",
                                    "[INST]",
                                    "[/INST]",
                                    "<<SYS>>",
                                    "### Question:",
                                    "### Answer:",
                                    "### Instruction:",
                                    "### Response:",
                                    "### Human:",
                                    "### Assistant:"};
  for (const std::string* piece : {&head_, &middle_, &tail_}) {
    for (std::size_t at = 0; at < piece->size();) {
      const std::size_t end = std::min(piece->find('\n', at), piece->size());
      std::string mark = mark_of_line(std::string_view(*piece).substr(at, end - at));
      if (mark.size() >= kShortest && std::find(marks.begin(), marks.end(), mark) == marks.end())
        marks.push_back(std::move(mark));
      at = end + 1;
    }
  }
  return marks;
}

namespace {

void append_end_of_text(const Tokenizer& tokenizer, std::vector<int>& ids) {
  const auto eos = tokenizer.eos();
  if (!eos) {
    throw bad_input("cannot append the end-of-text token (data.append_eos)")
        .wanted("eos_token in tokenizer_config.json")
        .found("none")
        .hint("data.append_eos=false");
  }
  ids.push_back(*eos);
}

// For chats: cuts the ids after the response, or after the end-of-turn token.
void cut_after_response(const Tokenizer& tokenizer, const LaidOut& laid, const Encoding& encoding, bool keep_end,
                        std::vector<int>& ids) {
  std::size_t end = 0, turn_end = ids.size();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const std::size_t begin = encoding.offsets[i].first;
    if (begin < laid.response_end) end = i + 1;
    const bool ends_turn = begin >= laid.content_end && tokenizer.is_special(ids[i]);
    if (ends_turn) turn_end = std::min(turn_end, i);
  }
  const bool has_turn_end = turn_end < ids.size();
  ids.resize(keep_end && has_turn_end ? std::max(turn_end + 1, end) : end);
  if (keep_end && !has_turn_end) append_end_of_text(tokenizer, ids);
}

// The first token at or after a byte of the text; the number of tokens if there is none.
std::size_t first_token_from(const Tokenizer& tokenizer, const Encoding& encoding, std::size_t byte, bool is_chat) {
  std::size_t first = encoding.ids.size();
  for (std::size_t i = first; i > 0; --i) {
    // A special token of the template may include white space of the response.
    const auto& [begin, end] = encoding.offsets[i - 1];
    const bool of_template = is_chat && begin < byte && tokenizer.is_special(encoding.ids[i - 1]);
    if (end > byte && !of_template) first = i - 1;
  }
  return first;
}

struct Encoded {
  LaidOut laid;
  Encoding encoding;
};

Encoded encode_laid_out(const Tokenizer& tokenizer, const Template* layout, std::string_view prompt,
                        std::string_view response, std::span<const ChatMessage> before) {
  const bool is_chat = layout != nullptr && layout->is_chat();
  if (is_chat && !tokenizer.finds_special()) {
    throw bad_input("cannot use a chat template with this tokenizer")
        .wanted("tokenizer.json")
        .found("tokenizer.model alone, which knows no special tokens within a text")
        .hint("AutoTokenizer.from_pretrained(FOLDER).save_pretrained(FOLDER) writes it");
  }
  Encoded encoded;
  if (layout != nullptr) {
    encoded.laid = layout->lay_out(prompt, response, before);
  } else {
    encoded.laid.text = std::string(response);
  }
  encoded.encoding = tokenizer.encode(encoded.laid.text, {.add_special = !is_chat, .plain = encoded.laid.given});
  return encoded;
}

}  // namespace

Example encode_example(const Tokenizer& tokenizer, const Template* layout, std::string_view prompt,
                       std::string_view response, const ExampleOptions& options, std::span<const ChatMessage> before) {
  const bool is_chat = layout != nullptr && layout->is_chat();
  const auto [laid, encoding] = encode_laid_out(tokenizer, layout, prompt, response, before);
  Example example;
  example.ids = encoding.ids;
  example.response_begin =
      layout != nullptr ? first_token_from(tokenizer, encoding, laid.response_begin, is_chat) : std::size_t{1};
  if (is_chat) {
    cut_after_response(tokenizer, laid, encoding, options.append_eos, example.ids);
  } else if (options.append_eos) {
    append_end_of_text(tokenizer, example.ids);
  }
  if (options.max_length > 0 && example.ids.size() > options.max_length) example.ids.resize(options.max_length);
  example.response_begin = std::min(std::max<std::size_t>(example.response_begin, 1), example.ids.size());
  return example;
}

std::vector<int> encode_prompt(const Tokenizer& tokenizer, const Template& layout, std::string_view prompt,
                               std::span<const ChatMessage> before) {
  // Uses the tokens that precede a response in training. White space at the boundary goes where the tokenizer puts it.
  auto [laid, encoding] = encode_laid_out(tokenizer, &layout, prompt, "a", before);
  const std::size_t begin = first_token_from(tokenizer, encoding, laid.prompt_end, layout.is_chat());
  encoding.ids.resize(std::min(std::max<std::size_t>(begin, 1), encoding.ids.size()));
  return encoding.ids;
}

}  // namespace lethe
