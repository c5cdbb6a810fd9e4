#include "cli/run_options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>

#include "cli/common.h"
#include "cli/help.h"
#include "core/error.h"
#include "core/join.h"
#include "core/numbers.h"
#include "data/splits.h"
#include "recipe/key_hints.h"
#include "recipe/keys.h"
#include "recipe/method_table.h"
#include "recipe/recipe_changes.h"
#include "runs/run_folder.h"

namespace lethe {
namespace {

bool takes_list(const std::string& key) {
  return key_named(key).kind == ValueKind::data_files;
}

// Adds a flag that sets a key. Its texts are the key's.
void add_key_flag(CLI::App& command, const std::string& name, const std::string& key,
                  std::vector<std::string>& values) {
  const RecipeKey& row = key_named(key);
  auto* option = command.add_option("--" + name, values, with_key(row.about, key));
  if (row.kind == ValueKind::count) option->type_name("N");
  if (!row.words.empty()) option->type_name(join(row.words, "|"));
  const std::string standard = value_text(row, {});
  if (takes_list(key)) {
    option->expected(1, -1);
  } else {
    option->expected(1)->allow_extra_args(false);
    if (standard != "\"\"") option->default_str(standard);
  }
}

std::vector<std::string>& command_line() {
  static std::vector<std::string> words;
  return words;
}

// ["a", "b"]. File names that are not UTF-8 keep their bytes.
std::string yaml_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) {
    list += list.empty() ? "[\"" : ", \"";
    for (const char c : text) {
      if (c == '"' || c == '\\') list += '\\';
      if (c == '\n') {
        list += "\\n";
      } else if (c == '\t') {
        list += "\\t";
      } else {
        list += c;
      }
    }
    list += '"';
  }
  return list + "]";
}

// Sorts settings into the order in which the user typed them.
void sort_as_typed(std::vector<std::string>& settings) {
  const auto& typed = command_line();
  std::stable_sort(settings.begin(), settings.end(), [&](const std::string& a, const std::string& b) {
    // If a word was typed twice, its last place counts.
    return std::find(typed.rbegin(), typed.rend(), b) < std::find(typed.rbegin(), typed.rend(), a);
  });
}

// Whether a word is key=value. In `--harmful a.jsonl key=value` CLI11 takes it for a data file.
bool is_setting(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0) return false;
  std::string key = word.substr(0, equals);
  std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::tolower(c); });
  return key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-.") == std::string::npos &&
         !std::filesystem::exists(word);
}

// Refuses "epochs=3", a setting of other programs, and suggests the same number of steps if the data can be read.
// @throws Error as load_recipe() for this key
[[noreturn]] void refuse_epochs(const std::string& word, const std::string& file,
                                const std::vector<std::string>& others) {
  std::size_t rows = 0;
  Recipe recipe;
  try {
    recipe = load_recipe(file, others);
    const bool finetunes = !recipe.data.train.empty();
    const bool harmful = method_named(recipe.method).harmful_rows;
    const LoadedPairs loaded = load_pairs(finetunes ? recipe.data.train
                                          : harmful ? recipe.data.harmful
                                                    : recipe.data.normal,
                                          finetunes ? Role::generic
                                          : harmful ? Role::harmful
                                                    : Role::normal);
    rows = finetunes ? loaded.pairs.size() : split_pairs(loaded.pairs, recipe.data.split, recipe.seed).train.size();
  } catch (const Error&) {  // load_recipe() below reports the recipe's errors
  }
  const auto epochs = parse_number(word.substr(word.find('=') + 1));
  if (rows > 0 && epochs && *epochs > 0 && *epochs < 1e6) {
    const auto a_step = static_cast<double>(recipe.training.batch * recipe.training.accumulate);
    const auto steps = [&](double passes) {
      return static_cast<std::uint64_t>(std::ceil(passes * static_cast<double>(rows) / a_step));
    };
    throw bad_usage("cannot use " + excerpt(word))
        .found("no such key")
        .hint("training.steps=" + std::to_string(steps(*epochs)))
        .with("note", "an epoch is " + with_commas(steps(1)) + " steps of this data (" + with_commas(rows) +
                          " pairs to train on, " + std::to_string(recipe.training.batch * recipe.training.accumulate) +
                          " a step)");
  }
  std::vector<std::string> all = others;
  all.push_back(word);
  load_recipe(file, all);
  throw bad_usage("cannot use " + excerpt(word)).found("no such key").hint("training.steps");
}

}  // namespace

void remember_command_line(int argc, char** argv) {
  command_line().assign(argv, argv + argc);
}

std::string data_file_line() {
  return std::string("Data files: ") + kDataFileHelp;
}

std::string about_key(const std::string& key) {
  return key_named(key).about;
}

void RecipeOptions::add_to(CLI::App& command, const std::vector<std::pair<std::string, std::string>>& flags) {
  command.add_option("recipe", words_, "A recipe file (.yaml), then settings as key=value; both are optional");
  for (const auto& [name, key] : flags) {
    flags_.push_back(std::make_unique<Flag>());
    flags_.back()->key = key;
    add_key_flag(command, name, key, flags_.back()->values);
  }
  for (const char* key : {"device", "dtype", "threads", "seed"}) {
    flags_.push_back(std::make_unique<Flag>());
    flags_.back()->key = key;
    add_key_flag(command, key, key, flags_.back()->values);
  }
  add_quiet_flag(command);
}

void RecipeOptions::add_to_experiment(CLI::App& command) {
  add_to(command, {{"model", "model"},
                   {"harmful", "data.harmful"},
                   {"normal", "data.normal"},
                   {"template", "data.template"},
                   {"out", "out"}});
  add_dry_run(command);
}

void RecipeOptions::add_dry_run(CLI::App& command) {
  command.add_flag("--dry-run", dry_run_.on, "Check everything, print the plan and stop; writes nothing");
  command.add_flag("--json", dry_run_.json, "With --dry-run: print the plan as one JSON object")->needs("--dry-run");
}

void RecipeOptions::add_ranks(CLI::App& command) {
  command.add_option("--ranks", dry_run_.ranks, "With --dry-run: plan for so many processes (docs/scale.md)")
      ->needs("--dry-run")
      ->check(CLI::Range(1, 4096));
}

void RecipeOptions::add_resume(CLI::App& command) {
  command.add_option("--resume", resume_, "Continue the unfinished run with this --out");
}

std::vector<std::string> RecipeOptions::settings() const {
  std::vector<std::string> settings;
  const auto take = [&](const std::string& word) {
    if (is_setting(word)) settings.push_back(word);
  };
  std::for_each(words_.begin(), words_.end(), take);
  for (const auto& flag : flags_) {
    if (takes_list(flag->key)) std::for_each(flag->values.begin(), flag->values.end(), take);
  }
  sort_as_typed(settings);
  return settings;
}

Recipe RecipeOptions::resolve(const std::vector<std::string>& given) const {
  std::string file;
  std::vector<std::string> overrides = given;
  if (resumes()) {
    file = unfinished_recipe(resume_).string();
    overrides.push_back("out=" + resume_);
  }
  std::vector<std::string> settings;
  for (const std::string& word : words_) {
    if (is_setting(word)) {
      settings.push_back(word);
    } else if (file.empty()) {
      file = word;
    } else {
      throw bad_usage("cannot use " + excerpt(word)).wanted("one recipe, then key=value");
    }
  }
  std::vector<std::string> set_by_flags;
  for (const auto& flag : flags_) {
    std::vector<std::string> values;
    for (const std::string& value : flag->values) {
      if (is_setting(value) && takes_list(flag->key)) {
        settings.push_back(value);
      } else {
        values.push_back(value);
      }
    }
    if (values.empty()) continue;
    set_by_flags.push_back(flag->key + "=" + (takes_list(flag->key) ? yaml_list(values) : values.back()));
  }
  sort_as_typed(settings);
  const auto epochs = std::find_if(settings.begin(), settings.end(), [](const std::string& setting) {
    return means_epochs(setting.substr(0, setting.find('=')));
  });
  const std::string epochs_setting = epochs == settings.end() ? "" : *epochs;
  if (!epochs_setting.empty()) settings.erase(epochs);
  overrides.insert(overrides.end(), settings.begin(), settings.end());
  overrides.insert(overrides.end(), set_by_flags.begin(), set_by_flags.end());
  if (!epochs_setting.empty()) refuse_epochs(epochs_setting, file, overrides);
  return load_recipe(file, overrides);
}

}  // namespace lethe
