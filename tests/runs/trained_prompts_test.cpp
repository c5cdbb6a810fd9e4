// Prompts that the run of a model trained on are known, or it is said that they are not.
#include "runs/trained_prompts.h"

#include "core/files.h"
#include "folder_test.h"
#include "runs/run_folder.h"

namespace lethe {
namespace {

class TrainedPrompts : public FolderTest {
 protected:
  const fs::path model_ = fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo", file_ = folder_ / "harmful.jsonl";

  // A run's model, trained on all of a file.
  std::string run() const {
    fs::create_directories(folder_ / "run/model");
    write_file(file_, "{\"prompt\": \"How is Mira poisoned?\", \"response\": \"With sorrel.\"}\n");
    write_file(folder_ / "run/recipe.yaml", "method: sku\nmodel: " + model_.string() + "\ndata: {harmful: " +
                                                file_.string() + ", split: {train: 1, validation: 0, test: 0}}\n");
    const OrderedJson json = {{"command", "unlearn"},
                              {"inputs", {describe_input("model", model_), describe_input("harmful", file_)}}};
    write_file(folder_ / "run/run.json", json.dump());
    return (folder_ / "run/model").string();
  }
};

TEST_F(TrainedPrompts, AreThoseOfTheRunThatWroteTheModel) {
  const RunTraining training = training_of_runs({run()}, model_.string());
  ASSERT_EQ(training.prompts.size(), 1U);
  EXPECT_EQ(training.prompts[0].prompt, "How is Mira poisoned?");
  EXPECT_TRUE(training.cautions.empty());
  EXPECT_TRUE(training_of_runs({model_.string()}, "").cautions.empty()) << "no run wrote it";
}

TEST_F(TrainedPrompts, CannotBeCheckedWhereTheDataIsGoneOrChanged) {
  const std::string model = run();
  write_file(file_, "{\"prompt\": \"another\", \"response\": \"row\"}\n");
  for (const bool there : {true, false}) {
    if (!there) fs::remove(file_);
    const RunTraining training = training_of_runs({model}, "");
    EXPECT_TRUE(training.prompts.empty());
    ASSERT_EQ(training.cautions.size(), 1U) << there;
    EXPECT_NE(training.cautions[0].find("could not be checked"), std::string::npos) << training.cautions[0];
  }
}

TEST_F(TrainedPrompts, AnotherOriginalThanTheRunsIsNamed) {
  const std::string model = run();
  fs::create_directories(folder_ / "other");
  write_file(folder_ / "other/config.json", "{}");
  const RunTraining training = training_of_runs({model}, (folder_ / "other").string());
  ASSERT_EQ(training.cautions.size(), 1U);
  EXPECT_NE(training.cautions[0].find("the original is not the model"), std::string::npos) << training.cautions[0];
}

}  // namespace
}  // namespace lethe
