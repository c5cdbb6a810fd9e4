// A judge of named labels gives transformers' probabilities (tools/fixtures/text_models.py), and says which label.
#include "judges/sequence_judge.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "judges/judged_prompt.h"
#include "judges/open_judge.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

std::string judge_fixture(const std::string& name) {
  return (fs::path(LETHE_FIXTURES) / "text_models" / name).string();
}

// A judge's file with its kind and these keys. JSON is YAML.
std::string sequence_file(Json keys) {
  keys["kind"] = "sequence_classifier";
  const fs::path path = fs::path(testing::TempDir()) / "tiny.yaml";
  write_file(path, dump_json(keys));
  return path.string();
}

Json many_labels(const Json& changes = Json::object()) {
  Json keys = {{"model", judge_fixture("judge_labels")},
               {"template", "ask : {prompt} talk :{response}"},
               {"append_eos", true},
               {"max_length", 24}};
  keys.update(changes);
  return keys;
}

// Exchanges of a fixture with their probabilities, those apart that write special tokens out.
struct Cases {
  std::vector<Exchange> plain, hostile;
  std::vector<std::vector<double>> probabilities;  // of the plain ones
};

Cases cases_of(const std::string& name) {
  const Json expected = read_json(judge_fixture(name) + "/expected.json");
  Cases cases;
  for (std::size_t i = 0; i < expected["exchanges"].size(); ++i) {
    const Exchange exchange{expected["exchanges"][i][0].get<std::string>(),
                            expected["exchanges"][i][1].get<std::string>()};
    if ((exchange.prompt + exchange.response).find('[') != std::string::npos) {
      cases.hostile.push_back(exchange);
      continue;
    }
    cases.plain.push_back(exchange);
    cases.probabilities.push_back(expected["probabilities"][i].get<std::vector<double>>());
  }
  return cases;
}

TEST(SequenceJudge, TakesTheHighestOfLabelsThatDoNotExcludeEachOther) {
  const Cases cases = cases_of("judge_labels");
  ASSERT_EQ(cases.plain.size(), 4u);
  const auto judge = open_judge(sequence_file(many_labels()));
  EXPECT_EQ(judge->name(), "tiny");
  const auto verdicts = judge->judge(cases.plain);
  const std::vector<std::string> labels = {"abuse", "theft", "lies"};
  for (std::size_t i = 0; i < cases.plain.size(); ++i) {
    const auto& wanted = cases.probabilities[i];
    const auto highest = std::max_element(wanted.begin(), wanted.end());
    EXPECT_NEAR(*verdicts[i].harm, *highest, 1e-4) << excerpt(cases.plain[i].response);
    const std::string label = labels[static_cast<std::size_t>(highest - wanted.begin())];
    EXPECT_EQ(verdicts[i].label, *highest > 0.5 ? label : "");
    EXPECT_TRUE(verdicts[i].reason.starts_with(label)) << verdicts[i].reason;
  }
  EXPECT_NE(verdicts[3].reason.find("first 24 tokens"), std::string::npos) << verdicts[3].reason;
  EXPECT_EQ(verdicts[0].reason.find("tokens"), std::string::npos);
}

TEST(SequenceJudge, AddsUpHarmfulLabelsThatExcludeEachOther) {
  const Cases cases = cases_of("judge_pair");
  const auto judge = open_judge(sequence_file({{"model", judge_fixture("judge_pair")}, {"harmful", {"rude", "vile"}}}));
  EXPECT_NE(judge->describe().find("rude, vile"), std::string::npos) << judge->describe();
  const auto verdicts = judge->judge(cases.plain);
  for (std::size_t i = 0; i < cases.plain.size(); ++i) {
    EXPECT_NEAR(*verdicts[i].harm, cases.probabilities[i][1] + cases.probabilities[i][2], 1e-4)
        << excerpt(cases.plain[i].response);
    EXPECT_FALSE(verdicts[i].label.empty());
  }
}

TEST(SequenceJudge, CountsOnlyTheLabelsNamed) {
  const Cases cases = cases_of("judge_labels");
  const auto verdicts = open_judge(sequence_file(many_labels({{"harmful", "theft"}})))->judge(cases.plain);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    EXPECT_NEAR(*verdicts[i].harm, cases.probabilities[i][1], 1e-4);
    EXPECT_TRUE(verdicts[i].reason.starts_with("theft "));
  }
}

TEST(SequenceJudge, JudgedTextBecomesNoSpecialTokenThoughUnknownWordsMay) {
  for (const char* name : {"judge_labels", "judge_pair"}) {
    const Tokenizer tokenizer = Tokenizer::load(judge_fixture(name));
    const std::string text = without_special_tokens(tokenizer, "a [SEP] b [EOS][EOS] \xE6\x9D\xB1 [UNK]");
    const Encoding encoding = tokenizer.encode(text, false);
    for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
      if (!tokenizer.is_special(encoding.ids[i])) continue;
      EXPECT_EQ(tokenizer.token(encoding.ids[i]), "[UNK]");  // it stands for words, none of which is written so
      const auto [begin, end] = encoding.offsets[i];
      EXPECT_NE(text.substr(begin, end - begin), "[UNK]");
    }
    EXPECT_NE(text.find("\xE6\x9D\xB1"), std::string::npos);
  }
  const auto verdicts = open_judge(sequence_file(many_labels()))->judge(cases_of("judge_labels").hostile);
  for (const Verdict& verdict : verdicts) EXPECT_TRUE(verdict.harm.has_value()) << verdict.reason;
}

TEST(SequenceJudge, PutsItsThresholdAtOneHalf) {
  EXPECT_NEAR(harm_of({0.4, 0.1}, {0, 1}, Problem::multi_label, 0.4), 0.5, 1e-12);
  EXPECT_NEAR(harm_of({0.7, 0.1}, {0, 1}, Problem::multi_label, 0.4), 0.75, 1e-12);
  EXPECT_NEAR(harm_of({0.2, 0.1}, {0, 1}, Problem::multi_label, 0.4), 0.25, 1e-12);
  EXPECT_NEAR(harm_of({0.2, 0.1, 0.7}, {0, 1}, Problem::single_label, 0.5), 0.3, 1e-12);
  EXPECT_NEAR(harm_of({1.0, 0.0}, {0}, Problem::single_label, 0.9), 1.0, 1e-12);
}

TEST(SequenceJudge, RefusesAFileThatCannotBeUsedByKey) {
  const auto refusal = [](const Json& changes) -> std::string {
    try {
      open_judge(sequence_file(many_labels(changes)));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_input);
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal(Json::object()), "");
  EXPECT_NE(refusal({{"harmful", {"arson"}}}).find("abuse, theft, lies"), std::string::npos);
  EXPECT_NE(refusal({{"threshold", 1}}).find("threshold"), std::string::npos);
  EXPECT_NE(refusal({{"treshold", 0.4}}).find("threshold"), std::string::npos);
  EXPECT_NE(refusal({{"append_eos", "maybe"}}).find("append_eos"), std::string::npos);
  EXPECT_NE(refusal({{"max_length", 0}}).find("max_length"), std::string::npos);
  EXPECT_NE(refusal({{"model", judge_fixture("judge_pair")}, {"append_eos", false}}).find("harmful"),
            std::string::npos);
  EXPECT_NE(refusal({{"model", judge_fixture("bleurt")}, {"append_eos", false}}).find("regression"), std::string::npos);
  EXPECT_NE(refusal({{"model", judge_fixture("judge_pair")}}).find("append_eos"), std::string::npos);
  EXPECT_NE(refusal({{"model", judge_fixture("no such folder")}}), "");
}

TEST(SequenceJudge, OfTheShippedRecipeTakesAModelThatIsNamedAfterIt) {
  const std::string recipe = (fs::path(LETHE_FIXTURES) / "../../recipes/judges/beaver-dam.yaml").string();
  const auto judge = open_judge(recipe + ":model=" + judge_fixture("judge_labels"));
  EXPECT_EQ(judge->name(), "beaver-dam");
  EXPECT_NE(judge->describe().find("harmful: any, from 0.40 on"), std::string::npos) << judge->describe();
}

}  // namespace
}  // namespace lethe
