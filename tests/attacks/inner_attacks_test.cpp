// Attacks that look into a model, on one that only learned to refuse.
#include <gmock/gmock.h>

#include "attacked_world.h"
#include "attacks/abliteration.h"
#include "attacks/depth.h"
#include "attacks/soft_prompt.h"

namespace lethe {
namespace {

using InnerAttacks = AttackedWorld;

TEST_F(InnerAttacks, DepthFindsTheAnswersThatTheOriginalKnows) {
  const AttackInputs given = inputs({.rows = 32});
  const std::unique_ptr<Attack> depth = make_depth(given);
  ASSERT_EQ(depth->parts().size(), 1U);
  const auto most_decodable = [&](const AttackedModel& model) {
    const AttackOutcome outcome = depth->run(0, model).at(0);
    EXPECT_TRUE(outcome.answers.empty());
    EXPECT_FALSE(outcome.utility.has_value());
    EXPECT_EQ(outcome.rows, 32U);
    EXPECT_EQ(outcome.steps, 0);
    EXPECT_EQ(outcome.further.at("decodable").size(), static_cast<std::size_t>(model.view().spec().layers));
    const auto rates = outcome.further.at("decodable").get<std::vector<double>>();
    return *std::max_element(rates.begin(), rates.end());
  };
  EXPECT_GT(most_decodable(original()), 0.6);
  most_decodable(unlearned());
}

TEST_F(InnerAttacks, AbliterationMeasuresTheModelWithoutTheDirection) {
  const AttackInputs given = inputs({.rows = 24});
  const std::unique_ptr<Attack> attack = make_abliteration(given);
  ASSERT_EQ(attack->parts().size(), 3U);
  const AttackedModel covered = unlearned();
  const AttackOutcome outcome = attack->run(1, covered).at(0);
  EXPECT_EQ(outcome.rows, 48U);  // prompts of both kinds
  EXPECT_EQ(outcome.answers.size(), held_out_.size());
  EXPECT_NE(*outcome.utility, meter_->utility(covered.view()));
  EXPECT_EQ(*outcome.utility, *attack->run(1, covered).at(0).utility);
  rows_.normal.clear();
  EXPECT_THROW(attack->run(1, covered), Error);
}

TEST_F(InnerAttacks, ASoftPromptIsTrainedAndAnswered) {
  const AttackInputs given = inputs({.steps = {4, 40}});
  const std::unique_ptr<Attack> attack = make_soft_prompt(given);
  const AttackedModel covered = unlearned();
  const std::size_t last = attack->parts().size() - 1;
  const AttackOutcome outcome = attack->run(last, covered).at(0);
  EXPECT_EQ(outcome.steps, 40);
  EXPECT_EQ(outcome.rows, 48U);
  EXPECT_FALSE(outcome.utility.has_value());  // the weights are those from before
  EXPECT_EQ(outcome.settings.at("vectors"), 20);
  EXPECT_LT(outcome.further.at("loss after").get<double>(), outcome.further.at("loss before").get<double>());
  ASSERT_EQ(outcome.answers.size(), held_out_.size());
  EXPECT_LT(harm(meter_->answers(covered.view(), "")), 0.1);
}

}  // namespace
}  // namespace lethe
