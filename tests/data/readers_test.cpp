// Data files as users have them: quoting, byte order marks, gzip, broken rows, and the columns of known data sets.
#include <gtest/gtest.h>
#include <zlib.h>

#include "core/error.h"
#include "core/files.h"
#include "data/questions.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

std::string file(const std::string& name, const std::string& content) {
  const fs::path path = fs::path(testing::TempDir()) / ("lethe_readers_" + name);
  write_file(path, content);
  return path.string();
}

LoadedPairs load(const std::string& source, Role role = Role::generic) {
  const std::vector<DataSource> sources = {parse_data_source(source)};
  return load_pairs(sources, role);
}

TEST(Csv, TakesQuotesNewlinesAndAByteOrderMarkAndNamesRowsThatDoNotFit) {
  const auto loaded =
      load(file("a.csv", "\xEF\xBB\xBFprompt,response\r\n\"a, \"\"b\"\"\nc\",d\r\nonly one\r\nx,y,z\r\ne,f\r\n"));
  ASSERT_EQ(loaded.pairs.size(), 2U);
  EXPECT_EQ(loaded.pairs[0].prompt, "a, \"b\"\nc");
  EXPECT_EQ(loaded.pairs[1].response, "f");
  const ReadReport& rows = loaded.files[0].rows;
  ASSERT_EQ(rows.bad_rows, 2U);
  EXPECT_EQ(rows.bad[0].line, 4U);
  EXPECT_EQ(rows.bad[1].line, 5U);
}

TEST(JsonFiles, MayBeLinesAnArrayOrGzip) {
  const std::string row = R"({"prompt": "p", "response": "r"})";
  EXPECT_EQ(load(file("a.jsonl", row + "\n\nnot json\n")).pairs.size(), 1U);
  EXPECT_EQ(load(file("a.json", "[" + row + ", {\"prompt\": \"q\", \"response\": \"s\"}]")).pairs.size(), 2U);
  EXPECT_THROW(load(file("b.json", "[" + row)), Error);  // an array that does not end
  const std::string path = file("a.jsonl.gz", "");
  gzFile out = gzopen(path.c_str(), "wb");
  gzwrite(out, row.data(), static_cast<unsigned>(row.size()));
  gzclose(out);
  EXPECT_EQ(load(path).pairs.size(), 1U);
  fs::resize_file(path, 20);
  EXPECT_THROW(load(path), Error);  // compressed data that end too early
}

TEST(TruthfulQa, JoinedAnswersAreSeveralAnswers) {  // defect 13 of the published code
  const std::string path = file("t.csv",
                                "Type,Category,Question,Best Answer,Correct Answers,Incorrect Answers,Source\n"
                                "A,B,Q?,Yes,Yes; Of course ;,No; Never,http\n");
  const auto loaded = load(path, Role::normal);
  ASSERT_EQ(loaded.pairs.size(), 2U);
  EXPECT_EQ(loaded.pairs[1].response, "Of course");
  const std::vector<DataSource> sources = {parse_data_source(path)};
  const auto questions = load_questions(sources, Role::normal).questions;
  ASSERT_EQ(questions.size(), 1U);
  EXPECT_EQ(questions[0].references, (std::vector<std::string>{"Yes", "Of course"}));
  EXPECT_EQ(questions[0].wrong, (std::vector<std::string>{"No", "Never"}));
}

TEST(SafeRlhf, TakesUnsafeResponsesAsHarmfulInOlderAndNewerColumns) {  // defects 11 and 14
  const std::string older =
      R"({"prompt":"a ### b","response_0":"safe","response_1":"unsafe","is_response_0_safe":true,)"
      R"("is_response_1_safe":false,"better_response_id":0,"safer_response_id":0})";
  const std::string newer =
      R"({"prompt":"p","prompt_source":"x","response_0":"u0","response_0_source":"m","response_1":"u1",)"
      R"("is_response_0_safe":false,"is_response_1_safe":false,"response_0_harm_category":{"Cybercrime":true},)"
      R"("response_0_severity_level":2,"response_1_severity_level":1,"safer_response_id":1})";
  const std::string path = file("pku.jsonl", newer + "\n" + older + "\n");
  const auto harmful = load(path, Role::harmful);
  ASSERT_EQ(harmful.pairs.size(), 3U);
  EXPECT_EQ(harmful.pairs[2].prompt, "a ### b");  // a prompt is a column, not what stands before '###'
  EXPECT_EQ(harmful.pairs[2].response, "unsafe");
  EXPECT_EQ(load(path, Role::normal).pairs.size(), 1U);
  EXPECT_EQ(load(path + ":where=response_0_severity_level >= 2", Role::harmful).pairs.size(), 2U);
}

TEST(Columns, AreNamedWhereTheyAreNotKnownAndDuplicatesAreCounted) {
  const std::string path = file("c.csv", "goal,target\na,b\na,b\nc,d\n");
  EXPECT_EQ(load(path + ":prompt=goal,response=target").pairs.size(), 2U);
  EXPECT_EQ(load(path + ":prompt=goal,response=target").files[0].duplicates, 1U);
  EXPECT_THROW(load(path + ":prompt=nothing,response=target"), Error);
  EXPECT_THROW(load(file("d.csv", "foo,bar\na,b\n")), Error);
}

TEST(Shared, TheRealFilesAreReadWhole) {
  const fs::path data = fs::path(LETHE_SHARED) / "data";
  if (!fs::exists(data)) GTEST_SKIP() << "../shared/data is not there";
  EXPECT_EQ(load((data / "truthfulqa/TruthfulQA.csv").string(), Role::normal).files[0].rows.rows, 817U);
  const auto pku = load((data / "pku_saferlhf/train.jsonl").string(), Role::harmful);
  EXPECT_EQ(pku.files[0].rows.rows, 4072U);
  EXPECT_EQ(pku.files[0].rows.bad_rows, 0U);
  EXPECT_GT(load((data / "pku_saferlhf/original_schema_32.json").string(), Role::harmful).pairs.size(), 10U);
}

TEST(ChatMessages, EachTurnOfTheAssistantIsAPairWithTheTurnsBefore) {
  const std::string chat = R"({"messages": [{"role": "system", "content": "S"}, {"role": "user", "content": "Q1"},
    {"role": "assistant", "content": "A1"}, {"role": "user", "content": "Q2"}, {"role": "assistant", "content": "A2"}]})";
  std::string line = chat;
  std::erase(line, '\n');
  const std::string broken = R"({"messages": [{"role": "user", "content": "Q"}, {"role": "user", "content": "R"}]})";
  const LoadedPairs loaded = load(file("chat.jsonl", line + "\n" + broken + "\n"));
  ASSERT_EQ(loaded.pairs.size(), 2U);
  EXPECT_EQ(loaded.files[0].rows.bad_rows, 1U);
  const std::vector<ChatMessage> system = {{"system", "S"}};
  EXPECT_EQ(loaded.pairs[0].before, system);
  EXPECT_EQ(loaded.pairs[1].before.size(), 3U);
  EXPECT_EQ(loaded.pairs[1].prompt + loaded.pairs[1].response, "Q2A2");
  EXPECT_EQ(prompt_key(loaded.pairs[0]), prompt_key(loaded.pairs[1]));  // a split never cuts a chat
  EXPECT_EQ(questions_of(loaded.pairs).size(), 2U);
  // Written and read again, no turn is duplicated.
  const LoadedPairs again = load(file("again.jsonl", json_line(loaded.pairs[0]) + json_line(loaded.pairs[1])));
  ASSERT_EQ(again.pairs.size(), 2U);
  EXPECT_EQ(again.pairs[1].before, loaded.pairs[1].before);
}

}  // namespace
}  // namespace lethe
