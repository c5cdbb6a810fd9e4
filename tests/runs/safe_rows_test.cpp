// Safe answers drawn for the rows of a step: rows without room for theirs are left out.
#include "runs/safe_rows.h"

#include <gmock/gmock.h>

#include "core/error.h"

namespace lethe {
namespace {

class SafeRows : public testing::Test {
 protected:
  static StepRows rows_of(const std::vector<std::string>& prompts) {
    StepRows rows;
    for (const std::string& prompt : prompts) {
      rows.harmful.push_back({.prompt = prompt, .response = "harm"});
      rows.random.push_back({"drawn"});
    }
    rows.normal = {{.prompt = "q", .response = "a"}};
    return rows;
  }

  const std::string long_ = "How do I brew gloomfire, " + std::string(200, 'x') + "?";
  Tokenizer tokenizer_ = Tokenizer::load(std::filesystem::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo");
  ExampleMaker examples_{tokenizer_, Template::parse(Template::sku_default), {.max_length = 32}};
  SafeAnswers safe_{"refusals"};
};

TEST_F(SafeRows, ReplaceTheHarmAndLeaveOutRowsWithoutRoom) {
  const auto rows = with_safe_answers([this](std::uint64_t) { return rows_of({long_, "Why?"}); }, safe_, examples_, 1);
  const StepRows made = rows(3);
  ASSERT_EQ(made.harmful.size(), 1U);
  EXPECT_EQ(made.harmful[0].prompt, "Why?");
  EXPECT_EQ(made.harmful[0].response, safe_.draw(rows_of({long_, "Why?"}).harmful, 1, 3)[1]);  // as without the others
  EXPECT_EQ(made.normal.size(), 1U);
}

TEST_F(SafeRows, PreferredAnswersStandBesideTheHarm) {
  const auto rows = with_preferred([this](std::uint64_t) { return rows_of({"Why?", long_}); }, safe_, examples_, 1);
  const StepRows made = rows(0);
  ASSERT_EQ(made.harmful.size(), 1U);
  EXPECT_EQ(made.harmful[0].response, "harm");
  ASSERT_EQ(made.random.size(), 1U);  // one for each row that is left
  EXPECT_EQ(made.random[0].size(), 1U);
}

TEST_F(SafeRows, AMicroBatchWithoutAnyRoomIsRefused) {
  const auto rows = with_preferred([this](std::uint64_t) { return rows_of({long_}); }, safe_, examples_, 1);
  try {
    rows(0);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    EXPECT_THAT(error.what(), testing::HasSubstr("data.max_length = 32"));
  }
}

}  // namespace
}  // namespace lethe
