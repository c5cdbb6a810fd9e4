// Completion: what is offered comes from the program's own tables, and real shells take it.
#include "cli/completion.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <set>

#include "cli/program.h"
#include "cli/program_fixture.h"
#include "cli/pseudo_terminal.h"
#include "recipe/keys.h"

namespace lethe {
namespace {

class Completion : public testing::Test {
 protected:
  void SetUp() override { add_commands(program_, action_); }
  std::set<std::string> offered(const std::vector<std::string>& words) {
    const Candidates found = candidates(program_, words);
    files_ = found.files;
    std::set<std::string> names;
    for (const auto& [word, about] : found.words) names.insert(word);
    return names;
  }
  using Words = std::set<std::string>;
  CLI::App program_;
  Action action_;
  bool files_ = false;
};

TEST_F(Completion, OffersEveryCommandWithItsSentence) {
  const Candidates all = candidates(program_, {""});
  EXPECT_EQ(all.words.size(), std::as_const(program_).get_subcommands(nullptr).size());
  for (const auto& [word, about] : all.words) EXPECT_FALSE(about.empty()) << word;
  EXPECT_EQ(offered({"unl"}), Words{"unlearn"});
  EXPECT_EQ(offered({"judge", "t"}), (Words{"train", "try"}));
  EXPECT_FALSE(files_);
}

TEST_F(Completion, TakesOneShellAtATime) {
  expect_all(run("completion bash zsh"), 2, {"cannot complete for several shells", "bash zsh"});
  expect_all(run("completion"), 2, {"shell"});
}

TEST_F(Completion, OffersEveryOptionOfTheCommand) {
  EXPECT_EQ(offered({"unlearn", "--har"}), Words{"--harmful"});
  EXPECT_TRUE(offered({"unlearn", "-"}).contains("--json-log"));
  EXPECT_EQ(offered({"vector", "extract", "--tun"}), Words{"--tuned"});
  EXPECT_EQ(offered({"unlearn", "--model", "x", "--harmful", "a", "--nor"}), Words{"--normal"});
  EXPECT_EQ(offered({"methods", "--alpha"}), Words{});
  EXPECT_EQ(offered({"--vers"}), Words{"--version"});
}

TEST_F(Completion, OffersEveryRecipeKeyWhereARecipeIsTaken) {
  for (const char* command : {"unlearn", "finetune", "tune", "reproduce"}) {
    const Words words = offered({command, ""});
    for (const std::string& key : recipe_keys()) EXPECT_TRUE(words.contains(key + "=")) << command << " " << key;
    EXPECT_TRUE(files_) << command;  // RECIPE.yaml
  }
  EXPECT_EQ(offered({"unlearn", "training.lr"}), Words{"training.lr="});
  EXPECT_EQ(offered({"unlearn", "--harmful", "a.jsonl", "training.ste"}), Words{"training.steps="});
  EXPECT_EQ(offered({"score", "training."}), Words{});
}

TEST_F(Completion, OffersTheValuesOfAKey) {
  EXPECT_EQ(offered({"unlearn", "tuning="}), (Words{"tuning=full", "tuning=lora"}));
  EXPECT_EQ(offered({"unlearn", "method=sk"}), Words{"method=sku"});
  EXPECT_EQ(offered({"unlearn", "keep_harmful="}), (Words{"keep_harmful=false", "keep_harmful=true"}));
  EXPECT_EQ(offered({"unlearn", "logging="}), (Words{"logging=none", "logging=tensorboard"}));
  EXPECT_FALSE(files_);
  EXPECT_EQ(offered({"unlearn", "data.harmful="}), Words{});
  EXPECT_TRUE(files_);
  EXPECT_EQ(offered({"unlearn", "training.steps="}), Words{});
  EXPECT_FALSE(files_);
  EXPECT_EQ(offered({"unlearn", "no_such_key="}), Words{});
}

TEST_F(Completion, OffersTheValuesOfAnOption) {
  EXPECT_EQ(offered({"unlearn", "--device", ""}), (Words{"auto", "cpu", "cuda"}));
  EXPECT_EQ(offered({"score", "--dtype", "b"}), Words{"bfloat16"});
  EXPECT_EQ(offered({"sweep", "runs/x", "--on", ""}), (Words{"test", "validation"}));
  EXPECT_EQ(offered({"methods", "sk"}), Words{"sku"});
  EXPECT_EQ(offered({"benchmark", "m"}), (Words{"mmlu", "muse"}));
  EXPECT_EQ(offered({"completion", "b"}), Words{"bash"});
  EXPECT_EQ(offered({"score", "--input", ""}), Words{});
  EXPECT_TRUE(files_);
  EXPECT_EQ(offered({"score", "--threads", ""}), Words{});
  EXPECT_FALSE(files_);
}

TEST_F(Completion, OddCommandLinesOfferNothing) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {}, {"no_such", "x"}, {"unlearn", "--model=x"}, {"--", "--"}, {"judge", "list", "x", "y", "z"}})
    EXPECT_NO_THROW(offered(words));
}

class CompletionCommand : public Program {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    write_file(folder_ / "recipe.yaml", "");
    write_file(folder_ / "pairs of mine.jsonl", "");
    fs::create_directories(folder_ / "runs");
  }
  static bool has(const std::string& shell_name) { return shell("command -v " + shell_name).status == 0; }
  // A shell at a terminal, with lethe on its path, in folder_.
  std::unique_ptr<Terminal> start(const std::vector<std::string>& words, const std::string& set_up) const {
    const std::string path = "PATH=" + fs::path(LETHE_PROGRAM).parent_path().string() + ":/usr/bin:/bin";
    auto terminal = std::make_unique<Terminal>(
        words, 200,
        std::vector<std::string>{path, "TERM=dumb", "HOME=" + folder_.string(), "PS1=> ", "INPUTRC=/dev/null"});
    terminal->type("cd " + folder_.string() + "; " + set_up + "; echo rea''dy\n");
    terminal->wait_for("ready");
    return terminal;
  }
  // Types a beginning and a tab, reads what the line has become, and clears it. @param mark  typed behind it
  static void expect_completed(Terminal& terminal, const std::string& begun, const std::string& whole,
                               const std::string& mark = "#") {
    terminal.type(begun + "\t" + mark);
    terminal.wait_for(whole + mark);
    terminal.type("\x15");
  }
};

TEST_F(CompletionCommand, BashCompletesCommandsOptionsKeysValuesAndFiles) {
  const auto bash = start({"/bin/bash", "--norc", "--noprofile", "-i"}, "source <(lethe completion bash)");
  expect_completed(*bash, "lethe unle", "lethe unlearn ");
  expect_completed(*bash, "lethe unlearn --harm", "lethe unlearn --harmful ");
  expect_completed(*bash, "lethe unlearn training.ste", "lethe unlearn training.steps=");
  expect_completed(*bash, "lethe unlearn tuning=lo", "lethe unlearn tuning=lora ");
  expect_completed(*bash, "lethe unlearn reci", "lethe unlearn recipe.yaml ");
  expect_completed(*bash, "lethe unlearn data.harmful=pai", "lethe unlearn data.harmful=pairs\\ of\\ mine.jsonl ");
  expect_completed(*bash, "lethe rerun ru", "lethe rerun runs/");
  expect_completed(*bash, "lethe judge li", "lethe judge list ");
  expect_completed(*bash, "lethe score --dtype bfl", "lethe score --dtype bfloat16 ");
}

TEST_F(CompletionCommand, ZshCompletesCommandsOptionsKeysAndFiles) {
  if (!has("zsh")) GTEST_SKIP() << "no zsh here (apt-get install zsh)";
  const auto zsh = start({"/usr/bin/zsh", "-f", "-i"},
                         "unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D; "
                         "source <(lethe completion zsh)");
  expect_completed(*zsh, "lethe unle", "lethe unlearn ", "");
  expect_completed(*zsh, "lethe unlearn --harm", "lethe unlearn --harmful ", "");
  expect_completed(*zsh, "lethe unlearn training.ste", "lethe unlearn training.steps=", "");
  expect_completed(*zsh, "lethe unlearn tuning=lo", "lethe unlearn tuning=lora ", "");
  expect_completed(*zsh, "lethe unlearn reci", "lethe unlearn recipe.yaml ", "");
}

TEST_F(CompletionCommand, FishCompletesCommandsOptionsKeysAndFiles) {
  if (!has("fish")) GTEST_SKIP() << "no fish here (apt-get install fish)";
  const auto completed = [&](const std::string& line) {
    write_file(folder_ / "check.fish", "lethe completion fish | source\ncomplete -C \"" + line + "\"\n");
    return shell("cd " + folder_.string() + " && HOME=" + folder_.string() +
                 " PATH=" + fs::path(LETHE_PROGRAM).parent_path().string() + ":$PATH fish --no-config check.fish")
        .text;
  };
  EXPECT_TRUE(completed("lethe unle").starts_with("unlearn\t"));
  EXPECT_TRUE(completed("lethe unlearn --harm").starts_with("--harmful\t"));
  EXPECT_TRUE(completed("lethe unlearn training.ste").starts_with("training.steps=\t"));
  EXPECT_TRUE(completed("lethe unlearn tuning=lo").starts_with("tuning=lora"));
  EXPECT_NE(completed("lethe unlearn reci").find("recipe.yaml"), std::string::npos);
  EXPECT_NE(completed("lethe unlearn data.harmful=pai").find("data.harmful=pairs of mine.jsonl"), std::string::npos);
}

TEST_F(CompletionCommand, OtherShellsAreRefused) {
  expect_all(run("completion tcsh"), 2, {"tcsh", "bash, zsh or fish"});
  expect_all(run("completion"), 2, {"something is missing", "shell"});
}

}  // namespace
}  // namespace lethe
