// lethe split: splits data files into parts that share no prompt (or no similar prompt).
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/files.h"
#include "core/numbers.h"
#include "core/staged_folder.h"
#include "core/terminal.h"
#include "data/pairs.h"
#include "data/splits.h"

namespace lethe {
namespace {

struct SplitCommand {
  std::vector<std::string> data, parts;
  std::string out, role = "generic", by = word_of(SplitBy::prompt);
  double cosine = 0.7;
  SharedOptions shared;
};

void split(const SplitCommand& options) {
  std::vector<std::string> names;
  std::vector<double> shares;
  for (const std::string& part : options.parts) {
    const std::size_t equals = part.find('=');
    const std::string name = part.substr(0, equals);
    const std::optional<double> share =
        equals == std::string::npos ? std::nullopt : parse_number(part.substr(equals + 1));
    if (name.empty() || name.find('/') != std::string::npos || !share) {
      throw bad_usage("cannot use --parts " + excerpt(part)).wanted("name=share");
    }
    names.push_back(name);
    shares.push_back(*share);
  }
  const Role role = options.role == "harmful" ? Role::harmful : options.role == "normal" ? Role::normal : Role::generic;
  const std::vector<Pair> pairs = load_told(options.data, role);
  const Parts parts = assign_parts(pairs, shares, split_by_named(options.by), options.cosine, options.shared.seed);
  StagedFolder out(options.out);
  for (std::size_t part = 0; part < names.size(); ++part) {
    std::string text;
    std::size_t count = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (parts.of_pair[i] != part) continue;
      text += json_line(pairs[i]);
      ++count;
    }
    if (count == 0)
      throw bad_input("cannot split the data").with("part", names[part]).wanted("at least one row").found("none");
    write_file(out.path() / (names[part] + ".jsonl"), text);
    say(names[part] + ": " + with_commas(count) + " rows, " + with_commas(parts.prompts[part]) + " prompts");
  }
  out.commit();
  say_wrote(options.out);
}

}  // namespace

void add_split(CLI::App& program, Action& action) {
  auto options = std::make_shared<SplitCommand>();
  auto* command = program.add_subcommand("split", "Split data files into parts that share no prompt");
  command->add_option("--data", options->data, std::string("Data files: ") + kDataFileHelp)
      ->required()
      ->expected(1, -1);
  command->add_option("--role", options->role, "Which responses of known data sets to take: harmful, normal or generic")
      ->capture_default_str()
      ->check(CLI::IsMember({"harmful", "normal", "generic"}));
  command->add_option("--parts", options->parts, "Parts and their shares of the prompts: seen=0.6,unseen=0.4")
      ->required()
      ->delimiter(',');
  command->add_option("--by", options->by, "prompt, or similarity (similar prompts stay in one part)")
      ->capture_default_str();
  command
      ->add_option("--cosine", options->cosine,
                   "With --by similarity: prompts are similar if their TF-IDF cosine is above this")
      ->capture_default_str();
  command->add_option("--out", options->out, "Folder to write")->required();
  add_shared_options(*command, options->shared);
  command->footer(
      "Example: lethe split --data pku.jsonl --role harmful --parts seen=0.6,unseen=0.4 --by similarity --out parts");
  command->callback([options, &action] { action = [options] { split(*options); }; });
}

}  // namespace lethe
