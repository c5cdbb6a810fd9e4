// lethe push, against a Hub on the loopback.
#include <atomic>

#include "cli/program_fixture.h"
#include "web/fake_hub.h"

namespace lethe {
namespace {

class PushCommand : public HubTest {
 protected:
  // A run of one step on the demo's model; nobody judged it.
  void SetUp() override {
    HubTest::SetUp();
    setenv("HF_TOKEN", "hf_secret", 1);
    hub.exists = false;
    static const SharedFolder shared("pushed");
    static const Outcome made = run_on(shared.at("run"));
    ASSERT_EQ(made.status, 0) << made.text;
    run_folder_ = shared.at("run");
  }
  static Outcome run_on(const std::string& out) {
    const std::string demo = (fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").string();
    const std::string few = shared_demo() + "/few/";
    return run("unlearn --threads 1 --model " + demo + " --harmful " + few + "harmful.jsonl --normal " + few +
               "normal.jsonl tuning=lora training.steps=1 evaluation.prompts=0 negation.alpha=0.5 --out " + out);
  }
  std::string push(const std::string& more = "") const { return "push " + run_folder_ + " org/model " + more; }

  std::string run_folder_;
};

TEST_F(PushCommand, PrintsTheAddressAndPullBringsTheSameBytes) {
  expect_all(run(push()), 3, {"nobody measured this model", "--anyway"});
  EXPECT_TRUE(hub.requests.empty());
  const Outcome outcome = run(push("--anyway"));
  expect_all(outcome, 0, {"org/model, private:", "adapter_model.safetensors", "publishes θ_bad too"});
  EXPECT_TRUE(outcome.text.ends_with(hub.origin() + "/org/model\n")) << outcome.text;
  EXPECT_EQ(shell(LETHE_PROGRAM " " + push("--anyway --quiet 2> /dev/null")).text, hub.origin() + "/org/model\n");
  ASSERT_EQ(run("pull org/model --quiet").status, 0);
  for (const auto& entry : fs::directory_iterator(fs::path(run_folder_) / "adapter")) {
    const std::string name = entry.path().filename().string();
    if (name == "README.md" || name == "adapter_config.json") continue;  // paths become names
    EXPECT_EQ(read_file(snapshot() / name), read_file(entry.path())) << name;
  }
}

TEST_F(PushCommand, SaysWhatIsMissing) {
  unsetenv("HF_TOKEN");
  expect_all(run(push("--anyway")), 3, {"cannot push to org/model", "hf auth login"});
  expect_all(run("push " + run_folder_), 2, {"name"});
  expect_all(run(push("--anyway --dry-run")), 0, {"total"});
  EXPECT_TRUE(hub.requests.empty());
}

TEST_F(PushCommand, StopsAtCtrlC) {
  std::atomic<bool> sending = false;
  hub.storage_instead = [&](const std::string&) {
    sending = true;
    return ServedReply{http_reply("200 OK", ""), /*wait=*/20};
  };
  const std::string log = (folder_ / "log").string();
  const pid_t child = start_program(push("--anyway"), log);
  for (int i = 0; i < 3000 && !sending; ++i) usleep(10'000);
  ::kill(child, SIGINT);
  EXPECT_EQ(ended(child), 130) << read_file(log);
  EXPECT_TRUE(hub.commits.empty());
}

}  // namespace
}  // namespace lethe
