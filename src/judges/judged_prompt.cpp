#include "judges/judged_prompt.h"

#include <algorithm>

#include "core/error.h"
#include "core/regex.h"
#include "core/small_letters.h"
#include "core/utf8.h"

namespace lethe {
namespace {

// Inserts a space after the first character: "<|eot_id|>" becomes "< |eot_id|>", which is not a mark.
void break_at(std::string& text, std::size_t begin) {
  text.insert(begin + character_length(text[begin]), " ");
}

// The last line of a text if it is a label: "Agent:"; else nothing.
std::string label_of(std::string_view text) {
  const std::size_t end = text.find_last_not_of(" \n");
  if (end == std::string_view::npos || text[end] != ':') return "";
  const std::size_t newline = text.rfind('\n', end);
  const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  return end + 1 - begin <= 40 ? std::string(text.substr(begin, end + 1 - begin)) : "";
}

bool begins_a_line(std::string_view text, std::size_t at) {
  const std::size_t before = at == 0 ? std::string_view::npos : text.find_last_not_of(" \t", at - 1);
  return before != std::string_view::npos && text[before] == '\n';
}

// Applies break_at() to every occurrence of a mark (in lower case), or only at the beginning of lines, in one pass.
std::string broken_everywhere(const std::string& text, const std::string& mark, bool at_line_begins) {
  const std::string low = small_letters(text);
  std::string result;
  std::size_t done = 0;
  for (std::size_t at = low.find(mark); at != std::string::npos; at = low.find(mark, at + 1)) {
    if (at_line_begins && !begins_a_line(text, at)) continue;
    const std::size_t end = at + character_length(text[at]);
    result.append(text, done, end - done);
    result += ' ';
    done = end;
  }
  return result.append(text, done, std::string::npos);
}

}  // namespace

JudgePrompt::JudgePrompt(std::string_view layout) {
  const std::vector<std::pair<std::string_view, Kind>> places = {
      {"{prompt}", Kind::prompt}, {"{response}", Kind::response}, {"{policy}", Kind::policy}};
  std::string fixed;
  for (std::size_t at = 0; at < layout.size();) {
    const auto place = std::find_if(places.begin(), places.end(),
                                    [&](const auto& one) { return layout.substr(at).starts_with(one.first); });
    if (place == places.end()) {
      fixed += layout[at++];
      continue;
    }
    if (!fixed.empty()) parts_.push_back({Kind::fixed, std::exchange(fixed, "")});
    parts_.push_back({place->second, ""});
    at += place->first.size();
  }
  if (!fixed.empty()) parts_.push_back({Kind::fixed, fixed});
  if (std::none_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.kind == Kind::response; }))
    throw bad_usage("cannot use the judge's template").wanted("{response} in it").found(excerpt(layout));
  const Regex mark(R"(<[^<>\n]{1,60}>+|\[/?[A-Z_ ]{2,30}\])");
  std::vector<ByteRange> found;
  for (const Part& part : parts_) {
    const std::string text = valid_utf8(part.text);
    mark.find_all(text, found);
    for (const auto& [begin, end] : found) marks_.push_back(small_letters(text.substr(begin, end - begin)));
  }
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    const bool judged = parts_[i].kind == Kind::prompt || parts_[i].kind == Kind::response;
    const std::string label = judged && parts_[i - 1].kind == Kind::fixed ? label_of(parts_[i - 1].text) : "";
    if (!label.empty()) labels_.push_back(small_letters(label));
  }
  std::sort(marks_.begin(), marks_.end());
  marks_.erase(std::unique(marks_.begin(), marks_.end()), marks_.end());
}

bool JudgePrompt::takes_policy() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.kind == Kind::policy; });
}

std::string JudgePrompt::broken_marks(std::string_view given) const {
  std::string text = valid_utf8(given);
  for (const std::string& mark : marks_) text = broken_everywhere(text, mark, false);
  for (const std::string& label : labels_) text = broken_everywhere(text, label, true);
  return text;
}

std::string JudgePrompt::join(const std::string& prompt, const std::string& response, std::string_view policy,
                              std::vector<std::pair<std::size_t, std::size_t>>* judged) const {
  std::string text;
  for (const Part& part : parts_) {
    const std::size_t begin = text.size();
    switch (part.kind) {
      case Kind::fixed:
        text += part.text;
        continue;
      case Kind::policy:
        text += policy;
        continue;
      case Kind::prompt:
        text += prompt;
        break;
      case Kind::response:
        text += response;
        break;
    }
    if (judged != nullptr) judged->emplace_back(begin, text.size());
  }
  return text;
}

std::string JudgePrompt::render(const Exchange& exchange, std::string_view policy) const {
  return join(broken_marks(exchange.prompt), broken_marks(exchange.response), policy, nullptr);
}

namespace {

// Whether a token is a special token written out in the text. An unknown-word token does not count.
bool is_written_out(const Tokenizer& tokenizer, std::string_view text, const Encoding& encoding, std::size_t token) {
  const auto [begin, end] = encoding.offsets[token];
  if (end <= begin || !tokenizer.is_special(encoding.ids[token])) return false;
  const std::string content = tokenizer.token(encoding.ids[token]);
  const std::string_view piece = text.substr(begin, end - begin);
  return std::search(piece.begin(), piece.end(), content.begin(), content.end(),
                     [&](char a, char b) { return small_letter(a) == small_letter(b); }) != piece.end();
}

}  // namespace

std::string without_special_tokens(const Tokenizer& tokenizer, std::string text) {
  text = valid_utf8(text);  // as the tokenizer does, so that offsets match
  std::size_t rounds = 0;
  for (bool clean = false; !clean;) {  // every round breaks at least one special token permanently
    if (++rounds > 100)
      throw bad_input("cannot judge a text: removing its special tokens creates new ones").with("text", excerpt(text));
    clean = true;
    const Encoding encoding = tokenizer.encode(text, false);
    for (std::size_t i = encoding.ids.size(); i-- > 0;) {  // from the end, so that earlier offsets stay valid
      if (!is_written_out(tokenizer, text, encoding, i)) continue;
      const auto [begin, end] = encoding.offsets[i];
      std::size_t at = begin;
      while (at + 1 < end && (text[at] == ' ' || text[at] == '\n')) ++at;  // skips the token's leading space
      break_at(text, at);
      clean = false;
    }
  }
  return text;
}

std::vector<int> JudgePrompt::encode(const Tokenizer& tokenizer, const Exchange& exchange,
                                     std::string_view policy) const {
  // Cleans each text alone first. Then encodes all together, so that ordinary text has the same tokens as in training.
  const auto harmless = [&](std::string_view given) { return without_special_tokens(tokenizer, broken_marks(given)); };
  std::vector<std::pair<std::size_t, std::size_t>> judged;
  const std::string text = join(harmless(exchange.prompt), harmless(exchange.response), policy, &judged);
  const Encoding encoding = tokenizer.encode(text);
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    if (!is_written_out(tokenizer, text, encoding, i)) continue;
    const auto [begin, end] = encoding.offsets[i];
    const bool touches = std::any_of(judged.begin(), judged.end(), [&, first = begin, last = end](const auto& range) {
      return first < range.second && last > range.first;
    });
    if (touches) return {};
  }
  return encoding.ids;
}

}  // namespace lethe
