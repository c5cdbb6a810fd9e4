#include <algorithm>
#include <memory>

#include "core/error.h"
#include "tokenizers/components.h"

namespace lethe {
namespace {

using Lists = std::vector<TokenList>;

// White space, and byte-level's character for it.
bool is_space_mark(char32_t character) {
  return character == 0x120 || is_white_space(character);
}

std::size_t spaces_in_front(std::string_view piece) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < piece.size() && is_space_mark(next_character(piece, at));) ++count;
  return count;
}
std::size_t spaces_at_end(std::string_view piece) {
  std::size_t count = 0;
  for (std::size_t at = piece.size(); at > 0 && is_space_mark(previous_character(piece, at));) ++count;
  return count;
}

// Moves a byte position forward by characters of the text, at most to its end.
std::uint32_t forward(std::string_view text, std::size_t at, std::size_t characters) {
  for (; characters > 0 && at < text.size(); --characters) next_character(text, at);
  return static_cast<std::uint32_t>(at);
}
bool backward(std::string_view text, std::uint32_t& place, std::size_t characters) {
  std::size_t at = place;
  for (; characters > 0; --characters) {
    if (at == 0) return false;
    previous_character(text, at);
  }
  place = static_cast<std::uint32_t>(at);
  return true;
}

// Excludes white space at either end of a token from its offsets.
void trim_offsets(TokenList& list, bool prefix_space) {
  auto& [tokens, text] = list;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Token& token = tokens[i];
    const std::size_t front = spaces_in_front(token.piece), back = spaces_at_end(token.piece);
    if (front > 0) {
      // The space added by add_prefix_space is not in the text, so it is not trimmed.
      const bool added = (i == 0 || token.begin == 0) && prefix_space && front == 1;
      if (!added) token.begin = std::min(forward(text, token.begin, front), token.end);
    }
    if (back > 0) {
      std::uint32_t end = token.end;
      if (backward(text, end, back)) token.end = std::max(end, token.begin);
    }
  }
}

PostProcessor make_offset_trimming(const Json& part) {
  return [trim = component_flag(part, "trim_offsets", true),
          prefix_space = component_flag(part, "add_prefix_space", true)](Lists& lists, bool) {
    for (std::size_t i = 0; i < lists.size() && trim; ++i) trim_offsets(lists[i], prefix_space);
  };
}

int token_id(const Json& value, const Json& part) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 0x7FFFFFFF) {
    throw bad_input("cannot read tokenizer.json")
        .with("part", excerpt(dump_json(part)))
        .wanted("a token id")
        .found(excerpt(dump_json(value)));
  }
  return value.get<int>();
}

// One item of a template: a text (0 or 1), or special tokens.
struct TemplateItem {
  int text = -1;
  int type = 0;
  std::vector<int> ids;
  std::vector<std::string> names;
};

// "[CLS]:0 $A:0" in the short form, objects in the long one.
TemplateItem read_short_item(const std::string& text, const Json& part) {
  TemplateItem item;
  const std::size_t colon = text.find(':');
  std::string name = text.substr(0, colon);
  const auto number = [&](const std::string& digits) {
    if (digits.empty() || digits.size() > 6 || digits.find_first_not_of("0123456789") != std::string::npos)
      refuse_component("post-processor", part);
    return std::stoi(digits);
  };
  if (colon != std::string::npos) item.type = number(text.substr(colon + 1));
  if (!name.starts_with('$')) {
    item.names.push_back(std::move(name));
    return item;
  }
  name.erase(0, 1);
  item.text = name == "B" || name == "b" ? 1 : 0;
  if (!name.empty() && name != "A" && name != "a" && item.text == 0) {
    const int type = number(name);
    if (colon == std::string::npos) item.type = type;
  }
  return item;
}

std::vector<TemplateItem> read_template(const Json& items, const Json& part) {
  std::vector<TemplateItem> result;
  for (const Json& each : items) {
    TemplateItem item;
    if (each.is_string()) {
      item = read_short_item(each.get<std::string>(), part);
    } else {
      const bool is_text = each.is_object() && each.contains("Sequence");
      const Json& described = component_key(each, is_text ? "Sequence" : "SpecialToken");
      const std::string name = component_string(described, "id");
      item.type = described.contains("type_id") ? static_cast<int>(component_count(described, "type_id") & 0xFFFF) : 0;
      if (!is_text) item.names.push_back(name);
      if (is_text) item.text = name == "A" ? 0 : name == "B" ? 1 : -1;
      if (is_text && item.text < 0) refuse_component("post-processor", part);
    }
    if (item.text < 0) {
      const Json& special = component_key(component_key(part, "special_tokens"), item.names[0].c_str());
      for (const Json& id : component_key(special, "ids")) item.ids.push_back(token_id(id, part));
      const Json& names = component_key(special, "tokens");
      if (!names.is_array() || names.size() != item.ids.size()) refuse_component("post-processor", part);
      item.names.clear();
      for (const Json& name : names) {
        if (!name.is_string()) refuse_component("post-processor", part);
        item.names.push_back(name.get<std::string>());
      }
    }
    result.push_back(std::move(item));
  }
  // Limits repeated texts and special tokens, which could fill the memory.
  std::size_t texts = 0, specials = 0;
  for (const TemplateItem& item : result) {
    texts += item.text >= 0 ? 1 : 0;
    specials += item.ids.size();
  }
  if (texts > 16 || specials > 10'000 || result.size() > 1000) refuse_component("post-processor", part);
  return result;
}

PostProcessor make_template(const Json& part) {
  auto single = read_template(component_key(part, "single"), part);
  auto pair = part.contains("pair") && !part.at("pair").is_null() ? read_template(part.at("pair"), part)
                                                                  : std::vector<TemplateItem>();
  if (std::any_of(single.begin(), single.end(), [](const TemplateItem& item) { return item.text == 1; }))
    refuse_component("post-processor", part);
  return [single = std::move(single), pair = std::move(pair)](Lists& lists, bool add_special) {
    if (lists.empty() || lists.size() > 2 || (lists.size() == 2 && pair.empty())) {
      throw bad_input("cannot use this tokenizer.json: its template does not fit")
          .wanted("a template for " + std::to_string(lists.size()) + " texts");
    }
    Lists result;
    for (const TemplateItem& item : lists.size() == 1 ? single : pair) {
      TokenList list;
      if (item.text >= 0) {
        list = lists[static_cast<std::size_t>(item.text)];
        for (Token& token : list.tokens) token.type = item.type;
      } else if (add_special) {
        for (std::size_t i = 0; i < item.ids.size(); ++i)
          list.tokens.push_back({item.ids[i], 0, 0, item.type, item.names[i]});
      } else {
        continue;
      }
      result.push_back(std::move(list));
    }
    lists = std::move(result);
  };
}

// Bert: [CLS] A [SEP] B [SEP]. Roberta: <s> A </s></s> B </s>, all of type 0, offsets trimmed.
PostProcessor make_cls_sep(const Json& part, bool roberta) {
  struct Special {
    std::string name;
    int id;
  };
  const auto special = [&](const char* key) {
    const Json& pair = component_key(part, key);
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string()) refuse_component("post-processor", part);
    return std::make_shared<const Special>(Special{pair[0].get<std::string>(), token_id(pair[1], part)});
  };
  return [cls = special("cls"), sep = special("sep"), roberta,
          trim = roberta && component_flag(part, "trim_offsets", true),
          prefix_space = component_flag(part, "add_prefix_space", true)](Lists& lists, bool add_special) {
    for (std::size_t i = 0; i < lists.size(); ++i) {
      if (trim) trim_offsets(lists[i], prefix_space);
      Tokens& tokens = lists[i].tokens;
      const int type = roberta || i == 0 ? 0 : 1;
      for (Token& token : tokens) token.type = type;
      if (!add_special) continue;
      if (i == 0) tokens.insert(tokens.begin(), {cls->id, 0, 0, type, cls->name});
      if (i > 0 && roberta) tokens.insert(tokens.begin(), {sep->id, 0, 0, type, sep->name});
      tokens.push_back({sep->id, 0, 0, type, sep->name});
    }
  };
}

}  // namespace

PostProcessor make_post_processor(const Json& part) {
  if (part.is_null()) return {};
  const std::string type = component_type(part);
  if (type == "Sequence") {
    std::vector<PostProcessor> steps;
    for (const Json& step : component_steps(part, "processors")) {
      component_type(step);  // null is allowed as no post-processor, but not as a step
      steps.push_back(make_post_processor(step));
    }
    return [steps = std::move(steps)](Lists& lists, bool add_special) {
      for (const PostProcessor& step : steps) step(lists, add_special);
    };
  }
  if (type == "ByteLevel") return make_offset_trimming(part);
  if (type == "TemplateProcessing") return make_template(part);
  if (type == "BertProcessing") return make_cls_sep(part, false);
  if (type == "RobertaProcessing") return make_cls_sep(part, true);
  refuse_component("post-processor", part);
}

}  // namespace lethe
