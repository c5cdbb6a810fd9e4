// lethe tune: a search that is interrupted, killed and continued; what it writes and refuses. And reproduce --space.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>

#include "cli/program_fixture.h"

namespace lethe {
namespace {

class TunedSettings : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    write_file(at("space.yaml"), "sku: {eps_pd: {min: 0.1, max: 2}, k: [1, 2]}\ntraining.lr: [1e-4, 1e-3]\n");
  }
  // @param options  as the command needs them: trials, rounds, space
  std::string job(const std::string& out, const std::string& more = "",
                  const std::string& options = "--trials 4 --rounds 2 --space SPACE") const {
    std::string given = options;
    if (const auto place = given.find("SPACE"); place != std::string::npos) given.replace(place, 5, at("space.yaml"));
    return "tune --threads 1 --model " + model_ + data() + " " + given +
           " training.steps=4 training.batch=2 sku.k=1 data.max_length=64 evaluation.prompts=3"
           " evaluation.max_new_tokens=2 --out " +
           at(out) + " " + more;
  }
  std::size_t cells(const std::string& out) const {
    std::size_t count = 0;
    if (!fs::exists(at(out + "/trials"))) return 0;
    for (const auto& file : fs::directory_iterator(at(out + "/trials"))) count += file.path().extension() == ".json";
    return count;
  }
  /// Starts lethe, and sends the signal when it has stored so many trainings. @return its status as a shell shows it
  int stopped_after(const std::string& arguments, const std::string& out, std::size_t trainings, int signal) const {
    const pid_t child = start_program(arguments, at("last.log"));
    siginfo_t gone{};  // does not collect the process, so that ended() can
    const auto runs = [&] {
      return ::waitid(P_PID, static_cast<id_t>(child), &gone, WEXITED | WNOHANG | WNOWAIT) == 0 && gone.si_pid == 0;
    };
    while (cells(out) < trainings && runs()) ::usleep(2000);
    ::kill(child, signal);
    return ended(child);
  }
  // Without what a repetition cannot give again.
  static Json without_times(Json json) {
    if (json.is_object()) json.erase("seconds");
    if (json.is_structured()) {
      for (auto& part : json) part = without_times(part);
    }
    return json;
  }
};

TEST_F(TunedSettings, AreTheSameAfterCtrlCAndAKill) {
  ASSERT_EQ(run(job("whole", "--quiet")).status, 0);
  EXPECT_EQ(stopped_after(job("again"), "again", 1, SIGINT), 130);
  EXPECT_FALSE(fs::exists(at("again/tune.json")));
  EXPECT_EQ(stopped_after(job("again"), "again", 3, SIGKILL), 137);
  const std::size_t kept = cells("again");
  EXPECT_GE(kept, 3U);
  const Outcome rest = run(job("again"));
  expect_all(rest, 0, {"plan of lethe tune", "<- best", "On test prompts", "best.yaml", "ETA"});
  EXPECT_EQ(rest.text.find("trial 1 of 4: steps=2\n"), std::string::npos) << "trained again\n" << rest.text;
  const Json whole = read_json(at("whole/tune.json"));
  EXPECT_EQ(without_times(read_json(at("again/tune.json"))), without_times(whole));
  EXPECT_EQ(read_file(at("again/best.yaml")), read_file(at("whole/best.yaml")));

  ASSERT_EQ(whole["trials"].size(), 4U);
  EXPECT_EQ(whole["rounds"],
            (Json::array({{{"trials", 4}, {"share_of_steps", 0.5}}, {{"trials", 2}, {"share_of_steps", 1}}})));
  EXPECT_TRUE(whole["trials"][0]["settings"].empty());
  EXPECT_EQ(whole["trials"][0]["rounds"][0]["steps"], 2);
  EXPECT_TRUE(whole["best"].is_number());
  EXPECT_TRUE(whole["test"]["recipe"]["figures"].contains("normal_kl"));
  expect_all(run("unlearn " + at("whole/best.yaml") + " --dry-run --out " + at("run")), 0, {"plan of lethe unlearn"});

  // Results only: no weights, and little space.
  std::uintmax_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(at("whole"))) {
    EXPECT_NE(file.path().extension(), ".safetensors") << file.path();
    if (file.is_regular_file()) bytes += file.file_size();
  }
  EXPECT_LT(bytes, 1U << 20);

  // One more trial, and a limit: what was trained is used again.
  const Outcome more = run(
      job("whole", "--keep \"normal_kl<=100\" --keep \"degenerate_unseen<=1\"", "--trials 5 --rounds 2 --space SPACE"));
  expect_all(more, 0, {"trial 5 of 5", "normal_kl<=100,degenerate_unseen<=1"});
  EXPECT_EQ(more.text.find("round 1 of 2, trial 2 of 5"), std::string::npos) << more.text;
  expect_all(run(job("whole", "--keep \"normal_kl<=0\"")), 1, {"no trial of the last round keeps"});
  EXPECT_FALSE(fs::exists(at("whole/best.yaml")));
  expect_all(run(job("whole", "training.batch=1")), 3, {"plan.json"});
}

TEST_F(TunedSettings, AreRefusedBeforeAnyWork) {
  const auto refused = [&](const std::string& more, int status, const std::vector<std::string>& words) {
    expect_all(run(job("out", more)), status, words);
    EXPECT_FALSE(fs::exists(at("out"))) << more;
  };
  refused("evaluation.prompts=0", 2, {"a judge"});
  refused("evaluation.judge=none", 2, {"a judge"});
  refused("--objective harmful_unsen", 2, {"harmful_unseen"});
  refused("--keep \"normal_kll<=1\"", 2, {"normal_kl"});
  refused("\"data.split={train: 0.8, validation: 0, test: 0.2}\"", 3, {"data.split.validation"});
  refused("\"data.split={train: 0.8, validation: 0.2, test: 0}\"", 3, {"data.split.test"});
  refused("evaluation.judge=refusal", 1, {"harm was not judged", "refusal"});  // which fails its probe
  write_file(at("space.yaml"), "sku.eps_pdd: [1, 2]\n");
  refused("", 2, {"no such key", "sku.eps_pd", "space.yaml, line 1"});
  write_file(at("space.yaml"), "lora.rank: [1, 2]\n");
  refused("", 2, {"without effect", "tuning: lora"});
  write_file(at("space.yaml"), "training.lr: [1e-4, fast]\n");
  refused("", 2, {"fast", "space.yaml, line 1"});
  write_file(at("space.yaml"), "sku.k: [1, 2]\n");
  expect_all(run(job("out", "", "--trials 1 --space SPACE")), 2, {"2 to 1,000"});
  expect_all(run(job("out", "", "--rounds 0 --space SPACE")), 2, {"at least 1"});
  expect_all(run(job("out", "", "--space " + at("none.yaml"))), 3, {"none.yaml"});
  EXPECT_FALSE(fs::exists(at("out")));
  fs::create_directories(at("out/something"));
  expect_all(run(job("out")), 3, {"already holds something"});
}

TEST_F(TunedSettings, OfEveryMethodAreChosenAmongEquallyManyTrials) {
  const std::string table = "reproduce --quiet --threads 1 --model " + model_ + data() + " --space " +
                            at("space.yaml") +
                            " --trials 3 training.steps=2 training.batch=2 data.max_length=64 evaluation.prompts=3"
                            " evaluation.max_new_tokens=2 --methods sku_no_pd,npo --seeds 1 --alphas 0.5 --out " +
                            at("table");
  expect_all(run(table), 0, {"memory at most"});
  EXPECT_NE(read_file(at("table/table.md")).find("Equal tuning: every method has the same 3 trials"),
            std::string::npos);
  std::map<std::string, int> trials;
  for (const auto& file : fs::directory_iterator(at("table/cells"))) {
    if (file.path().extension() != ".json") continue;
    const Json cell = read_json(file.path());
    const auto settings = cell["settings"].get<std::vector<std::string>>();
    const auto has = [&](const std::string& key) {
      return std::any_of(settings.begin(), settings.end(), [&](const auto& s) { return s.starts_with(key + "="); });
    };
    if (file.path().filename().string().starts_with("tune-")) ++trials[cell["method"]];
    EXPECT_GT(cell["peak_bytes"].get<double>(), 0);
    if (cell["method"] == "npo") {
      EXPECT_FALSE(has("sku.eps_pd") || has("sku.k")) << file.path();  // which it does not read
    } else {
      EXPECT_EQ(std::count(settings.begin(), settings.end(), "sku.eps_pd=0"), 1) << file.path();  // makes the row
    }
  }
  EXPECT_EQ(trials, (std::map<std::string, int>{{"npo", 3}, {"sku_no_pd", 3}}));
  write_file(at("idle.yaml"), "training.lr: [1e-4]\nga.eps_kl: [1, 2]\n");
  expect_all(run("reproduce --model " + model_ + data() + " --space " + at("idle.yaml") +
                 " --trials 3 --methods sku_no_pd,npo --out " + at("idle")),
             2, {"cannot search over ga.eps_kl", "sku or npo", "without effect"});
  EXPECT_FALSE(fs::exists(at("idle")));
  const auto kept = fs::last_write_time(at("table/cells/npo-1.json"));
  EXPECT_EQ(run(table).status, 0);
  EXPECT_EQ(fs::last_write_time(at("table/cells/npo-1.json")), kept);
}

}  // namespace
}  // namespace lethe
