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
  EXPECT_TRUE(fs::exists(at("best/model.safetensors")));
  expect_all(run(job + " --prompts 2"), 3, {"plan.json"});
  expect_all(run("sweep " + at("run") + " --over sku.eps_pdd=1"), 2, {"sku.eps_pd"});
  expect_all(run("sweep " + at("run") + " --over seed=1,2"), 2, {"seed"});
}

}  // namespace
}  // namespace lethe
