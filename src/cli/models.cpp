// lethe models: every family of models that Lethe reads.
#include <CLI/CLI.hpp>
#include <memory>

#include "architectures/families.h"
#include "cli/common.h"
#include "cli/listing.h"
#include "cli/program.h"

namespace lethe {
namespace {

void print_models(bool as_json) {
  OrderedJson list = OrderedJson::array();
  std::vector<std::vector<std::string>> rows = {{"model_type", "for example", "published as"}};
  for (const ListedFamily& family : listed_families()) {
    list.push_back({{"model_type", family.model_type}, {"published", family.published}, {"source", family.source}});
    rows.push_back({family.model_type, family.source, family.published});
  }
  write_result("-", as_json ? dump_json(list, 2) + "\n" : aligned_lines(rows));
}

}  // namespace

void add_models(CLI::App& program, Action& action) {
  auto json = std::make_shared<bool>(false);
  auto* command = program.add_subcommand("models", "Print every model family that can be unlearned (its model_type)");
  command->add_flag("--json", *json, "Print JSON");
  command->footer("Example: lethe models\nWhether one checkpoint is supported: lethe inspect DIR");
  command->callback([json, &action] { action = [json] { print_models(*json); }; });
}

}  // namespace lethe
