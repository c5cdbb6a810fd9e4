// A finished run done again from what its folder says, and compared.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "runs/unlearn.h"

namespace lethe {

struct RerunRequest {
  std::filesystem::path run;  ///< a finished run of unlearn or finetune
  std::filesystem::path out;  ///< empty: RUN-rerun, or the first of RUN-rerun-2, … that is free
};

struct OutputDifferences {
  std::vector<std::pair<std::string, std::string>> differing;  ///< "missing", "differs" or "new", and the file
  std::vector<std::string> newer;  ///< what this version writes beyond the run's: files, keys of results.json
  std::size_t equal = 0;           ///< files with the same hash
};

/// Compares the files of two finished runs by the hashes in their run.json. If another version made the first one,
/// then model cards, which name the version, and further keys in results.json are no differences.
OutputDifferences compare_outputs(const std::filesystem::path& run, const std::filesystem::path& again);

/// Checks that the inputs are those of the run, repeats it into `out`, and compares the files it wrote
/// (compare_outputs()).
/// @throws Error (bad input) if run.json is missing, or an input has changed, naming each; Error if a file differs,
///         naming each
void rerun(const RerunRequest& request, const RunAttacks& attacks = {});

}  // namespace lethe
