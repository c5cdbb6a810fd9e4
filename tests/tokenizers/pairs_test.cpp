// Pairs of texts in one row, with the type of each token, cut as transformers cuts (tools/fixtures/text_models.py).
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "tokenizers/tokenizer.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

class Pairs : public testing::TestWithParam<const char*> {};

TEST_P(Pairs, HaveTheIdsAndTypesOfTransformers) {
  const fs::path folder = fs::path(LETHE_FIXTURES) / "text_models" / GetParam();
  const Json expected = read_json(folder / "expected.json");
  const Tokenizer tokenizer = Tokenizer::load(folder);
  for (std::size_t i = 0; i < expected["pairs"].size(); ++i) {
    const auto pair = expected["pairs"][i].get<std::vector<std::string>>();
    const Encoding row = tokenizer.encode_within(pair[0], pair[1], tokenizer.max_length().value_or(0));
    EXPECT_EQ(row.ids, expected["ids"][i].get<std::vector<int>>()) << excerpt(pair[0]) << " | " << excerpt(pair[1]);
    EXPECT_EQ(row.types, expected["types"][i].get<std::vector<int>>());
    EXPECT_EQ(row.offsets.size(), row.ids.size());
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Pairs, testing::Values("bleurt", "bleurt_pieces"));

TEST(CutTexts, KeepTheirSpecialTokensAndTheRightEnd) {
  const fs::path source = fs::path(LETHE_FIXTURES) / "text_models/bleurt",
                 folder = fs::path(testing::TempDir()) / "cut";
  fs::create_directories(folder);
  fs::copy_file(source / "vocab.txt", folder / "vocab.txt", fs::copy_options::overwrite_existing);
  const auto cut = [&](const Json& settings, std::size_t most) {
    write_file(folder / "tokenizer_config.json", dump_json(settings));
    const Tokenizer tokenizer = Tokenizer::load(folder);
    std::vector<std::string> tokens;
    for (const int id : tokenizer.encode_within("the bird sings by the window", most).ids)
      tokens.push_back(tokenizer.token(id));
    return tokens;
  };
  using Words = std::vector<std::string>;
  EXPECT_EQ(cut(Json::object(), 0).size(), 8u);
  EXPECT_EQ(cut(Json::object(), 8).size(), 8u);
  EXPECT_EQ(cut(Json::object(), 4), (Words{"[CLS]", "the", "bird", "[SEP]"}));
  EXPECT_EQ(cut({{"truncation_side", "left"}}, 4), (Words{"[CLS]", "the", "window", "[SEP]"}));
  EXPECT_EQ(cut(Json::object(), 1), (Words{"[CLS]", "[SEP]"}));  // never less
  EXPECT_FALSE(Tokenizer::load(folder).max_length().has_value());
  write_file(folder / "tokenizer_config.json", R"({"model_max_length": 1000000000000000019884624838656})");
  EXPECT_FALSE(Tokenizer::load(folder).max_length().has_value());
  write_file(folder / "tokenizer_config.json", R"({"model_max_length": 128})");
  EXPECT_EQ(Tokenizer::load(folder).max_length().value(), 128u);
}

}  // namespace
}  // namespace lethe
