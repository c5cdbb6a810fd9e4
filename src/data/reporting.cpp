#include "data/reporting.h"

#include "core/error.h"
#include "core/terminal.h"

namespace lethe {
namespace {

// Records what was not used of a file, with the lines of unusable rows.
void note_left_out(const FileReport& file, RunRecord& run) {
  if (file.duplicates + file.filtered + file.other_role + file.not_learned + file.unanswered + file.rows.bad_rows == 0)
    return;
  run.leave_out(describe(file)[0]);
  for (const BadRow& row : file.rows.bad) run.leave_out(file.path + ", line " + with_commas(row.line) + ": " + row.why);
  if (file.rows.bad_rows > file.rows.bad.size())
    run.leave_out("… and " + with_commas(file.rows.bad_rows - file.rows.bad.size()) + " more rows of " + file.path +
                  " that cannot be used");
}

}  // namespace

void report_files(const std::vector<FileReport>& files, const std::string& name, RunRecord* run) {
  for (const FileReport& file : files) {
    if (run != nullptr) {
      run->add_input(name, file.path, file.pairs);
      note_left_out(file, *run);
    }
    for (const std::string& line : describe(file)) say(line);
  }
}

std::vector<Pair> load_reported(const std::vector<DataSource>& sources, Role role, const std::string& name,
                                RunRecord* run) {
  if (sources.empty()) return {};
  const LoadedPairs loaded = load_pairs(sources, role);
  report_files(loaded.files, name, run);
  if (loaded.pairs.empty()) {
    throw bad_input("cannot use the " + name + " data")
        .wanted("at least one pair")
        .found("none in " + to_text(sources[0]));
  }
  return loaded.pairs;
}

}  // namespace lethe
