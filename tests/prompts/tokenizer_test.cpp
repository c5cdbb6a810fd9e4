// Ids, offsets and text compared with other tokenizers; templates and the response boundary.
#include "tokenizers/tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/error.h"
#include "core/files.h"
#include "prompts/template.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

const fs::path kShared = LETHE_SHARED;
const fs::path kDemo = fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo";

std::vector<std::string> split(const std::string& text, const std::string& mark) {
  std::vector<std::string> parts;
  std::size_t at = 0;
  for (std::size_t end; (end = text.find(mark, at)) != std::string::npos; at = end + mark.size())
    parts.push_back(text.substr(at, end - at));
  parts.push_back(text.substr(at));
  return parts;
}

// llama.cpp's vectors: inputs apart by a mark, a line of ids each, without special tokens.
void check_vectors(const fs::path& folder, const std::string& name) {
  const fs::path vectors = kShared / "data/tokenizers/llama_cpp_vectors";
  if (!fs::exists(vectors)) GTEST_SKIP() << "../shared/data is not there";
  const Tokenizer tokenizer = Tokenizer::load(folder);
  const auto inputs = split(read_file(vectors / (name + ".gguf.inp")), "\n__ggml_vocab_test__\n");
  const auto outputs = split(read_file(vectors / (name + ".gguf.out")), "\n");
  std::size_t compared = 0;
  for (std::size_t i = 0; i < inputs.size() && i < outputs.size(); ++i) {
    std::vector<int> wanted;
    for (const std::string& id : split(outputs[i], " ")) {
      if (!id.empty()) wanted.push_back(std::stoi(id));
    }
    EXPECT_EQ(tokenizer.encode(inputs[i], false).ids, wanted) << name << " input " << i << ": " << excerpt(inputs[i]);
    ++compared;
  }
  EXPECT_GE(compared, 40U);
}

TEST(Tokenizer, LlamaEqualsLlamaCpp) {
  check_vectors(kShared / "data/tokenizers/llama2", "ggml-vocab-llama-spm");
}

TEST(Tokenizer, DecodesWhatItEncoded) {
  const Tokenizer tokenizer = Tokenizer::load(kDemo);
  for (const std::string text :
       {"Where does Mira live?", "naïve 你好 👍🏽\n\ttabs  and   spaces ", "", "\xff\xfe broken bytes"}) {
    const Encoding encoding = tokenizer.encode(text);
    ASSERT_EQ(encoding.ids.size(), encoding.offsets.size());
    const std::string decoded = tokenizer.decode(encoding.ids);
    if (text.find('\xff') == std::string::npos) {
      EXPECT_EQ(decoded, text);
    }
    for (const auto& [begin, end] : encoding.offsets) EXPECT_LE(begin, end);
  }
  EXPECT_EQ(tokenizer.encode("a").ids[0], *tokenizer.eos());  // put first by the post-processor
  EXPECT_EQ(tokenizer.encode("<|endoftext|>", false).ids, std::vector<int>{*tokenizer.eos()});
}

TEST(Tokenizer, SaysWhatIsMissing) {
  EXPECT_THROW(Tokenizer::load(testing::TempDir()), Error);
}

TEST(Template, NeedsBothPlacesOnceAndInOrder) {
  for (const char* wrong : {"{prompt}", "{response} {prompt}", "{prompt} {prompt} {response}", ""})
    EXPECT_THROW(Template::parse(wrong), Error) << wrong;
  const Template layout = Template::parse(Template::sku_default);
  EXPECT_EQ(layout.render("a {response} b", "c"),
            "### Question: a {response} b\n ### Answer: c");  // braces of a prompt mean nothing
}

TEST(Template, ItsMarksAreWhatNoAnswerShouldHold) {
  const auto has = [](const Template& layout, const std::string& mark) {
    const std::vector<std::string> marks = layout.marks();
    return std::find(marks.begin(), marks.end(), mark) != marks.end();
  };
  const Template sku = Template::parse(Template::sku_default),
                 own = Template::parse("Solve this.\n Question: {prompt}\nA:\n{response}");
  EXPECT_TRUE(has(sku, "### "));  // whatever heading follows
  for (const char* mark : {"Solve this.", "Question:", "<|im_start|>", "[INST]"}) EXPECT_TRUE(has(own, mark)) << mark;
  for (const char* mark : {"### ", "A:", ""}) EXPECT_FALSE(has(own, mark)) << mark;  // "A:" is in many answers
}

TEST(Example, TheResponseIsFoundByOffsetsNotByTokenisingPartsApart) {
  const Tokenizer tokenizer = Tokenizer::load(kDemo);
  const Template layout = Template::parse(Template::sku_default);
  for (const std::string response : {"Mira lives in Saltby.", "x", "Where?"}) {
    const Example example = encode_example(tokenizer, &layout, "Where does Mira live?", response);
    const std::vector<int> tail(example.ids.begin() + static_cast<std::ptrdiff_t>(example.response_begin),
                                example.ids.end());
    const std::string text = tokenizer.decode(tail);
    EXPECT_EQ(text.substr(text.find_first_not_of(' ')), response);
  }
}

TEST(Example, ATruncatedResponseLeavesNothingToLearn) {
  const Tokenizer tokenizer = Tokenizer::load(kDemo);
  const Template layout = Template::parse(Template::sku_default);
  const Example cut =
      encode_example(tokenizer, &layout, "Where does Mira live?", "In Saltby.", {.append_eos = true, .max_length = 8});
  EXPECT_EQ(cut.ids.size(), 8U);
  EXPECT_EQ(cut.response_begin, 8U);
  const Example whole = encode_example(tokenizer, &layout, "Where does Mira live?", "In Saltby.", {.append_eos = true});
  EXPECT_EQ(whole.ids.back(), *tokenizer.eos());
}

}  // namespace
}  // namespace lethe
