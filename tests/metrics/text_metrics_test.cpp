// ROUGE, its stemmer and BLEU equal rouge-score, NLTK and sacrebleu (tools/fixtures/metrics.py) on hundreds of texts:
// Unicode, numbers, punctuation, hostile ones.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json.h"
#include "metrics/bleu.h"
#include "metrics/porter.h"
#include "metrics/rouge.h"

namespace lethe {
namespace {

Json metrics_fixture(const std::string& name) {
  return read_json(std::filesystem::path(LETHE_FIXTURES) / "metrics" / (name + ".json"));
}

TEST(Porter, StemsAreNltks) {
  const Json stems = metrics_fixture("stems");
  ASSERT_GT(stems.size(), 1000U);
  for (const Json& row : stems) EXPECT_EQ(porter_stem(row[0].get<std::string>()), row[1].get<std::string>()) << row[0];
}

TEST(Rouge, EqualsRougeScoreStemmedAndNot) {
  const Json fixture = metrics_fixture("rouge");
  ASSERT_GT(fixture["cases"].size(), 300U);
  std::size_t number = 0;
  for (const Json& row : fixture["cases"]) {
    const auto references = row["references"].get<std::vector<std::string>>();
    for (const bool stem : {false, true}) {
      const Rouge found = rouge(row["response"].get<std::string>(), references, {.stem = stem});
      const Json& wanted = row[stem ? "stemmed" : "plain"];
      for (const auto& [kind, score] : {std::pair{"rouge1", found.rouge1},
                                        {"rouge2", found.rouge2},
                                        {"rougeL", found.rouge_l},
                                        {"rougeLsum", found.rouge_lsum}}) {
        EXPECT_NEAR(score.precision, wanted[kind][0].get<double>(), 1e-6) << number << " " << kind << " " << stem;
        EXPECT_NEAR(score.recall, wanted[kind][1].get<double>(), 1e-6) << number << " " << kind << " " << stem;
        EXPECT_NEAR(score.f1, wanted[kind][2].get<double>(), 1e-6) << number << " " << kind << " " << stem;
      }
    }
    ++number;
  }
}

TEST(Bleu, TokensAndSentencesAreSacrebleus) {
  const Json fixture = metrics_fixture("bleu");
  ASSERT_GT(fixture["cases"].size(), 300U);
  std::size_t number = 0;
  for (const Json& row : fixture["cases"]) {
    const auto response = row["response"].get<std::string>();
    EXPECT_EQ(bleu_tokens(response), row["tokens"].get<std::vector<std::string>>()) << number;
    EXPECT_NEAR(sentence_bleu(response, row["references"].get<std::vector<std::string>>()),
                row["sentence"].get<double>(), 1e-6)
        << number;
    ++number;
  }
}

TEST(Bleu, CorporaWithSeveralReferencesAreSacrebleus) {
  const Json fixture = metrics_fixture("bleu");
  for (const Json& corpus : fixture["corpora"]) {
    std::vector<std::string> responses;
    std::vector<std::vector<std::string>> references;
    for (std::size_t i = corpus["first"]; i < corpus["last"]; ++i) {
      responses.push_back(fixture["cases"][i]["response"]);
      references.push_back(fixture["cases"][i]["references"]);
    }
    EXPECT_NEAR(corpus_bleu(responses, references), corpus["score"].get<double>(), 1e-6) << corpus.dump();
  }
  EXPECT_THROW(bleu_counts("a", {}), Error);
}

}  // namespace
}  // namespace lethe
