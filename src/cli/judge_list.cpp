// lethe judge list: every judge that can be named.
#include <CLI/CLI.hpp>
#include <memory>

#include "cli/judge.h"
#include "cli/listing.h"
#include "core/json.h"
#include "judges/open_judge.h"

namespace lethe {
std::string judges_as_lines() {
  std::vector<std::vector<std::string>> rows = {{"judge", "what it is", "needs", "licence", "source"}};
  for (const ListedJudge& judge : list_judges())
    rows.push_back({judge.name, judge.about, judge.needs, judge.licence, judge.source});
  return aligned_lines(rows);
}

std::string judges_as_json() {
  OrderedJson list = OrderedJson::array();
  for (const ListedJudge& judge : list_judges()) {
    list.push_back({{"name", judge.name},
                    {"kind", judge.kind},
                    {"about", judge.about},
                    {"needs", judge.needs},
                    {"licence", judge.licence},
                    {"source", judge.source},
                    {"file", judge.file.string()}});
  }
  return dump_json(list, 2) + "\n";
}

void add_judge_list(CLI::App& judge, Action& action) {
  auto json = std::make_shared<bool>(false);
  auto* command = judge.add_subcommand("list", "Print every judge: what it is, what it needs, licence and source");
  command->add_flag("--json", *json, "Print JSON");
  command->footer("Example: lethe judge list\nKeys follow a judge's name: --judge qwen3guard:model=DIR,dtype=bfloat16");
  command->callback(
      [json, &action] { action = [json] { write_result("-", *json ? judges_as_json() : judges_as_lines()); }; });
}

}  // namespace lethe
