#include "cli/completion.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string_view>

#include "cli/common.h"
#include "cli/completion_scripts.h"
#include "cli/help.h"
#include "cli/program.h"
#include "core/error.h"
#include "recipe/keys.h"

namespace lethe {
namespace {

class Collector {
 public:
  explicit Collector(std::string begun) : begun_(std::move(begun)) {}
  void add(const std::string& word, const std::string& about = "") {
    if (word.starts_with(begun_)) found.words.emplace_back(word, about.substr(0, about.find('\n')));
  }
  Candidates found;

 private:
  std::string begun_;
};

std::vector<std::string> words_of(const RecipeKey& key) {
  switch (key.kind) {
    case ValueKind::flag:
      return {"true", "false"};
    case ValueKind::auto_number:
    case ValueKind::layers:
      return {"auto"};
    default:
      break;
  }
  if (key.name == "device") return {"auto", "cpu", "cuda"};
  if (key.name == "data.template") return {"auto", "chat", "sku"};
  return key.words;
}

bool names_file(const RecipeKey& key) {
  return words_of(key).empty() &&
         (key.kind == ValueKind::text || key.kind == ValueKind::data_files || key.kind == ValueKind::names);
}

void add_values(Collector& collector, const RecipeKey& key, const std::string& before) {
  for (const std::string& word : words_of(key)) collector.add(before + word);
  collector.found.files |= names_file(key);
}

// The values of an option or of a word without a name.
void add_values(Collector& collector, const CLI::Option& option) {
  const std::string name = option.get_single_name(), key = key_of(option), value = value_name(option);
  if (!key.empty()) return add_values(collector, key_named(key), "");
  if (name == "device" || name == "dtype" || name == "template") {
    add_values(collector, key_named(name == "template" ? "data.template" : name), "");
  } else if (value.find('|') != std::string::npos) {
    for (std::size_t at = 0; at <= value.size();) {
      const std::size_t end = std::min(value.find('|', at), value.size());
      collector.add(value.substr(at, end - at));
      at = end + 1;
    }
  } else if (value == "METHOD") {
    for (const Method& method : methods()) collector.add(method.name, method.description);
  } else {
    collector.found.files |= value != "N" && value != "X";
  }
}

void add_options(Collector& collector, const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) collector.add("--" + name, option->get_description());
  }
}

// KEY=, or the values behind KEY=.
void add_keys(Collector& collector, const std::string& begun) {
  if (const std::size_t equals = begun.find('='); equals != std::string::npos) {
    if (const RecipeKey* key = find_key(begun.substr(0, equals)))
      add_values(collector, *key, begun.substr(0, equals + 1));
    return;
  }
  for (const RecipeKey& key : recipe_key_table()) collector.add(key.name + "=", key.about);
  collector.found.files = true;  // RECIPE.yaml
}

void add_command_names(Collector& collector, const CLI::App& app) {
  for (const CLI::App* command : app.get_subcommands(nullptr))
    collector.add(command->get_name(), command->get_description());
}

const CLI::App* command_named(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    if (command->get_name() == name) return command;
  }
  return nullptr;
}

// Where the words before the last one lead: a command, and the option whose value comes next.
struct Place {
  const CLI::App* app;
  const CLI::Option* waiting = nullptr;  // an option without its value
  const CLI::Option* list = nullptr;     // an option that takes further values
  std::size_t plain = 0;                 // words that belong to no option
};

Place place_of(const CLI::App& program, const std::vector<std::string>& words) {
  Place place{&program};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() > 1 && word[0] == '-') {
      const CLI::Option* option = place.app->get_option_no_throw(word.substr(0, word.find('=')));
      const bool takes_value = option != nullptr && option->get_items_expected_min() > 0;
      const bool takes_more = takes_value && option->get_items_expected_max() > 1;
      place.waiting = takes_value && word.find('=') == std::string::npos ? option : nullptr;
      place.list = takes_more ? option : nullptr;
    } else if (place.waiting != nullptr) {
      place.waiting = nullptr;
    } else if (const CLI::App* command = command_named(*place.app, word)) {
      place = {command};
    } else {
      ++place.plain;
    }
  }
  return place;
}

// The positional argument of this number; the last one, if it takes many.
const CLI::Option* positional(const CLI::App& app, std::size_t number) {
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    if (number == 0 || option->get_items_expected_max() > 1) return option;
    --number;
  }
  return nullptr;
}

void print_candidates(const CLI::App& program, const std::vector<std::string>& words) {
  const Candidates found = candidates(program, words);
  std::string lines;
  for (const auto& [word, about] : found.words) lines += word + "\t" + about + "\n";
  if (found.files) lines += ":files\t\n";
  write_result("-", lines);
}

void run_completion(const CLI::App& program, const std::string& shell, const std::vector<std::string>& words) {
  if (shell == "candidates") return print_candidates(program, words);
  if (!words.empty())
    throw bad_usage("cannot complete for several shells").wanted("one of them").found(excerpt(shell + " " + words[0]));
  for (const auto& [name, script] : kCompletionScripts) {
    if (name == shell) return write_result("-", std::string(script));
  }
  throw bad_usage("cannot complete for " + excerpt(shell)).wanted("bash, zsh or fish");
}

}  // namespace

Candidates candidates(const CLI::App& program, const std::vector<std::string>& words) {
  const std::string begun = words.empty() ? "" : words.back();
  const Place place = place_of(program, words);
  Collector collector(begun);
  if (place.waiting != nullptr) {
    add_values(collector, *place.waiting);
  } else if (const std::size_t equals = begun.find('='); begun.starts_with("--") && equals != std::string::npos) {
    return {};  // --option=value: shells differ in how they split it
  } else if (begun.starts_with('-')) {
    add_options(collector, *place.app);
  } else if (!place.app->get_subcommands(nullptr).empty()) {
    add_command_names(collector, *place.app);
  } else {
    if (place.list != nullptr) add_values(collector, *place.list);
    const CLI::Option* next = positional(*place.app, place.plain);
    if (next != nullptr && next->get_name() == "recipe") {
      add_keys(collector, begun);
    } else if (next != nullptr) {
      add_values(collector, *next);
    }
    if (begun.empty()) add_options(collector, *place.app);
  }
  return collector.found;
}

void add_completion(CLI::App& program, Action& action) {
  auto shell = std::make_shared<std::string>();
  auto words = std::make_shared<std::vector<std::string>>();
  auto* command = program.add_subcommand("completion", "Print a script that completes commands, options and keys");
  command->add_option("shell", *shell, "The shell that reads the script: bash, zsh or fish")
      ->required()
      ->type_name("{bash,zsh,fish}");
  command->add_option("words", *words, "")->group("");  // hidden: the script asks with them
  command->footer(
      "Example: lethe completion bash > ~/.local/share/bash-completion/completions/lethe\n"
      "         lethe completion zsh > \"${fpath[1]}/_lethe\"                (any folder of $fpath)\n"
      "         lethe completion fish > ~/.config/fish/completions/lethe.fish\n"
      "The script asks the program that is completed, so it stays valid when Lethe is updated.");
  command->callback([shell, words, &program, &action] {
    action = [shell, words, &program] { run_completion(program, *shell, *words); };
  });
}

}  // namespace lethe
