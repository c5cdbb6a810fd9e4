// lethe sweep --over: a grid trained from a run's recipe, point by point, and continued.
#include <cmath>

#include "cli/program_fixture.h"

namespace lethe {
namespace {

class SweptRun : public Program {
 protected:
  // The file of a sweep's point whose name holds this.
  fs::path point_file(const std::string& part) const {
    for (const auto& file : fs::directory_iterator(at("grid/points"))) {
      const std::string name = file.path().filename().string();
      if (name.find(part) != std::string::npos && name.ends_with(".json")) return file.path();
    }
    ADD_FAILURE() << "no point " << part;
    return {};
  }
};

TEST_F(SweptRun, ASweepTrainsOverSettingsAndContinuesWhereItStopped) {
  ASSERT_EQ(run("unlearn --quiet --model " + model_ + data() +
                " training.steps=2 training.batch=2 sku.k=2 data.max_length=64 negation.alpha=0.5"
                " evaluation.prompts=3 evaluation.max_new_tokens=2 --out " +
                at("run"))
                .status,
            0);
  const std::string job = "sweep " + at("run") +
                          " --over sku.eps_pd=0,1 --over training.steps=1,2 --alpha 0.5 --on test --keep "
                          "\"normal_kl<=100\" --out " +
                          at("grid");
  expect_all(run(job), 0, {"point 4 of 4: sku.eps_pd=1 training.steps=2", "ETA", "<- best"});
  const Json sweep = read_json(at("grid/sweep.json")), results = read_json(at("run/results.json"));
  ASSERT_EQ(sweep["points"].size(), 4U);
  EXPECT_EQ(sweep["points"][1]["settings"], (Json{{"sku.eps_pd", "0"}, {"training.steps", "2"}}));
  // The point that is the run itself has the run's figures: same data, split, seed, judge.
  const auto original = results["unlearned"]["normal"]["kl_from_original_test"].get<double>();
  EXPECT_NEAR(sweep["points"][3]["normal_kl"].get<double>(), original, 1e-9 + 1e-6 * original);
  EXPECT_GT(std::abs(sweep["points"][1]["normal_kl"].get<double>() - original), 1e-9);
  EXPECT_TRUE(sweep["best_point"].is_number());

  const auto kept = fs::last_write_time(point_file("eps_pd=0+training.steps=2"));
  fs::remove(point_file("eps_pd=1+training.steps=1"));
  const Outcome again = run(job + " --apply " + at("best"));
  expect_all(again, 0, {"point 3 of 4", "training the best point once more"});
  EXPECT_EQ(again.text.find("point 4 of 4"), std::string::npos);
  EXPECT_EQ(fs::last_write_time(point_file("eps_pd=0+training.steps=2")), kept);
  EXPECT_EQ(read_json(at("grid/sweep.json")), sweep);  // the same figures
  EXPECT_FALSE(fs::exists(at("grid/page.html")));      // whose slider would move among several trainings
  EXPECT_TRUE(fs::exists(at("best/model.safetensors")));
  expect_all(run(job + " --prompts 2"), 3, {"plan.json"});
  expect_all(run("sweep " + at("run") + " --over sku.eps_pdd=1"), 2, {"sku.eps_pd"});
  expect_all(run("sweep " + at("run") + " --over seed=1,2"), 2, {"seed"});
}

TEST_F(SweptRun, WithoutValidationPromptsNothingIsTrained) {
  ASSERT_EQ(run("unlearn --quiet --model " + model_ + data() +
                " training.steps=1 training.batch=2 sku.k=1 data.max_length=64 negation.alpha=0.5"
                " data.split.train=0.8 data.split.validation=0 data.split.test=0.2 evaluation.prompts=0 --out " +
                at("run"))
                .status,
            0);
  const std::string job = "sweep " + at("run") + " --over sku.eps_pd=0,1 --out " + at("grid");
  expect_all(run(job), 3, {"for validation", "--on test", "data.split.validation"});
  expect_all(run(job + "2 --on test --budgets 0.1"), 3, {"cannot choose alpha by a budget", "--alpha"});
  for (const char* folder : {"grid/points", "grid2/points"}) {
    for (const auto& file : fs::directory_iterator(at(folder)))
      EXPECT_FALSE(file.path().string().ends_with(".metrics.jsonl")) << file.path();
  }
}

// The harmful half of a contrast's adapter is scaled, which is what a run with that ratio trains.
TEST_F(SweptRun, ARatioOfContrastNeedsNoTraining) {
  const auto job = [&](const std::string& settings, const std::string& out) {
    return "unlearn --quiet --model " + model_ + data() +
           " training.steps=3 training.batch=2 training.lr=5e-3 sku.k=1 data.max_length=64 negation.alpha=0.5"
           " evaluation.prompts=3 evaluation.max_new_tokens=2 " +
           settings + " --out " + at(out);
  };
  const auto kl_of = [&](const std::string& out) {
    return read_json(at(out + "/results.json"))["unlearned"]["normal"]["kl_from_original_test"].get<double>();
  };
  ASSERT_EQ(run(job("method=contrast tuning=lora safe.ratio=0.5", "run")).status, 0);
  ASSERT_EQ(run(job("method=contrast tuning=lora safe.ratio=0", "alone")).status, 0);
  const Outcome outcome = run("sweep " + at("run") + " --ratio 0,0.5 --alpha 0.5 --on test --out " + at("ratios") +
                              " --keep \"normal_kl<=100\" --apply " + at("best"));
  expect_all(outcome, 0, {"safe.ratio=0.5 alpha 0.5", "<- best"});
  EXPECT_EQ(outcome.text.find("learning"), std::string::npos) << outcome.text;  // nothing is trained
  const Json points = read_json(at("ratios/sweep.json"))["points"];
  const std::string page = read_file(at("ratios/page.html"));
  EXPECT_NE(page.find("\"static\":true"), std::string::npos);
  EXPECT_NE(page.find("safe.ratio 0.5"), std::string::npos) << page.substr(page.find("\"plots\""), 600);
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0]["settings"], (Json{{"safe.ratio", "0"}}));
  EXPECT_NEAR(points[0]["normal_kl"].get<double>(), kl_of("alone"), 1e-8 + 1e-4 * kl_of("alone"));
  EXPECT_NEAR(points[1]["normal_kl"].get<double>(), kl_of("run"), 1e-8 + 1e-4 * kl_of("run"));
  EXPECT_GT(std::abs(kl_of("run") - kl_of("alone")), 1e-3 * kl_of("run"));
  const bool without_harm = read_json(at("ratios/sweep.json"))["best_point"] == 0;
  EXPECT_EQ(read_json(at("best/adapter_config.json"))["r"], without_harm ? 32 : 64);
  // Without harm, the file holds the safe half alone, at its rank.
  ASSERT_EQ(
      run("sweep " + at("run") + " --ratio 0 --alpha 0.5 --on test --out " + at("ratios") + " --apply " + at("without"))
          .status,
      0);
  const Json config = read_json(at("without/adapter_config.json")),
             both = read_json(at("run/adapter/adapter_config.json"));
  EXPECT_EQ(config["r"].get<int>() * 2, both["r"].get<int>());
  EXPECT_EQ(config["lora_alpha"].get<double>() * 2, both["lora_alpha"].get<double>());
  EXPECT_LT(fs::file_size(at("without/adapter_model.safetensors")),
            fs::file_size(at("run/adapter/adapter_model.safetensors")) * 6 / 10);
  expect_all(run("sweep " + at("alone") + " --ratio 1"), 3, {"safe.ratio 0", "--over safe.ratio"});
  expect_all(run("sweep " + at("run") + " --ratio -1"), 2, {"safe.ratio"});
  expect_all(run("sweep " + at("run") + " --ratio 1 --over sku.k=1,2"), 2, {"--over"});
  ASSERT_EQ(run(job("method=contrast evaluation.prompts=0", "full")).status, 0);
  expect_all(run("sweep " + at("full") + " --ratio 1"), 3, {"full tuning", "--over safe.ratio"});
}

}  // namespace
}  // namespace lethe
