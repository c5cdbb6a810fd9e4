// Which files a served model consists of: a checkpoint, an adapter on its base, or what a run made.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lethe {

struct ModelSource {
  std::string name;                   ///< requests name the model so
  std::string checkpoint;             ///< folder, or name in the Hugging Face cache
  std::vector<std::string> adapters;  ///< "DIR" or "DIR:0.5", applied to it
  std::filesystem::path run;          ///< the run that made it; empty: none
  bool original = false;              ///< the others were made from it (mark_original())
  std::string danger;                 ///< what its card warns of (θ_bad, the original); empty: nothing known
};

/// Reads "MODEL" or "name=MODEL". MODEL is a run (its model, or its base with its adapter), an adapter's folder (on the
/// base that it names), a checkpoint's folder, or a name in the Hugging Face cache.
/// @throws Error (bad input) if there is no such thing, or an adapter's base is not found
ModelSource find_model(const std::string& argument);
/// Says that the others were made from this one, and what that means.
void mark_original(ModelSource& source);
/// The model of --original, under the name "original".
ModelSource find_original(const std::string& model);

/// @throws Error (usage) if two have the same name
void check_names(const std::vector<ModelSource>& sources);

}  // namespace lethe
