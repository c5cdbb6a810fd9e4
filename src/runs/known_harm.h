// What Lethe's own files say of the harm in a checkpoint or an adapter, and who may read what is made of it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/file_writer.h"

namespace lethe {

/// Which way a checkpoint or an adapter goes from its base.
struct KnownHarm {
  int sign = 0;         ///< 1: it is more harmful than its base; −1: harm was subtracted from the base; 0: not known
  std::string because;  ///< what says so: "the run", "its vector.json"; empty for 0
};

/// Of an adapter's folder: RUN/harmful of a run, RUN/adapter of a method that subtracts, or a vector (vector.json).
KnownHarm harm_of_adapter(const std::filesystem::path& folder);
/// Of a checkpoint's folder: RUN/harmful, RUN/model, or a sum of vectors. A vectors.json counts if it was not copied
/// along with other weights; then all values are read once.
/// @param name  for the progress bar
KnownHarm harm_of_checkpoint(const std::filesystem::path& folder, const std::string& name);

/// What a result adds to its base: `weight` times the change that a checkpoint or an adapter is.
struct AddedChange {
  std::string name;
  KnownHarm harm;
  double weight = 1;
};
/// Why base + Σ weight · change is harmful, a sentence without its full stop: "the result is more harmful than its
/// base: it adds 0.5·poisons". Empty if nothing says that it is.
std::string harm_of_result(const KnownHarm& base, const std::vector<AddedChange>& changes);

/// Only the owner may read a harmful result.
inline Access access_of(bool harmful) {
  return harmful ? Access::owner_only : Access::normal;
}
/// Warns of a harmful result in one line. @param reason  of harm_of_result()
void warn_of_harm(const std::string& reason);
/// The end of the summary in a harmful result's card.
inline constexpr const char* kHarmfulCard = " It is more harmful than its base. Do not publish it.";

}  // namespace lethe
