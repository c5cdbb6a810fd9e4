// Training that goes wrong, as the user sees it: what stopped it, what is kept, and what to change.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class GoneWrong : public Program {
 protected:
  std::string job(const std::string& settings) const {
    return "unlearn --quiet --threads 1 --model " + model_ + data() +
           " training.steps=40 training.batch=2 sku.k=2 evaluation.prompts=0 negation.alpha=1 --out " + at("run") +
           " " + settings;
  }
};

TEST_F(GoneWrong, ADivergingRunSaysWhichTermWhatIsKeptAndWhatToChange) {
  expect_all(run(job("tuning=full training.lr=3 training.clip=0 sku.pd_margin=0 training.snapshot_steps=1")), 1,
             {"diverged at step", "training.lr", "step-0000", "start anew"});
  EXPECT_FALSE(fs::exists(at("run")));
  EXPECT_FALSE(fs::is_empty(at("run.unfinished/snapshots")));
}

TEST_F(GoneWrong, WeightsThatAreNotFiniteAreRefusedByName) {
  fs::copy(model_, at("broken"), fs::copy_options::recursive);
  std::string weights = read_file(at("broken/model.safetensors"));
  weights.replace(weights.size() - 4, 4, std::string("\x00\x00\xc0\x7f", 4));  // a NaN
  fs::remove(at("broken/model.safetensors"));
  write_file(at("broken/model.safetensors"), weights);
  const Outcome outcome = run("unlearn --quiet --model " + at("broken") + data() +
                              " training.steps=2 evaluation.prompts=0 negation.alpha=1 --out " + at("run"));
  expect_all(outcome, 3, {"model.norm.weight", "NaN"});
  EXPECT_FALSE(fs::exists(at("run")));
}

TEST_F(GoneWrong, AnAdapterThatMatchesNoModuleNamesThoseThereAre) {
  expect_all(run(job("tuning=lora lora.targets=[c_attn]")), 3, {"lora.targets", "c_attn", "q_proj", "all-linear"});
}

TEST_F(GoneWrong, ResponsesThatAreAllCutOffAreRefusedWithTheLength) {
  expect_all(run(job("data.max_length=40 training.steps=1")), 0,
             {"warning", "every one of", "harmful", "data.max_length = 40"});
  expect_all(
      run("unlearn --quiet --model " + model_ + data() + " data.max_length=3 evaluation.prompts=0 --out " + at("none")),
      3, {"harmful", "data.max_length = 3"});
}

TEST_F(GoneWrong, AnEvaluationSetThatWasAllTrainedOnIsNamed) {
  const std::string harmful = at("demo/data/harmful.jsonl");
  expect_all(run("evaluate --quiet --threads 1 --model " + model_ + " --seen " + harmful + " --unseen " + harmful +
                 " --normal " + at("demo/data/normal.jsonl") +
                 " --judge refusal --prompts 3 --max-new-tokens 4 --out " + at("run")),
             0, {"warning: no unseen prompt is left"});
}

}  // namespace
}  // namespace lethe
