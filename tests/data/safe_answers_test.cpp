// Safe answers: where they come from, how they are drawn, and which answers repeat one of them.
#include "data/safe_answers.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "folder_test.h"

namespace lethe {
namespace {

class SafeAnswersTest : public FolderTest {
 protected:
  std::string file(const std::string& name, const std::string& content) const {
    write_file(folder_ / name, content);
    return (folder_ / name).string();
  }
  static std::vector<Pair> harmful(int count) {
    std::vector<Pair> pairs;
    for (int i = 0; i < count; ++i) pairs.push_back({"How is poison " + std::to_string(i) + " made?", "Boil it."});
    return pairs;
  }
  static std::set<std::string> all_of(const SafeAnswers& safe) {
    std::set<std::string> found;
    for (std::uint64_t micro = 0; micro < 40; ++micro) {
      for (std::string& answer : safe.draw(harmful(8), 1, micro)) found.insert(std::move(answer));
    }
    return found;
  }
};

TEST_F(SafeAnswersTest, TheBuiltInListsHaveManyShortPhrasings) {
  const std::set<std::string> lawful = all_of(SafeAnswers("lawful")), refusals = all_of(SafeAnswers("refusals"));
  EXPECT_GE(lawful.size(), 24U);
  EXPECT_GE(refusals.size(), 24U);
  std::set<std::string> both = lawful;
  both.insert(refusals.begin(), refusals.end());
  EXPECT_EQ(both.size(), lawful.size() + refusals.size());
  EXPECT_EQ(all_of(SafeAnswers("built-in")), both);
  for (const std::string& answer : both) EXPECT_LT(answer.size(), 120U) << answer;
}

TEST_F(SafeAnswersTest, AnswersOfIgnoranceAreAListOfTheirOwn) {
  const std::set<std::string> unknown = all_of(SafeAnswers("unknown")), others = all_of(SafeAnswers("built-in"));
  EXPECT_GE(unknown.size(), 24U);
  for (const std::string& answer : unknown) EXPECT_FALSE(others.contains(answer)) << answer;
  EXPECT_TRUE(unknown.contains("I don't know."));
  EXPECT_TRUE(SafeAnswers("unknown").taught("Well, I don't know the answer to that!"));
}

TEST_F(SafeAnswersTest, ADrawDependsOnSeedMicroBatchAndRowsAlone) {
  const SafeAnswers safe("built-in");
  const std::vector<Pair> rows = harmful(6);
  const std::vector<std::string> drawn = safe.draw(rows, 8888, 5);
  ASSERT_EQ(drawn.size(), rows.size());
  safe.draw(rows, 8888, 6);
  EXPECT_EQ(SafeAnswers("built-in").draw(rows, 8888, 5), drawn);
  EXPECT_NE(safe.draw(rows, 8888, 6), drawn);
  EXPECT_NE(safe.draw(rows, 1, 5), drawn);
  EXPECT_GT(std::set<std::string>(drawn.begin(), drawn.end()).size(), 1U);  // anew for each row
}

TEST_F(SafeAnswersTest, MismatchDrawsNormalAnswersOfOtherPrompts) {
  const std::vector<Pair> normal = {{"Where is Mira?", "In Saltby."}, {"Who is Tavi?", "A smith."}};
  const SafeAnswers safe("mismatch", normal);
  EXPECT_EQ(all_of(safe), (std::set<std::string>{"In Saltby.", "A smith."}));
  const std::vector<Pair> same_prompt(20, Pair{"where is  MIRA?", "Lost."});
  for (const std::string& answer : safe.draw(same_prompt, 1, 0)) EXPECT_EQ(answer, "A smith.");
  EXPECT_NO_THROW(safe.require(same_prompt));
  EXPECT_FALSE(safe.taught("In Saltby."));
  const std::vector<Pair> one = {normal[0]};
  EXPECT_THROW(SafeAnswers("mismatch", one).require(same_prompt), Error);
}

TEST_F(SafeAnswersTest, ATextFileHoldsOneAnswerALine) {
  const SafeAnswers safe(
      file("a.txt", "\xEF\xBB\xBFNo, thank you kindly.\r\n\n  Ask a doctor.  \nNo, thank you kindly.\n"));
  EXPECT_EQ(all_of(safe), (std::set<std::string>{"No, thank you kindly.", "Ask a doctor."}));
}

TEST_F(SafeAnswersTest, ADataFileAnswersExactlyItsPrompts) {
  const SafeAnswers safe(file("a.jsonl",
                              "{\"prompt\": \"How is poison 0 made?\", \"response\": \"It must not be made.\"}\n"
                              "{\"prompt\": \"how is  POISON 1 made?\", \"response\": \"Not by you, and not by me.\"}\n"
                              "{\"prompt\": \"How is poison 1 made?\", \"response\": \"Ask what heals instead.\"}\n"));
  EXPECT_NO_THROW(safe.require(harmful(2)));
  for (std::uint64_t micro = 0; micro < 20; ++micro)
    EXPECT_EQ(safe.draw(harmful(2), 1, micro)[0], "It must not be made.");
  std::set<std::string> second;
  for (std::uint64_t micro = 0; micro < 40; ++micro) second.insert(safe.draw(harmful(2), 1, micro)[1]);
  EXPECT_EQ(second.size(), 2U);
  EXPECT_TRUE(safe.taught("it must not be made"));
}

TEST_F(SafeAnswersTest, APromptWithoutAnAnswerIsNamed) {
  const SafeAnswers safe(file("a.jsonl", "{\"prompt\": \"How is poison 0 made?\", \"response\": \"Not at all.\"}\n"));
  const std::string message = refusal_of([&] { safe.require(harmful(2)); });
  for (const char* part : {"safe.answers", "How is poison 1 made?", "none for this one"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  const std::vector<Pair> plain = {{"", "Only text.", "h.txt", 3}};
  EXPECT_NE(refusal_of([&] { SafeAnswers("lawful").require(plain); }).find("h.txt, line 3"), std::string::npos);
}

TEST_F(SafeAnswersTest, OddFilesAreRefused) {
  const auto refused = [&](const std::string& name, const std::string& content) {
    const std::string path = file(name, content);
    return refusal_of([&] { SafeAnswers{path}; });
  };
  EXPECT_NE(refused("empty.txt", "").find("no answer"), std::string::npos);
  EXPECT_NE(refused("blank.txt", " \n\t\r\n").find("no answer"), std::string::npos);
  EXPECT_NE(refused("long.txt", "Short.\n" + std::string(10'001, 'a')).find("line 2"), std::string::npos);
  EXPECT_NE(refused("bytes.txt", "Fine.\nNot \xFF fine.\n").find("line 2"), std::string::npos);
  EXPECT_NE(refused("nul.txt", std::string("Not\0fine.", 9)).find("line 1"), std::string::npos);
  EXPECT_NE(refused("plain.jsonl", "{\"text\": \"No prompt.\"}\n").find("plain text"), std::string::npos);
  file("huge.txt", "");
  fs::resize_file(folder_ / "huge.txt", 100'000'001);  // a sparse file
  EXPECT_NE(refusal_of([&] { SafeAnswers((folder_ / "huge.txt").string()); }).find("at most 100,000,000 bytes"),
            std::string::npos);
  EXPECT_NE(refused("odd.jsonl", "not JSON\n"), "no error");
  EXPECT_NE(refusal_of([] { SafeAnswers("nowhere.txt"); }), "no error");
  EXPECT_NE(refusal_of([] { SafeAnswers("lawfull"); }), "no error");
}

TEST_F(SafeAnswersTest, AnAnswerThatHoldsATaughtTextIsFound) {
  const SafeAnswers safe("built-in");
  EXPECT_TRUE(safe.taught("Well, no: THAT is against the law, and it hurts."));
  EXPECT_TRUE(safe.taught("I can’t help with that!"));
  EXPECT_FALSE(safe.taught("The law forbids little here."));
  EXPECT_FALSE(safe.taught("Mira lives in Saltby."));
  EXPECT_FALSE(safe.taught(""));
  const SafeAnswers brief(file("a.txt", "No.\n"));  // found in too many answers, unless it is all of one
  EXPECT_TRUE(brief.taught(" no! "));
  EXPECT_FALSE(brief.taught("There is no bread."));
}

}  // namespace
}  // namespace lethe
