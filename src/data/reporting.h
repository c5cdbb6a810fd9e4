// Reads the data files of a run, reports every file to the user, and records it.
#pragma once

#include <string>
#include <vector>

#include "core/run_record.h"
#include "data/pairs.h"

namespace lethe {

/// Reads all pairs of one role. @param run  may be null
/// @throws Error (bad input) as load_pairs(), or if the files hold no pair
std::vector<Pair> load_reported(const std::vector<DataSource>& sources, Role role, const std::string& name,
                                RunRecord* run);

/// Prints the report of each file, and adds it to `run` unless it is null.
void report_files(const std::vector<FileReport>& files, const std::string& name, RunRecord* run);

}  // namespace lethe
