// `lethe demo`: unlearns an embedded model on embedded data and shows its answers before and after.
#pragma once

#include <filesystem>

#include "recipe/recipe.h"

namespace lethe {

struct DemoRequest {
  std::filesystem::path out;  ///< empty: the first unused name of runs/demo, runs/demo-2, …
  bool retrain = false;       ///< train the demo's model again instead of using the embedded one
  bool data_only = false;     ///< write the data and stop
  int threads = 0;
};

/// Writes out/data (harmful.jsonl, normal.jsonl, lawful.jsonl), out/original (the model before) and out/unlearned (a
/// run folder). @throws Error (bad input) if `out` is not empty
void run_demo(const DemoRequest& request);

/// The demo's recipe for the files that write_demo_inputs() writes to `inputs`.
Recipe demo_settings(const std::filesystem::path& inputs, const std::vector<std::string>& overrides);
/// Writes inputs/data and inputs/original unless they exist.
void write_demo_inputs(const std::filesystem::path& inputs);

}  // namespace lethe
