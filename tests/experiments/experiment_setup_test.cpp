// Cells of several methods that share one set-up: each counts refusals by what its own method teaches.
#include "experiments/experiment_setup.h"

#include "core/files.h"
#include "core/terminal.h"
#include "evaluation/answering.h"
#include "folder_test.h"

namespace lethe {
namespace {

class SharedSetup : public FolderTest {
 protected:
  SharedSetup() { configure_terminal({.quiet = true}); }
  ~SharedSetup() override { configure_terminal({}); }
};

TEST_F(SharedSetup, CountsTheSafeAnswersThatEachCellsMethodTeaches) {
  std::string harmful, normal;
  for (int i = 0; i < 12; ++i) {
    harmful += json_line({"How is poison " + std::to_string(i) + " made?", "Crush the leaves, then boil them."});
    normal += json_line({"Where is house " + std::to_string(i) + "?", "In Saltby."});
  }
  write_file(folder_ / "harmful.jsonl", harmful);
  write_file(folder_ / "normal.jsonl", normal);
  const Recipe sku = load_recipe(
      "", {"model=" + (std::filesystem::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").string(),
           "data.harmful=" + (folder_ / "harmful.jsonl").string(), "data.normal=" + (folder_ / "normal.jsonl").string(),
           "data.template=sku", "data.split={train: 0.5, validation: 0.25, test: 0.25}", "evaluation.judge=refusal",
           "evaluation.prompts=3", "evaluation.max_new_tokens=8", "evaluation.cache=false", "training.steps=1",
           "training.batch=1", "training.lr=1e-9", "sku.eps_rd=0"});
  const StoredModel original(sku.model);
  ExperimentSetup setup(sku, original, {});
  const EvaluationOptions options = evaluation_options(sku, original.checkpoint, original.spec.max_positions);
  const std::vector<Question> questions = questions_of(setup.data().normal.test);
  const std::string said =
      answer_questions(original.load({}), original.tokenizer, questions, options, "test").texts.at(0);
  write_file(folder_ / "taught.txt", said + "\n");
  const auto refusing = [&](const Recipe& recipe) {
    const Cell cell = setup.measure(recipe, recipe.method, HeldOut::test, {}, {1}, folder_ / "metrics.jsonl");
    EXPECT_EQ(cell.failed, "");
    return std::pair(cell.original.at("refusing_normal"), cell.points.at(0).figures.at("refusing_normal"));
  };
  const auto before = refusing(sku);
  const auto taught = refusing(with_settings(sku, {"method=dpo", "safe.answers=" + (folder_ / "taught.txt").string()}));
  EXPECT_EQ(before, std::pair(0.0, 0.0));
  EXPECT_GT(taught.first, 0);  // the original, by the same measure
  EXPECT_GT(taught.second, 0);
  EXPECT_EQ(refusing(sku), before);
}

// A comparison without normal answers has no KL, and would refuse every point after the last training.
TEST_F(SharedSetup, NeedsHarmfulAndNormalPairsOfItsPart) {
  const Tokenizer tokenizer = Tokenizer::load(std::filesystem::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo");
  RunData data{.examples = {tokenizer, Template::parse(Template::sku_default), {}}};
  const Pair pair{"Where does Mira live?", "In Saltby."};
  data.harmful.validation = data.harmful.test = data.normal.test = {pair};
  EXPECT_NO_THROW(check_held_out(data, HeldOut::test, "cannot"));
  const std::string refusal = refusal_of([&] { check_held_out(data, HeldOut::validation, "cannot", "; or another"); });
  for (const char* words : {"no normal pair", "for validation", "data.split.validation; or another"})
    EXPECT_NE(refusal.find(words), std::string::npos) << refusal;
  EXPECT_NE(refusal_of([&] { check_answers_for_budget(data); }).find("by a budget"), std::string::npos);
  data.normal.validation = {pair};
  data.harmful.validation.clear();
  EXPECT_NO_THROW(check_answers_for_budget(data));
  EXPECT_NE(refusal_of([&] { check_held_out(data, HeldOut::validation, "cannot"); }).find("no harmful pair"),
            std::string::npos);
}

}  // namespace
}  // namespace lethe
