#include <algorithm>
#include <map>

#include "core/error.h"
#include "text/components.h"

namespace lethe {
namespace {

using Tokens = std::vector<Token>;

bool is_space(std::string_view character) {
  static const std::vector<std::string_view> spaces = {
      " ",      "\t",     "\n",     "\v",     "\f",     "\r",     "\u0085", "\u00a0", "\u1680",
      "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
      "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u0120" /* byte-level's space */};
  return std::find(spaces.begin(), spaces.end(), character) != spaces.end();
}

std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> characters;
  for (std::size_t at = 0; at < text.size(); at += characters.back().size()) {
    characters.push_back(text.substr(at, character_length(text[at])));
  }
  return characters;
}

// A byte position moved by characters of the text; it stops at either end.
std::size_t forward(std::string_view text, std::size_t at, std::size_t characters) {
  for (; characters > 0 && at < text.size(); --characters) at += character_length(text[at]);
  return std::min(at, text.size());
}
bool backward(std::string_view text, std::size_t& at, std::size_t characters) {
  std::size_t place = at;
  for (; characters > 0; --characters) {
    if (place == 0) return false;
    do {
      --place;
    } while (place > 0 && (static_cast<unsigned char>(text[place]) & 0xC0) == 0x80);
  }
  at = place;
  return true;
}

// Takes the white space at either end of a token out of its offsets.
void trim_offsets(Tokens& tokens, std::string_view text, bool prefix_space) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Token& token = tokens[i];
    const auto characters = characters_of(token.piece);
    const auto front = std::find_if_not(characters.begin(), characters.end(), is_space) - characters.begin();
    const auto back = std::find_if_not(characters.rbegin(), characters.rend(), is_space) - characters.rbegin();
    if (front > 0) {
      // The space that add_prefix_space put there has no place in the text that could be trimmed.
      const bool added = (i == 0 || token.begin == 0) && prefix_space && front == 1;
      if (!added) token.begin = std::min(forward(text, token.begin, static_cast<std::size_t>(front)), token.end);
    }
    if (back > 0) {
      std::size_t end = token.end;
      if (backward(text, end, static_cast<std::size_t>(back))) token.end = std::max(end, token.begin);
    }
  }
}

PostProcessor make_offset_trimming(const Json& part) {
  return [trim = component_flag(part, "trim_offsets", true),
          prefix_space = component_flag(part, "add_prefix_space", true)](Tokens& tokens, std::string_view text, bool) {
    if (trim) trim_offsets(tokens, text, prefix_space);
  };
}

int integer_id(const Json& value, const Json& part) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0x7FFFFFFF) {
    throw bad_input("cannot read tokenizer.json")
        .with("part", excerpt(dump_json(part)))
        .wanted("a token id")
        .found(excerpt(dump_json(value)));
  }
  return value.get<int>();
}

PostProcessor make_template(const Json& part) {
  Tokens before, after;
  bool seen = false;
  for (const Json& item : component_key(part, "single")) {
    if (item.contains("Sequence")) {
      if (seen) refuse_component("post-processor", part);
      seen = true;
      continue;
    }
    const std::string name = component_string(component_key(item, "SpecialToken"), "id");
    const Json& special = component_key(component_key(part, "special_tokens"), name.c_str());
    for (const Json& id : component_key(special, "ids"))
      (seen ? after : before).push_back({integer_id(id, part), 0, 0, name});
  }
  if (!seen) refuse_component("post-processor", part);
  return [before, after](Tokens& tokens, std::string_view, bool add_special) {
    if (!add_special) return;
    tokens.insert(tokens.begin(), before.begin(), before.end());
    tokens.insert(tokens.end(), after.begin(), after.end());
  };
}

// Bert: [CLS] A [SEP]; Roberta: the same with trimmed offsets.
PostProcessor make_cls_sep(const Json& part, bool trims) {
  const auto special = [&](const char* key) {
    const Json& pair = component_key(part, key);
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) refuse_component("post-processor", part);
    return Token{integer_id(pair[1], part), 0, 0, pair[0].get<std::string>()};
  };
  return [cls = special("cls"), sep = special("sep"), trim = trims && component_flag(part, "trim_offsets", true),
          prefix_space = component_flag(part, "add_prefix_space", true)](Tokens& tokens, std::string_view text,
                                                                         bool add_special) {
    if (trim) trim_offsets(tokens, text, prefix_space);
    if (!add_special) return;
    tokens.insert(tokens.begin(), cls);
    tokens.push_back(sep);
  };
}

}  // namespace

PostProcessor make_post_processor(const Json& part) {
  if (part.is_null()) return {};
  const std::string type = component_type(part);
  if (type == "Sequence") {
    std::vector<PostProcessor> steps;
    for (const Json& step : component_key(part, "processors")) steps.push_back(make_post_processor(step));
    return [steps = std::move(steps)](Tokens& tokens, std::string_view text, bool add_special) {
      for (const PostProcessor& step : steps) step(tokens, text, add_special);
    };
  }
  if (type == "ByteLevel") return make_offset_trimming(part);
  if (type == "TemplateProcessing") return make_template(part);
  if (type == "BertProcessing") return make_cls_sep(part, false);
  if (type == "RobertaProcessing") return make_cls_sep(part, true);
  refuse_component("post-processor", part);
}

}  // namespace lethe
