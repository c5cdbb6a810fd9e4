// lethe pull and --download, against a Hub on the loopback.
#include "cli/program_fixture.h"
#include "web/fake_hub.h"

namespace lethe {
namespace {

class PullCommand : public HubTest {
 protected:
  // The demo's model as org/model.
  void SetUp() override {
    HubTest::SetUp();
    const fs::path demo = fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo";
    hub.files.clear();
    for (const auto& entry : fs::directory_iterator(demo)) {
      const std::string name = entry.path().filename();
      hub.files[name] = {read_file(entry.path()), name.ends_with(".safetensors")};
    }
    write_file(folder_ / "rows.jsonl", "{\"text\": \"The tower of Oxbridge is red.\"}\n");
    score_ = "score --threads 1 --input " + (folder_ / "rows.jsonl").string() + " --output - --model ";
  }
  std::string score_;
};

TEST_F(PullCommand, PrintsTheFolderOfTheModel) {
  const Outcome outcome = run("pull org/model --quiet");
  EXPECT_EQ(outcome.status, 0);
  EXPECT_EQ(outcome.text, snapshot().string() + "\n");
  expect_all(run(score_ + "org/model"), 0, {"logprobs"});
  expect_all(run("inspect org/model"), 0, {"llama"});
}

TEST_F(PullCommand, HasAnErrorThatNamesTheModel) {
  expect_all(run("pull org/nothing"), 3, {"cannot download org/nothing", "no such model", "HF_TOKEN"});
  expect_all(run("pull"), 2, {"name"});
}

TEST_F(PullCommand, CommandsDownloadModelsIfTheUserAllowsIt) {
  expect_all(run(score_ + "org/model"), 3, {"lethe pull org/model", "--download"});
  EXPECT_TRUE(hub.requests.empty());
  expect_all(run(score_ + "org/model --download"), 0, {"logprobs"});
  EXPECT_TRUE(fs::exists(snapshot() / "model.safetensors"));
  fs::remove_all(folder_ / "home");
  expect_all(run("tokenize --model org/model --download hello"), 0, {});  // this command computes nothing
}

}  // namespace
}  // namespace lethe
