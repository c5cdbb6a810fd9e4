// A finished run done again from what its folder says, and compared.
#pragma once

#include <filesystem>

namespace lethe {

struct RerunRequest {
  std::filesystem::path run;  ///< a finished run of unlearn or finetune
  std::filesystem::path out;  ///< empty: RUN-rerun, or the first of RUN-rerun-2, … that is free
};

/// Checks that the inputs are those of the run, repeats it into `out`, and compares the files it wrote.
/// @throws Error (bad input) if run.json is missing, or an input has changed, naming each; Error if a file differs,
///         naming each
void rerun(const RerunRequest& request);

}  // namespace lethe
