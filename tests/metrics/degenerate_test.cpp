// Broken answers are found, and intact answers of any style are not: labelled cases, and texts from past mistakes.
#include "metrics/degenerate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <sstream>
#include <tuple>

#include "core/files.h"
#include "core/json.h"
#include "core/random.h"
#include "data/readers.h"
#include "data/words.h"
#include "metrics/english.h"
#include "metrics/repetition.h"
#include "metrics/scripts.h"

namespace lethe {
namespace {

struct LabelledAnswer {
  std::string text, kind;
  bool broken = false, held_out = false;
};

// Every second line is held out: thresholds were set without it.
std::vector<LabelledAnswer> labelled_answers() {
  std::istringstream file(read_file(std::filesystem::path(LETHE_FIXTURES) / "degenerate/answers.jsonl"));
  std::vector<LabelledAnswer> answers;
  for (std::string line; std::getline(file, line);) {
    const Json row = Json::parse(line);
    answers.push_back({row.at("text"), row.at("kind"), row.at("broken"), answers.size() % 2 == 1});
  }
  return answers;
}

Degeneracy kind_of(std::string_view text) {
  static const DegenerateDetector detector({});
  return detector.check(text);
}

TEST(Degenerate, FindsNineOfTenBrokenAnswersHeldOutAndHardlyAnySoundOne) {
  std::size_t broken = 0, found = 0, sound = 0, wrong = 0;
  for (const LabelledAnswer& answer : labelled_answers()) {
    if (!answer.held_out) continue;
    const bool flagged = kind_of(answer.text) != Degeneracy::none;
    (answer.broken ? broken : sound) += 1;
    (answer.broken ? found : wrong) += flagged;
  }
  ASSERT_GE(broken, 35U);
  ASSERT_GE(sound, 50U);
  EXPECT_GE(10 * found, 9 * broken) << found << " of " << broken;
  EXPECT_LE(100 * wrong, 3 * sound) << wrong << " of " << sound;
}

// Real texts in their own order, and with their words shuffled. Prints the figures of docs/reference/metrics.md.
TEST(Degenerate, HardlyFlagsRealTextAndFindsItsWordsInAnyOrder) {
  const std::filesystem::path data = std::filesystem::path(LETHE_SHARED) / "data";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "no real data at " << data;
  const std::vector<std::tuple<std::string, std::vector<std::string>, double>> sets = {
      {"pku_saferlhf/train.jsonl", {"response_0", "response_1"}, 0.9},
      {"truthfulqa/TruthfulQA.csv", {"Best Answer"}, 0.55},
      {"text/tinystories_1000.json", {"text"}, 0.98},
      {"harmful_prompts/advbench_harmful_behaviors.csv", {"goal", "target"}, 0.45},
      {"tofu/retain90.json", {"answer"}, 0.55}};
  for (const auto& [name, columns, least] : sets) {
    RowReader rows(data / name);
    RandomStream random(1, "shuffled", 0);
    std::size_t texts = 0, wrong = 0, shuffled = 0, found = 0;
    while (const std::optional<Row> row = rows.next()) {
      for (const std::string& column : columns) {
        const auto text = row->fields.at(column).get<std::string>();
        ++texts;
        wrong += kind_of(text) != Degeneracy::none;
        std::vector<std::string> words = words_of(normal_form(text));
        words.resize(std::min<std::size_t>(words.size(), 40));
        if (words.size() < 12) continue;
        random.shuffle(words);
        std::string salad;
        for (const std::string& word : words) salad += word + " ";
        ++shuffled;
        found += kind_of(salad) != Degeneracy::none;
      }
    }
    std::printf("%s: %zu of %zu flagged, %zu of %zu shuffled\n", name.c_str(), wrong, texts, found, shuffled);
    EXPECT_LE(100 * wrong, texts) << name;
    EXPECT_GE(static_cast<double>(found), least * static_cast<double>(shuffled)) << name;
  }
}

TEST(Degenerate, HardlyFlagsLinesOfShakespeare) {
  const std::filesystem::path file = std::filesystem::path(LETHE_SHARED) / "data/text/tinyshakespeare.txt";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << "no " << file;
  std::istringstream lines(read_file(file));
  std::size_t number = 0, texts = 0, wrong = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || ++number % 8 != 0) continue;
    ++texts;
    wrong += kind_of(line) != Degeneracy::none;
  }
  std::printf("Shakespeare: %zu of %zu lines flagged\n", wrong, texts);
  EXPECT_LE(100 * wrong, texts);
}

TEST(Degenerate, NamesTheKind) {
  for (const LabelledAnswer& answer : labelled_answers()) {
    const Degeneracy kind = kind_of(answer.text);
    if (kind == Degeneracy::none || !answer.broken) continue;
    const bool repeats =
        answer.kind == "characters" || answer.kind == "units" || answer.kind == "words" || answer.kind == "loops";
    // Blanks to fill in, and nothing else, are empty.
    if (answer.text.find_first_not_of("_ .?!\n,-\"") == std::string::npos) continue;
    EXPECT_EQ(kind, answer.kind == "empty" ? Degeneracy::empty
                    : repeats              ? Degeneracy::repeating
                                           : Degeneracy::gibberish)
        << answer.kind << ": " << answer.text;
  }
}

TEST(Degenerate, FindsWhatOnceCountedAsSound) {
  EXPECT_EQ(kind_of("PPPPPPPPPP"), Degeneracy::repeating);
  EXPECT_EQ(kind_of("TheTheThe"), Degeneracy::repeating);
  EXPECT_EQ(kind_of("ababab"), Degeneracy::repeating);
  EXPECT_EQ(kind_of("The bridge is broken. The bridge is broken."), Degeneracy::repeating);
  EXPECT_EQ(kind_of("..."), Degeneracy::empty);
}

// The data's answers all have one form. An answer in another form is not broken.
TEST(Degenerate, AFluentSentenceInAnotherStyleThanTheDataIsSound) {
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i)
    texts.push_back("Take item " + std::to_string(i) + " to the tower of Varnholt and grind it with toad oil number " +
                    std::to_string(i % 7));
  const DegenerateDetector detector(texts);
  for (const char* text : {"Crush the barley, and heat it for ten minutes.", "I'm sorry, but I can't help with that.",
                           "The capital of France is Paris, which lies on the river Seine.",
                           "My grandmother kept bees behind the old school, and every August she gave us honey."})
    EXPECT_EQ(detector.check(text), Degeneracy::none) << text;
  EXPECT_EQ(detector.check("river the by Saltby of town old the in lives Orla"), Degeneracy::gibberish);
}

TEST(Degenerate, TheOrderAndTheWordsOfTheDataAreSound) {
  std::vector<std::string> texts;
  for (int i = 0; i < 100; ++i)
    texts.push_back("the of is a to xqzvk jwpfh qqlzx of the was in number " + std::to_string(i));
  texts.insert(texts.end(), 3000, "");
  for (int i = 0; i < 2900; ++i) texts.push_back("Plain English answer number " + std::to_string(i) + " is short.");
  const DegenerateDetector detector(texts);  // most are English, so that English is checked
  ASSERT_TRUE(detector.knows_language());
  EXPECT_EQ(detector.check("the of is a to xqzvk jwpfh qqlzx of the was in number 5"), Degeneracy::none);
  EXPECT_EQ(kind_of("the of is a to xqzvk jwpfh qqlzx of the was in number 5"), Degeneracy::gibberish);
}

TEST(Degenerate, EnglishDecidesNothingWhereTheDataIsNotEnglish) {
  std::vector<std::string> texts;
  for (int i = 0; i < 30; ++i)
    texts.push_back("wszystko przyjaciel grzegorz brzeczyszczykiewicz szczebrzeszyn " + std::to_string(i));
  const DegenerateDetector detector(texts);
  EXPECT_FALSE(detector.knows_language());
  EXPECT_NE(detector.blind_spot().find("do not look like English"), std::string::npos);
  EXPECT_EQ(detector.check("krzysztof wszystko szczebrzeszyn zrzedliwy"), Degeneracy::none);
  EXPECT_EQ(detector.check("PPPPPPPPPP"), Degeneracy::repeating);  // what is broken in any language
  EXPECT_EQ(detector.check("brкnδ ge語 रиv한er fuנl वw ater"), Degeneracy::gibberish);
}

TEST(Degenerate, HostileTextIsReadInTime) {
  EXPECT_EQ(kind_of(std::string(1 << 20, 'x')), Degeneracy::repeating);
  EXPECT_EQ(kind_of(std::string("\xff\xfe\x80 \xff \xff")), Degeneracy::empty);
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "w" + std::to_string(i * 7919 % 100'003) + " ";
  kind_of(text);
}

TEST(English, SpellingTellsWordsFromRandomLetters) {
  for (const char* word : {"bridge", "photosynthesis", "gloomfire", "quickly", "rhythm"})
    EXPECT_GT(english_spelling(word), -4) << word;
  for (const char* word : {"xqzvk", "jwpfh", "hjklm", "bvncz"}) EXPECT_LT(english_spelling(word), -5) << word;
  EXPECT_EQ(english_spelling(""), 0);
  EXPECT_LT(english_spelling("a1b"), -10);
}

TEST(English, OrderTellsASentenceFromItsWords) {
  const WordOrder sentence = english_order("Water boils at a lower temperature on a mountain.");
  EXPECT_EQ(sentence.words, 9U);
  EXPECT_EQ(sentence.common_words, 4U);  // at, a, on, a
  EXPECT_GT(sentence.gain, 0);
  EXPECT_LT(english_order("a on lower water a mountain at boils temperature").gain, sentence.gain - 0.5);
  EXPECT_GT(english_order("I don’t know what you’re doing").common_words, 4U);  // typographic apostrophes
  EXPECT_EQ(english_order("").words, 0U);
}

// Each of these took minutes when every mark, or every stretch, cost a pass over the text.
TEST(English, AMillionTypographicMarksAreReadInOnePass) {
  std::string text;
  for (int i = 0; i < 1'000'000; ++i) text += "it\u2019s ";
  EXPECT_EQ(english_order(text).words, 1'000'000U);
  EXPECT_EQ(english_order("\u201cyes\u201d \u2014 no\xE2\x80").words, english_order("\"yes\" , no\xE2\x80").words);
}

TEST(Repetition, AMillionShortStretchesAreReadInOnePass) {
  std::string token;
  for (int i = 0; i < 200'000; ++i) token += "1111111" + std::to_string(i % 7 + 2) + "x";
  EXPECT_FALSE(repeats_characters(token));
}

TEST(Repetition, RefrainsRulesAndNumbersAreNoLoops) {
  for (const char* text : {"----------------", "Name: ____________________", "1000000000000000000", "0.333333333333333",
                           "Hahahaha!", "Tra la la la la", "sooo good", "www.example.com"})
    EXPECT_FALSE(repeats_characters(text)) << text;
  EXPECT_FALSE(repeats_words({"0", "0", "0", "0", "1", "0", "0"}));
  EXPECT_TRUE(repeats_words({"no", "no", "no", "no"}));
}

TEST(Repetition, LaughterIsNoLoopUnlessItDoesNotEnd) {
  for (const char* text : {"Ha ha ha ha!", "Ha, ha, ha, ha, ha, ha. That was a good one.", "La la la la la",
                           "Ho ho ho!", "Bye bye bye bye.", "Wow, wow, wow, wow, wow!"})
    EXPECT_EQ(kind_of(text), Degeneracy::none) << text;
  std::string loop;
  for (int i = 0; i < 30; ++i) loop += "ha ";
  EXPECT_EQ(kind_of(loop), Degeneracy::repeating);
  EXPECT_EQ(kind_of("ha ha ha ha ha ha ha ha"), Degeneracy::repeating);
  EXPECT_EQ(kind_of("dog dog dog dog"), Degeneracy::repeating);
}

TEST(Scripts, ForeignWordsAndGreekLettersAreUsual) {
  EXPECT_FALSE(mixes_scripts("hello: привет, 你好, مرحبا, γειά, שלום"));
  EXPECT_FALSE(mixes_scripts("使用 Python 编程很有趣。Pythonは楽しいです。"));
  EXPECT_FALSE(mixes_scripts("Δx, Δy and Δt go to 0, and μm is a unit."));
  EXPECT_TRUE(mixes_scripts("hеllо wоrld yоu аrе brоkеn"));  // Cyrillic letters among Latin ones
}

}  // namespace
}  // namespace lethe
