// Every part of tokenizer.json, and vocab.txt alone, compared with the libraries of Hugging Face
// (tools/fixtures/tokenization.py).
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "tokenizers/tokenizer.h"

namespace lethe {
namespace {

const std::filesystem::path kTokenizers = std::filesystem::path(LETHE_FIXTURES) / "tokenizers";

Json offsets_of(const Encoding& encoding) {
  Json offsets = Json::array();
  for (const auto& [begin, end] : encoding.offsets) offsets.push_back({begin, end});
  return offsets;
}

class TokenizerFixture : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerFixture, EqualsTheLibrary) {
  const std::filesystem::path folder = kTokenizers / GetParam();
  const Tokenizer tokenizer = Tokenizer::load(folder);
  const auto rows = parse_json_lines(read_file(folder / "rows.jsonl"), "rows.jsonl");
  ASSERT_GE(rows.size(), 40U);
  std::vector<std::string> texts;
  std::vector<std::vector<int>> ids;
  for (const auto& [row, number, where] : rows) {
    const auto text = row.at("text").get<std::string>();
    const bool is_pair = row.contains("pair");
    const Encoding found =
        is_pair ? tokenizer.encode_pair(text, row.at("pair").get<std::string>()) : tokenizer.encode(text);
    EXPECT_EQ(Json(found.ids), row.at("ids")) << where;
    EXPECT_EQ(offsets_of(found), row.at("offsets")) << where;
    EXPECT_EQ(tokenizer.decode(found.ids), row.at("decoded").get<std::string>()) << where;
    if (is_pair) {
      EXPECT_EQ(Json(found.types), row.at("types")) << where;
    } else {
      texts.push_back(text);
      ids.push_back(found.ids);
    }
  }
  const std::vector<Encoding> together = tokenizer.encode_all(texts, true, 3);
  for (std::size_t i = 0; i < texts.size(); ++i) EXPECT_EQ(together[i].ids, ids[i]);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerFixture,
                         testing::Values("byte_level", "roberta", "prepend_replace", "metaspace", "bert_uncased",
                                         "bert_cased", "bert_vocab_txt", "unigram", "word_level", "word_ends",
                                         "splits"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace lethe
