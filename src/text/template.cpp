#include "text/template.h"

#include <algorithm>

#include "core/error.h"
#include "text/normalized_text.h"

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

std::string Template::before_response(std::string_view prompt) const {
  return head_ + std::string(prompt) + middle_;
}

std::string Template::render(std::string_view prompt, std::string_view response) const {
  return before_response(prompt) + std::string(response) + tail_;
}

Example encode_example(const Tokenizer& tokenizer, const Template* layout, std::string_view prompt,
                       std::string_view response, const ExampleOptions& options) {
  const std::string text = layout != nullptr ? layout->render(prompt, response) : std::string(response);
  Encoding encoding = tokenizer.encode(text);
  Example example;
  example.response_begin = encoding.ids.size();
  if (layout != nullptr) {
    const std::size_t boundary = valid_utf8(layout->before_response(prompt)).size();
    for (std::size_t i = encoding.ids.size(); i > 0; --i) {
      if (encoding.offsets[i - 1].second > boundary) example.response_begin = i - 1;
    }
  } else {
    example.response_begin = 1;
  }
  example.ids = std::move(encoding.ids);
  if (options.append_eos) {
    const auto eos = tokenizer.eos();
    if (!eos) {
      throw bad_input("cannot append the end-of-text token (data.append_eos)")
          .wanted("eos_token in tokenizer_config.json")
          .found("none");
    }
    example.ids.push_back(*eos);
  }
  if (options.max_length > 0 && example.ids.size() > options.max_length) example.ids.resize(options.max_length);
  example.response_begin = std::min(std::max<std::size_t>(example.response_begin, 1), example.ids.size());
  return example;
}

std::vector<int> encode_prompt(const Tokenizer& tokenizer, const Template& layout, std::string_view prompt) {
  // The tokens that stand before a response in training: white space at the boundary goes where the tokenizer puts it.
  Example example = encode_example(tokenizer, &layout, prompt, "a", {.append_eos = false, .max_length = 0});
  example.ids.resize(example.response_begin);
  return example.ids;
}

}  // namespace lethe
