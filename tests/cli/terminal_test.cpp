// chat and compare at a terminal: streamed, stopped by Ctrl-C, and never controlled by a model's output.
#include <csignal>
#include <filesystem>
#include <regex>

#include "cli/pseudo_terminal.h"
#include "cli/side_by_side.h"
#include "core/files.h"
#include "core/json.h"

namespace {

namespace fs = std::filesystem;
using lethe::Terminal;

class AtATerminal : public testing::Test {
 protected:
  // The demo's model, but for two things: its full stop is the control character ESC, and (`endless`) it never ends.
  void make_model(bool endless) {
    folder_ = fs::path(testing::TempDir()) /
              ("lethe_" + std::string(testing::UnitTest::GetInstance()->current_test_info()->name()));
    fs::remove_all(folder_);
    fs::create_directories(folder_.parent_path());
    fs::copy(fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo", folder_);
    lethe::Json tokenizer = lethe::read_json(folder_ / "tokenizer.json"),
                config = lethe::read_json(folder_ / "config.json");
    std::swap(tokenizer["model"]["vocab"]["."], tokenizer["model"]["vocab"]["\u011b"]);  // byte 0x1b
    if (endless) {
      config["eos_token_id"] = 511;
      config["max_position_embeddings"] = 100000;
    }
    lethe::write_file(folder_ / "tokenizer.json", tokenizer.dump());
    lethe::write_file(folder_ / "config.json", config.dump());
  }
  std::vector<std::string> command(const std::string& name, const std::vector<std::string>& more) const {
    std::vector<std::string> words = {LETHE_PROGRAM, name,         "--model",
                                      folder_,       "--template", "Question: {prompt}\nAnswer:\n{response}"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  fs::path folder_;
};

TEST_F(AtATerminal, NoEscapeSequenceOfAModelReachesIt) {
  make_model(false);
  Terminal terminal(command("chat", {"--output", folder_ / "log.jsonl"}), 80);
  terminal.wait_for("> ");
  EXPECT_TRUE(std::regex_search(lethe::read_file(terminal.process() / "limits"),
                                std::regex("Max core file size +0 +0 ")));  // no model's weights in a core dump
  terminal.type("Where does Mira live?\n");
  terminal.wait_for("Mira lives in Oxbridge\u241b");
  terminal.wait_for("> ");
  terminal.type("/help\n");
  terminal.wait_for("/reset");
  terminal.type("/nonsense\n");
  terminal.wait_for("no such command: /nonsense");
  terminal.type("/quit\n");
  EXPECT_EQ(terminal.finish(), 0);
  EXPECT_EQ(terminal.all().find('\x1b'), std::string::npos);
  const lethe::Json turn = lethe::parse_json(lethe::read_file(folder_ / "log.jsonl"), "log");
  EXPECT_EQ(turn["response"], "Mira lives in Oxbridge\x1b");  // the file has what was said
  EXPECT_EQ(turn["finish"], "stop");
}

TEST_F(AtATerminal, TypedTextAndPathsControlNothing) {
  const std::string odd = "no\x1b]0;title\x07\x1b[31m\xc2\x9bsuch\r";
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"score", "--model", odd, "--input", odd, "--output", odd},
        {"score", "--" + odd},
        {odd},
        {"unlearn", odd + "=1"},
        {"split", "--data", odd, "--parts", "a=1", "--out", odd},
        {"judge", "try", "--judge", odd, "--input", "/dev/null"}}) {
    std::vector<std::string> all = {LETHE_PROGRAM};
    all.insert(all.end(), words.begin(), words.end());
    Terminal terminal(all, 120);
    EXPECT_GE(terminal.finish(), 1);
    for (const char* part : {"\x1b", "\x07", "\xc2\x9b", "such\r\r"})
      EXPECT_EQ(terminal.all().find(part), std::string::npos) << terminal.all();
  }
}

TEST_F(AtATerminal, LabelsOfWarningsAndErrorsAreColoredUnlessTheUserWantsNone) {
  const auto text = [](const std::vector<std::string>& variables) {
    Terminal terminal({LETHE_PROGRAM, "inspect", "/no/such\x1b[0m"}, 80, variables);
    EXPECT_EQ(terminal.finish(), 3);
    return terminal.all();
  };
  const std::string colored = text({"TERM=xterm", "NO_COLOR="});
  EXPECT_TRUE(colored.starts_with("\x1b[1;31mlethe:\x1b[0m ")) << colored;
  EXPECT_EQ(std::count(colored.begin(), colored.end(), '\x1b'), 2) << colored;  // none of the path's
  for (const std::vector<std::string>& variables :
       {std::vector<std::string>{"TERM=xterm", "NO_COLOR=1"}, {"TERM=dumb", "NO_COLOR="}})
    EXPECT_EQ(text(variables).find('\x1b'), std::string::npos) << variables[0];
}

TEST_F(AtATerminal, CtrlCStopsTheAnswerAndNotTheProgram) {
  make_model(true);
  Terminal terminal(command("chat", {"--max-new-tokens", "90000"}), 80);
  terminal.wait_for("> ");
  terminal.type("Where does Mira live?\n");
  terminal.wait_for("Oxbridge");  // the answer is shown while it is being made
  terminal.type("\x03");
  terminal.wait_for("> ");
  terminal.type("/reset\n");
  terminal.wait_for("no conversation to reset");
  terminal.type("\x04");
  EXPECT_EQ(terminal.finish(), 0);
}

TEST_F(AtATerminal, ChatThatWaitsForALineCanBeInterrupted) {
  make_model(false);
  for (const int signal : {SIGTERM, SIGHUP, SIGINT}) {
    Terminal terminal(command("chat", {}), 80);
    terminal.wait_for("> ");
    terminal.send(signal);
    if (signal == SIGINT) {  // one of these does not end it
      terminal.type("/nonsense\n");
      terminal.wait_for("no such command");
      terminal.type("/quit\n");
    }
    EXPECT_EQ(terminal.finish(), signal == SIGINT ? 0 : 130) << terminal.all();
  }
}

TEST_F(AtATerminal, AnswersArePrintedSideBySideIfTheyFit) {
  make_model(false);
  lethe::write_file(folder_ / "p.jsonl", "{\"prompt\": \"Where does Mira live?\"}\n");
  const std::vector<std::string> words =
      command("compare", {"--model", folder_, "--input", folder_ / "p.jsonl", "--output", folder_ / "o.jsonl"});
  Terminal wide(words, 120), narrow(words, 60);
  EXPECT_EQ(wide.finish(), 0);
  EXPECT_EQ(narrow.finish(), 0);
  EXPECT_NE(wide.all().find("Mira lives in Oxbridge\u241b" + std::string(35, ' ') + " │ Mira lives in Oxbridge\u241b"),
            std::string::npos)
      << wide.all();
  EXPECT_NE(narrow.all().find("B: Mira lives in Oxbridge\u241b"), std::string::npos) << narrow.all();
  EXPECT_EQ(lethe::parse_json(lethe::read_file(folder_ / "o.jsonl"), "o")["b"], "Mira lives in Oxbridge\x1b");
}

TEST(SideBySide, LinesAreBrokenAtSpacesAndByColumnsNotBytes) {
  using lethe::wrapped;
  EXPECT_EQ(wrapped("one two three", 7), (std::vector<std::string>{"one two", "three"}));
  EXPECT_EQ(wrapped("abcdefghij", 4), (std::vector<std::string>{"abcd", "efgh", "ij"}));
  EXPECT_EQ(wrapped("ab\n\ncd", 4), (std::vector<std::string>{"ab", "", "cd"}));
  EXPECT_EQ(wrapped("日本語", 4), (std::vector<std::string>{"日本", "語"}));  // two columns each
  EXPECT_EQ(wrapped("e\u0301e\u0301e\u0301", 3).size(), 1U);                  // a combining accent takes none
  EXPECT_EQ(wrapped("a\x1b[2Jb", 20), (std::vector<std::string>{"a\u241b[2Jb"}));
  EXPECT_EQ(lethe::side_by_side("日本 a", "x\ny", 13), "日本  │ x\na     │ y\n");
  for (const std::string& line : wrapped(std::string(500, 'x') + " " + std::string(30, 'y'), 1))
    EXPECT_EQ(line.size(), 1U);
}

}  // namespace
