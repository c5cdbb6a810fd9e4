// Errors for a wrong command line: they suggest what was meant, list all that is missing, and use the typed names.
#include "cli/usage.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "cli/help.h"
#include "cli/program.h"
#include "core/count_characters.h"
#include "recipe/keys.h"

namespace lethe {
namespace {

class Usage : public testing::Test {
 protected:
  void SetUp() override { add_commands(program_, action_); }

  static std::vector<std::string> words_of(const std::string& line) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    return words;
  }
  std::string refused(const std::string& line) {
    try {
      check_words(program_, words_of(line));
      return "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return error.what();
    }
  }
  /// The parser's error.
  std::string parsed(const std::string& line) {
    std::vector<std::string> words = words_of(line);
    std::reverse(words.begin(), words.end());  // as CLI11 takes them
    try {
      program_.parse(words);
      return "no error";
    } catch (const CLI::ParseError& error) {
      return usage_error(program_, error).what();
    }
  }
  void expect_hint(const std::string& line, const std::string& hint) {
    const std::string message = refused(line);
    EXPECT_NE(message.find(hint), std::string::npos) << "wanted " << hint << " for " << line << " in\n" << message;
  }

  CLI::App program_;
  Action action_;
};

TEST_F(Usage, AMisspeltCommandNamesTheOneThatWasMeant) {
  expect_hint("unlaern --model x", "lethe unlearn");
  expect_hint("finetun", "lethe finetune");
  expect_hint("eval", "lethe evaluate");
  expect_hint("train --data x", "lethe finetune");
  expect_hint("Merge", "lethe merge");
  expect_hint("judge tri", "lethe judge try");
  expect_hint("extract --base x --tuned y", "lethe vector");
  expect_hint("vector extract --adapters x --base y --out z", "--adapter");
  expect_hint("no_such_command", "tokenize");  // all of them
  expect_hint("--quiet unlearn", "COMMAND --quiet");
}

// CLI11 takes "" for 0, and "nan" for a number of any range.
TEST_F(Usage, AnEmptyTextOrNoNumberIsRefusedWhereANumberIsWanted) {
  const auto message = [&](std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());
    try {
      program_.parse(words);
      check_numbers(program_);
      return std::string("no error");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      return std::string(error.what());
    }
  };
  EXPECT_NE(message({"sweep", "run", "--alpha", ""}).find("--alpha\n  wanted  a number\n  found   an empty text"),
            std::string::npos)
      << message({"sweep", "run", "--alpha", ""});
  EXPECT_NE(message({"serve", "model", "--longest-answer", "nan"}).find("nan"), std::string::npos);
  EXPECT_NE(message({"serve", "model", "--longest-answer", ""}).find("an empty text"), std::string::npos);
  EXPECT_NE(message({"attack", "run", "--betas", "0.5,nan"}).find("--betas"), std::string::npos);
  EXPECT_EQ(message({"sweep", "run", "--alpha", "0.25,1e-1", "--prompts", "3"}), "no error");
}

// CLI11's own checks print the largest double.
TEST_F(Usage, ANumberOutOfItsRangeIsToldInWords) {
  const auto message = [&](std::vector<std::string> words) {
    std::reverse(words.begin(), words.end());
    try {
      program_.parse(words);
      return std::string("no error");
    } catch (const CLI::ParseError& problem) {
      return std::string(usage_error(program_, problem).what());
    }
  };
  EXPECT_NE(message({"attack", "run", "--prompts-count", "0"}).find("wanted a number above 0, found 0"),
            std::string::npos);
  EXPECT_NE(message({"serve", "model", "--longest-prompt", "-3"}).find("wanted a number of at least 0, found -3"),
            std::string::npos);
}

TEST_F(Usage, RanksWithoutADryRunSayHowToComputeWithThem) {
  const std::string message = parsed("unlearn --model x --ranks 4");
  for (const char* word : {"--dry-run", "lethe launch -n N unlearn"})
    EXPECT_NE(message.find(word), std::string::npos) << message;
}

TEST_F(Usage, OtherProgramsWordsForACommandFindIt) {
  expect_hint("bench", "benchmark");
  expect_hint("answer", "generate");
  expect_hint("download", "pull");
  expect_hint("jailbreak", "attack");
  expect_hint("traing", "finetune");  // "train", misspelt
  expect_hint("version", "lethe --version");
  expect_hint("resume runs/a", "lethe unlearn --resume RUN");
}

TEST_F(Usage, AMisspeltOptionNamesTheOneThatWasMeant) {
  expect_hint("unlearn --modle x", "--model");
  expect_hint("score --modle x --inptu y", "--model");
  expect_hint("score --modle x --inptu y", "--input");
  expect_hint("unlearn --epochs 3", "training.steps=…");
  expect_hint("unlearn --epochs 3", "an epoch is");
  expect_hint("finetune --num-train-epochs=3", "training.steps=…");
  expect_hint("finetune --num_train_epochs 3", "training.steps=…");
  expect_hint("unlearn --lr 1e-4", "training.lr=…");
  expect_hint("unlearn --learning_rate 1e-4", "training.lr=…");
  expect_hint("unlearn --alpha 1", "negation.alpha=…");
  expect_hint("unlearn --batch-size 1", "training.batch=…");
  expect_hint("unlearn --training.steps 5", "training.steps=…");
  expect_hint("unlearn --output_dir x", "--out");
  expect_hint("unlearn --output x", "--out");
  expect_hint("unlearn --forget x", "--harmful");
  expect_hint("unlearn --retain x", "--normal");
  expect_hint("finetune --dataset x", "--data");
  expect_hint("finetune --rank 8", "lora.rank=…");
  expect_hint("generate --max_new_tokens 3", "--max-new-tokens");
  expect_hint("generate --max-tokens 3", "--max-new-tokens");
  expect_hint("generate --temp 1", "--temperature");
  expect_hint("merge --model x", "--base");
  expect_hint("merge --base x --output y", "--out");
  expect_hint("score --out y", "--output");
  expect_hint("evaluate -m x", "--model");
  expect_hint("tokenize --xyzzy", "lethe tokenize --help");
}

TEST_F(Usage, ACorrectCommandLineIsLeftToTheParser) {
  for (const char* line :
       {"", "--version", "unlearn --help --nonsense", "unlearn --model=x training.steps=5", "generate --temperature -1",
        "score --input - --output -", "tokenize -- --modle", "judge try --judge x", "sweep run --alpha -0.5",
        "score --system -x --input y", "unlearn --out --unlikely"})
    EXPECT_EQ(refused(line), "no error") << line;
  check_words(program_, {"generate", "--template", "-- {prompt}: {response}", "--system=--x"});
}

TEST_F(Usage, AllRequiredOptionsThatAreMissingAreNamedAtOnce) {
  const std::string message = parsed("score --input x");
  for (const char* part : {"something is missing", "--model", "--output", "lethe score --help"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(message.find("--input"), std::string::npos) << message;
}

TEST_F(Usage, NoCommandAtAllNamesThem) {
  const std::string message = parsed("");
  for (const char* part : {"no command was given", "unlearn", "inspect", "lethe --help"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST_F(Usage, EveryCommandTakesQuietAndRedactAndShowsAnExample) {
  const auto check = [](const CLI::App& command) {
    for (const char* flag : {"--quiet", "--json-log", "--redact", "--help"})
      EXPECT_NE(command.get_option_no_throw(flag), nullptr) << command.get_name() << " " << flag;
    EXPECT_NE(command.get_footer().find("Example: lethe "), std::string::npos) << command.get_name();
  };
  for (const CLI::App* command : std::as_const(program_).get_subcommands(nullptr)) {
    const auto parts = command->get_subcommands(nullptr);
    if (parts.empty()) check(*command);
    for (const CLI::App* part : parts) check(*part);
  }
}

TEST_F(Usage, HelpSaysWhatTheFlagOfAKeyMeans) {
  for (const char* name : {"unlearn", "finetune", "reproduce"}) {
    const CLI::App& command = *program_.get_subcommand(name);
    EXPECT_NE(command.get_footer().find("Data files: FILE"), std::string::npos) << name;
    int flags = 0;
    for (const CLI::Option* option : command.get_options()) {
      const std::string& text = option->get_description();
      const std::size_t bracket = text.find('[');
      if (bracket == std::string::npos) continue;
      const RecipeKey* key = find_key(key_of(*option));
      ASSERT_NE(key, nullptr) << name << " " << text;
      EXPECT_EQ(text, key->about + " [key: " + key->name + "]") << name;
      ++flags;
    }
    EXPECT_GE(flags, 8) << name;
  }
}

TEST_F(Usage, HelpBreaksLinesAndNamesWhatAnOptionTakes) {
  std::istringstream help(program_.get_subcommand("unlearn")->help());
  std::string all;
  for (std::string line; std::getline(help, line);) {
    all += line + "\n";
    const std::size_t most = line.starts_with("Data files:") ? 130 : 125;  // 120 columns; an α is two bytes
    EXPECT_LE(line.size(), most) << line;
  }
  for (const char* part : {"\n  --harmful FILE ... ", "\n  --model MODEL ", "\n  --out DIR ", "\n  --threads N ",
                           "[default: 8888]", "\n  --dtype auto|float32|", "\n                            "})
    EXPECT_NE(all.find(part), std::string::npos) << part << " in\n" << all;
  for (const char* part : {"Needs:", "TEXT ...", ":POSITIVE", "Sets "})
    EXPECT_EQ(all.find(part), std::string::npos) << part << " in\n" << all;
  const std::string attack = program_.get_subcommand("attack")->help();
  EXPECT_NE(attack.find("--rows N "), std::string::npos) << attack;
  EXPECT_NE(attack.find("[default: 64]"), std::string::npos) << attack;
  EXPECT_NE(program_.get_subcommand("tune")->help().find("[required]"), std::string::npos);
}

// Of a command and those below it.
void expect_lines_within(const CLI::App& app, std::size_t most, std::size_t& commands) {
  std::istringstream help(app.help());
  for (std::string line; std::getline(help, line);) EXPECT_LE(count_characters(line), most) << line;
  ++commands;
  for (const CLI::App* below : app.get_subcommands(nullptr)) expect_lines_within(*below, most, commands);
}

TEST_F(Usage, HelpOfEveryCommandFitsIn120Columns) {
  std::size_t commands = 0;
  expect_lines_within(program_, 120, commands);
  EXPECT_GT(commands, 35U);
}

TEST_F(Usage, HelpNamesAFileWhereOneIsTakenAndOnlyOptionsOfTheCommand) {
  const std::string evaluate = program_.get_subcommand("evaluate")->help();
  EXPECT_NE(evaluate.find("--normal-train FILE ..."), std::string::npos) << evaluate;
  EXPECT_EQ(evaluate.find("data.harmful"), std::string::npos) << evaluate;
  EXPECT_NE(program_.get_subcommand("attack")->help().find("--prompts FILE"), std::string::npos);
  EXPECT_NE(program_.get_subcommand("benchmark")->help().find("--retain FILE"), std::string::npos);
}

TEST_F(Usage, LaunchShowsThatACommandFollows) {
  EXPECT_NE(program_.get_subcommand("launch")->help().find("launch [OPTIONS] COMMAND [ARGUMENTS]\n"), std::string::npos)
      << program_.get_subcommand("launch")->help();
}

TEST_F(Usage, HelpListsTheExitStatuses) {
  const std::string help = program_.help();
  for (const char* status : {"0 done", "1 failed", "2 wrong usage", "3 bad input", "130 interrupted"})
    EXPECT_NE(help.find(status), std::string::npos) << help;
}

TEST_F(Usage, KeysGivenByAnOptionAreCalledByIt) {
  ASSERT_EQ(parsed("evaluate --model m --seen a --unseen b --normal c --judge refusal --out o --template chatml"),
            "no error");
  EXPECT_EQ(
      with_options_named(program_, "cannot use this recipe\n  key     data.system\n  wanted  data.template: chat"),
      "cannot use this command line\n  key     --system\n  wanted  --template chat");
  EXPECT_EQ(with_options_named(program_, "data.templates, my.data.template, data.template. And data.template=x"),
            "data.templates, my.data.template, --template. And --template x");
}

TEST_F(Usage, KeysOfARecipeStayKeys) {
  ASSERT_EQ(parsed("unlearn --harmful a.jsonl data.template=chat"), "no error");
  EXPECT_EQ(with_options_named(program_, "data.harmful, data.normal, data.template: chat"),
            "--harmful, data.normal, data.template: chat");
  EXPECT_EQ(with_options_named(program_, "no\n  data.harmful  a\n  found         b"),
            "no\n  --harmful     a\n  found         b");
}

TEST_F(Usage, AKeyThatIsAlsoAWordIsRenamedOnlyAsAKey) {
  ASSERT_EQ(parsed("unlearn --model m --threads many"), "no error");
  EXPECT_EQ(with_options_named(program_, "cannot use threads=many\n  key  threads"),
            "cannot use --threads many\n  key  threads");
  EXPECT_EQ(with_options_named(program_, "cannot use this model: out of threads"),
            "cannot use this model: out of threads");
}

}  // namespace
}  // namespace lethe
