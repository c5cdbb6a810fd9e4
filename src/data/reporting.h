// Data files read for a run: every file is reported to the user, and noted in the run's record.
#pragma once

#include <string>
#include <vector>

#include "core/run_record.h"
#include "data/pairs.h"

namespace lethe {

/// Reads the files of one role, all pairs. @param run  may be null
/// @throws Error (bad input) as load_pairs(), or if the files hold no pair
std::vector<Pair> load_reported(const std::vector<DataSource>& sources, Role role, const std::string& name,
                                RunRecord* run);

/// Prints what became of each file, and notes it in `run`, if there is one.
void report_files(const std::vector<FileReport>& files, const std::string& name, RunRecord* run);

}  // namespace lethe
