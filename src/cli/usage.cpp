#include "cli/usage.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <string_view>
#include <utility>

#include "cli/help.h"
#include "core/similar.h"
#include "recipe/key_hints.h"
#include "recipe/recipe.h"

namespace lethe {
namespace {

// "lethe judge try"
std::string name_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? app.get_name() : name_of(*app.get_parent()) + " " + app.get_name();
}

std::vector<std::string> names_of_commands(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

// Commands with a similar name, or what other programs call them.
std::vector<std::string> commands_like(const std::string& word, const std::vector<std::string>& known) {
  static const std::map<std::string, std::string> synonyms = {
      {"answer", "generate"},  {"api", "serve"},         {"apply", "merge"},       {"autocomplete", "completion"},
      {"bench", "benchmark"},  {"classify", "judge"},    {"combine", "vector"},    {"completions", "completion"},
      {"config", "recipe"},    {"convert", "merge"},     {"delete", "unlearn"},    {"diff", "compare"},
      {"docs", "man"},         {"download", "pull"},     {"encode", "tokenize"},   {"erase", "unlearn"},
      {"eval", "evaluate"},    {"extract", "vector"},    {"families", "models"},   {"fetch", "pull"},
      {"forget", "unlearn"},   {"ft", "finetune"},       {"fuse", "merge"},        {"grid", "sweep"},
      {"hub", "pull"},         {"infer", "generate"},    {"info", "inspect"},      {"init", "recipe"},
      {"jailbreak", "attack"}, {"lm-eval", "benchmark"}, {"lm_eval", "benchmark"}, {"loss", "score"},
      {"manual", "man"},       {"mmlu", "benchmark"},    {"muse", "benchmark"},    {"optimize", "tune"},
      {"partition", "split"},  {"perplexity", "score"},  {"predict", "generate"},  {"publish", "push"},
      {"red-team", "attack"},  {"redteam", "attack"},    {"relearn", "attack"},    {"remove", "unlearn"},
      {"repeat", "rerun"},     {"run", "unlearn"},       {"sample", "generate"},   {"scan", "inspect"},
      {"search", "tune"},      {"server", "serve"},      {"settings", "recipe"},   {"sft", "finetune"},
      {"show", "inspect"},     {"subtract", "negate"},   {"table", "reproduce"},   {"talk", "chat"},
      {"test", "evaluate"},    {"tofu", "benchmark"},    {"tokens", "tokenize"},   {"train", "finetune"},
      {"upload", "push"},      {"wmdp", "benchmark"}};
  const auto is_known = [&](const std::string& name) {
    return std::find(known.begin(), known.end(), name) != known.end();
  };
  if (const auto found = synonyms.find(word); found != synonyms.end() && is_known(found->second))
    return {found->second};
  std::vector<std::string> near = similar(word, known);
  if (!near.empty()) return near;
  std::vector<std::string> names;  // or a misspelt one of these
  for (const auto& [name, command] : synonyms) {
    if (is_known(command)) names.push_back(name);
  }
  for (const std::string& name : similar(word, names)) {
    if (std::find(near.begin(), near.end(), synonyms.at(name)) == near.end()) near.push_back(synonyms.at(name));
  }
  return near;
}

[[noreturn]] void refuse_command(const CLI::App& app, const std::string& word) {
  const std::vector<std::string> known = names_of_commands(app), near = commands_like(word, known);
  const std::string within = app.get_parent() == nullptr ? "" : app.get_name() + " ";
  Error error = bad_usage("there is no command " + within + excerpt(word));
  if (app.get_parent() == nullptr && (word == "resume" || word == "continue"))
    throw error.hint(name_of(app) + " unlearn --resume RUN");
  if (word == "version") throw error.hint(name_of(app) + " --version");
  if (word == "help") throw error.hint(name_of(app) + " --help, or " + name_of(app) + " COMMAND --help");
  if (near.empty()) throw error.wanted("one of " + either_of(known)).hint(name_of(app) + " --help");
  throw error.hint(name_of(app) + " " + either_of(near));
}

// Names of one option in several programs. If a command has one name of a line, the others suggest it.
const std::vector<std::vector<std::string>>& option_synonyms() {
  static const std::vector<std::vector<std::string>> all = {
      {"--out", "--output", "-o", "--output-dir", "--out-dir", "--output-path", "--save", "--save-to", "--save-dir"},
      {"--input", "--data", "--file", "--prompts-file", "--input-file", "-i", "-f", "--dataset"},
      {"--model", "--base", "-m", "--model-name-or-path", "--model-path", "--model-name", "--checkpoint",
       "--pretrained", "--base-model"},
      {"--base", "--original", "--reference", "--before"},
      {"--tuned", "--model", "--finetuned", "--after"},
      {"--adapter", "--adapters", "--lora", "--peft", "--adapter-path"},
      {"--max-new-tokens", "--max-tokens", "--max-length", "--length", "-n", "--max-gen-toks", "--num-tokens"},
      {"--template", "--chat-template", "--prompt-template", "--layout"},
      {"--system", "--system-prompt", "--system-message"},
      {"--quiet", "-q", "--silent", "--no-progress"},
      {"--threads", "-j", "-t", "--jobs", "--num-threads", "--workers", "--num-workers"},
      {"--batch", "--batch-size", "-b", "--eval-batch-size"},
      {"--device", "--gpu", "--cuda", "--device-map"},
      {"--dtype", "--precision", "--torch-dtype", "--bf16", "--fp16", "--float16", "--bfloat16"},
      {"--alpha", "--scale", "--strength", "--weight", "-a"},
      {"--judge", "--judges", "--judge-model", "--evaluator", "--classifier"},
      {"--seed", "--random-seed", "--seeds"},
      {"--prompts", "--limit", "--num-prompts", "--samples", "--num-samples"},
      {"--harmful", "--forget", "--forget-data", "--harm"},
      {"--harmless", "--normal", "--retain", "--retain-data", "--safe", "--benign"},
      {"--temperature", "--temp"},
      {"--help", "-h", "-?", "--usage"},
  };
  return all;
}

std::string plain_form(std::string name) {
  for (char& c : name) c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

bool has_option(const CLI::App& app, const std::string& name) {
  return app.get_option_no_throw(name) != nullptr;
}

// How the user sets a key of a command with a recipe: by a flag, or KEY=….
std::string how_to_set(const CLI::App& app, const std::string& key) {
  for (const CLI::Option* option : app.get_options()) {
    if (key_of(*option) == key) return "--" + option->get_lnames().at(0);
  }
  return key + "=…";
}

struct OptionHint {
  std::vector<std::string> names;
  std::string note;
};

OptionHint option_hint(const CLI::App& app, const std::string& name) {
  const std::string plain = plain_form(name);
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& known : option->get_lnames()) names.push_back("--" + known);
  }
  if (std::find(names.begin(), names.end(), plain) != names.end()) return {{plain}, ""};
  const bool takes_recipe = has_option(app, "recipe");
  if (takes_recipe && plain == "--config" && !has_option(app, "--config")) return {{}, "RECIPE.yaml needs no option"};
  if (plain.starts_with("--")) {
    if (const auto near = similar(plain.substr(2),
                                  [&] {
                                    std::vector<std::string> words;
                                    for (const std::string& known : names) words.push_back(known.substr(2));
                                    return words;
                                  }());
        !near.empty()) {
      OptionHint hint;
      // "--rank" is near to --ranks, but is the last part of lora.rank.
      for (const std::string& key : takes_recipe ? recipe_keys() : std::vector<std::string>()) {
        if (key.ends_with("." + plain.substr(2))) hint.names.push_back(how_to_set(app, key));
      }
      for (const std::string& word : near) hint.names.push_back("--" + word);
      return hint;
    }
  }
  for (const std::vector<std::string>& group : option_synonyms()) {
    if (std::find(group.begin(), group.end(), plain) == group.end()) continue;
    for (const std::string& meant : group) {
      if (has_option(app, meant)) return {{meant}, ""};
    }
  }
  if (!takes_recipe || !plain.starts_with("--")) return {};
  const KeyHint keys = key_hint(plain.substr(2), recipe_keys());
  OptionHint hint{{}, keys.note};
  for (const std::string& key : keys.keys) hint.names.push_back(how_to_set(app, key));
  return hint;
}

// Whether some command has this option, which the user typed before the command.
bool is_option_of_a_command(const CLI::App& program, const std::string& name) {
  for (const CLI::App* command : program.get_subcommands(nullptr)) {
    if (has_option(*command, name)) return true;
  }
  return false;
}

void refuse_options(const CLI::App& app, const std::vector<std::string>& unknown) {
  if (unknown.empty()) return;
  Error error = bad_usage("cannot use this command line");
  for (const std::string& name : unknown) {
    error.found(excerpt(name) + ", which is no option of " + name_of(app));
    if (is_option_of_a_command(app, name)) {
      error.hint(name_of(app) + " COMMAND " + excerpt(name));
      continue;
    }
    const OptionHint hint = option_hint(app, name);
    if (!hint.names.empty()) error.hint(either_of(hint.names));
    if (!hint.note.empty()) error.with("note", hint.note);
    if (hint.names.empty() && hint.note.empty()) error.hint(name_of(app) + " --help");
  }
  throw error;
}

// "--model" of "--model=x", "-t" of "-t4"; "" if the word is not an option, such as "-", "-1" and text.
std::string option_in(const std::string& word) {
  if (word.size() < 2 || word[0] != '-' || word == "--") return "";
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  if (word[1] == '-') return is_letter(word[2]) ? word.substr(0, word.find('=')) : "";
  return is_letter(word[1]) || word[1] == '?' ? word.substr(0, 2) : "";
}

const CLI::App* chosen_command(const CLI::App& program) {
  const CLI::App* app = &program;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

// Options of commands without a recipe, with the recipe keys that errors of lower layers name.
const std::vector<std::pair<std::string, std::string>>& keys_of_options() {
  static const std::vector<std::pair<std::string, std::string>> all = {
      {"data.template", "--template"},
      {"data.system", "--system"},
      {"data.max_length", "--max-length"},
      {"evaluation.judge", "--judge"},
      {"evaluation.threshold", "--threshold"},
      {"evaluation.prompts", "--prompts"},
      {"evaluation.max_new_tokens", "--max-new-tokens"},
      {"evaluation.other", "--unseen-other"},
      {"evaluation.xstest", "--xstest"},
      {"evaluation.safe_prompts", "--safe-prompts"},
      {"evaluation.choices", "--choices"},
      {"evaluation.text", "--text"},
      {"evaluation.window", "--window"},
      {"evaluation.stride", "--stride"},
      {"evaluation.overlap.jaccard", "--jaccard"},
      {"evaluation.overlap.containment", "--containment"},
      {"evaluation.bleurt", "--bleurt"},
      {"evaluation.embedder", "--embedder"}};
  return all;
}

// "data.template: chat" and "data.template=chat" -> "--template chat"; "data.templates" stays.
std::string renamed(const std::string& text, const std::string& key, const std::string& option) {
  const auto of_a_key = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; };
  std::string result;
  std::size_t from = 0;
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
    std::size_t after = at + key.size();
    const bool ends_a_sentence = after + 1 == text.size() || (after + 1 < text.size() && !of_a_key(text[after + 1]));
    const bool whole = (at == 0 || !of_a_key(text[at - 1])) &&
                       (after == text.size() || !of_a_key(text[after]) || (text[after] == '.' && ends_a_sentence));
    if (!whole || at < from) continue;
    result += text.substr(from, at - from) + option;
    if (text.substr(after, 2) == ": ") {
      result += " ";
      after += 2;
    } else if (text.substr(after, 1) == "=") {
      result += " ";
      after += 1;
    } else if (text.substr(after, 2) == "  " && key.size() > option.size()) {
      result += std::string(key.size() - option.size(), ' ');  // a label: keep the column after it
    }
    from = after;
  }
  return result + text.substr(from);
}

}  // namespace

std::string with_options_named(const CLI::App& program, std::string message) {
  const CLI::App& app = *chosen_command(program);
  if (has_option(app, "recipe")) {
    for (const CLI::Option* option : app.get_options()) {
      const std::string key = key_of(*option);
      if (key.empty() || option->count() == 0) continue;
      const std::string name = "--" + option->get_lnames().at(0);
      if (key.find('.') != std::string::npos) {
        message = renamed(message, key, name);
      } else if (message.starts_with("cannot use " + key + "=")) {  // elsewhere "model" may be a plain word
        message = "cannot use " + name + " " + message.substr(12 + key.size());
      }
    }
    return message;
  }
  for (const auto& [key, option] : keys_of_options()) {
    if (has_option(app, option)) message = renamed(message, key, option);
  }
  constexpr std::string_view kRecipe = "cannot use this recipe";
  if (message.starts_with(kRecipe)) message.replace(0, kRecipe.size(), "cannot use this command line");
  return message;
}

void check_words(const CLI::App& program, const std::vector<std::string>& words) {
  const CLI::App* app = &program;
  std::vector<std::string> unknown;
  const auto end = std::find(words.begin(), words.end(), "--");
  if (std::find(words.begin(), end, "--help") != end || std::find(words.begin(), end, "-h") != end) return;
  for (auto word = words.begin(); word != end; ++word) {
    const std::string option = option_in(*word);
    if (!option.empty()) {
      const CLI::Option* known = app->get_option_no_throw(option);
      if (known == nullptr) {
        unknown.push_back(option);
      } else if (known->get_items_expected_min() > 0 && option.size() == word->size() && std::next(word) != end) {
        ++word;  // its value, which may begin with '-'
      }
    } else if (const std::vector<std::string> commands = names_of_commands(*app); !commands.empty()) {
      refuse_options(*app, unknown);
      if (std::find(commands.begin(), commands.end(), *word) == commands.end()) refuse_command(*app, *word);
      app = app->get_subcommand(*word);
    } else if (app->get_prefix_command()) {
      break;  // the rest is another command's
    }
  }
  refuse_options(*app, unknown);
}

void check_numbers(const CLI::App& program) {
  for (const CLI::Option* option : chosen_command(program)->get_options()) {
    const std::string type = option->get_type_name();
    if (!type.starts_with("FLOAT") && !type.starts_with("INT") && !type.starts_with("UINT")) continue;
    for (const std::string& given : option->results()) {
      if (!given.empty() && std::isfinite(std::strtod(given.c_str(), nullptr))) continue;  // CLI11 checked the rest
      throw bad_usage("cannot use " + option->get_name())
          .wanted("a number")
          .found(given.empty() ? "an empty text" : excerpt(given));
    }
  }
}

Error usage_error(const CLI::App& program, const CLI::ParseError& problem) {
  const CLI::App& app = *chosen_command(program);
  const std::string help = name_of(app) + " --help";
  if (dynamic_cast<const CLI::RequiredError*>(&problem) != nullptr) {
    Error error = bad_usage("something is missing");
    bool named = false;
    for (const CLI::Option* option : app.get_options()) {
      if (!option->get_required() || option->count() > 0) continue;
      error.with("option", option->get_name() + ": " + option->get_description());
      named = true;
    }
    if (!named && !names_of_commands(app).empty())
      return bad_usage("no command was given").wanted("one of " + either_of(names_of_commands(app))).hint(help);
    if (named) return error.hint(help);
  }
  Error error = bad_usage("cannot use this command line").found(excerpt(problem.what(), 400));
  if (std::string_view(problem.what()).starts_with("--ranks requires"))
    return error.hint("--ranks N --dry-run for a plan; lethe launch -n N " + app.get_name() +
                      " … to compute with N processes");
  return error.hint(help);
}

}  // namespace lethe
