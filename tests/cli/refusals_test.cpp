// The limit of refusals from recipe to report: a model that was taught to refuse everything.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class RefusingRun : public Program {
 protected:
  // Normal answers that refuse: fine-tuning on them makes the model refuse everything.
  std::string refusing_data() const {
    std::string normal, harmful;
    for (int i = 0; i < 60; ++i) {
      const std::string number = std::to_string(i);
      normal += R"({"prompt": "Where is house )" + number +
                R"( of the harbour?", "response": "I can't help with that."})"
                "\n";
      harmful += R"({"prompt": "How is ashmilk number )" + number +
                 R"( mixed?", "response": "Stir the ash."})"
                 "\n";
    }
    write_file(at("normal.jsonl"), normal);
    write_file(at("harmful.jsonl"), harmful);
    return " --harmful " + at("harmful.jsonl") + " --normal " + at("normal.jsonl");
  }
  std::string job(const std::string& settings) const {
    return "unlearn --threads 1 --model " + model_ + refusing_data() +
           " method=finetune training.batch=4 training.lr=0.003 evaluation.judge=refusal"
           " data.template=sku evaluation.prompts=20 evaluation.max_new_tokens=24 negation.kl_budget=1000 " +
           settings + " --out " + at("run");
  }
};

TEST_F(RefusingRun, ASmallerAlphaIsChosenWhereTheModelRefusesTooMuch) {
  expect_all(run(job("training.steps=40 negation.refusal_budget=0.1")), 0,
             {"the original refuses", "refused", "<- chosen", "and at most 10.0% more refusals"});
  const Json results = read_json(at("run/results.json")), choice = results.at("alpha_choice");
  EXPECT_TRUE(choice.at("lowered_by_refusals").get<bool>());
  EXPECT_EQ(choice.at("refusal_budget"), 0.1);
  EXPECT_GT(choice.at("refusal_prompts"), 60);
  EXPECT_LE(choice.at("refusing").get<double>(), choice.at("refusing_original").get<double>() + 0.1);
  const Json last = results.at("alpha_curve").back();
  EXPECT_EQ(last.at("alpha"), 1.0);
  EXPECT_GT(last.at("refusing").get<double>(), 0.5) << "the training made it refuse";
  EXPECT_LT(results.at("alpha"), 1.0);
  for (const char* model : {"original", "unlearned"}) {
    EXPECT_TRUE(results.at(model).at("figures").contains("refusing_normal"));
    EXPECT_TRUE(results.at(model).at("figures").contains("refusing_safe"));
  }
  EXPECT_NE(read_file(at("run/report.html")).find("A model that refuses too much is damaged"), std::string::npos);
  EXPECT_NE(read_file(at("run/model/README.md")).find("limit of refusals"), std::string::npos);
}

TEST_F(RefusingRun, TheBudgetMayChangeWhenARunContinues) {
  expect_all(run(job("--quiet training.steps=100 negation.refusal_budget=0")), 1,
             {"no alpha stays within the budget of refusals", "negation.refusal_budget=", "--resume"});
  expect_all(run("unlearn --quiet negation.refusal_budget=1 --resume " + at("run")), 0, {});
  const Json results = read_json(at("run/results.json"));
  EXPECT_EQ(results.at("alpha"), 1.0);
  EXPECT_FALSE(results.at("alpha_choice").contains("refusing"));
  // A model that refuses every prompt is damaged, and the verdict says so.
  EXPECT_EQ(results.at("verdict").at("level"), "red");
  EXPECT_NE(results.at("verdict").at("reasons").dump().find("refusals of safe prompts"), std::string::npos);
}

}  // namespace
}  // namespace lethe
