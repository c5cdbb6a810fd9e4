// The whole story on an embedded model and data: before, unlearn, after.
#pragma once

#include <filesystem>

#include "recipe/recipe.h"

namespace lethe {

struct DemoRequest {
  std::filesystem::path out;  ///< empty: the first free of runs/demo, runs/demo-2, …
  bool retrain = false;       ///< train the demo's model anew instead of taking the embedded one
  bool data_only = false;     ///< write the world's data and stop
  int threads = 0;
};

/// Writes out/data (harmful.jsonl, normal.jsonl), out/original (the model as it was) and out/unlearned (a run folder).
void run_demo(const DemoRequest& request);

/// The demo's recipe on inputs that write_demo_inputs() writes to `inputs`.
Recipe demo_settings(const std::filesystem::path& inputs, const std::vector<std::string>& overrides);
/// Writes inputs/data and inputs/original where they are not there yet.
void write_demo_inputs(const std::filesystem::path& inputs);

}  // namespace lethe
