// `lethe vector extract`: keeps what a tuning changed as a task vector in a folder of its own.
#pragma once

#include <string>

#include "vectors/extract.h"

namespace lethe {

/// What was tuned: one of `tuned`, `adapter` and `run`.
struct ExtractRequest {
  std::string base;     ///< a checkpoint; of a run, its own model if empty
  std::string tuned;    ///< a checkpoint that was tuned from the base
  std::string adapter;  ///< an adapter's folder
  std::string run;      ///< a finished run's folder
  StoreAs type = StoreAs::float32;
  bool harmful = false;  ///< base + vector is more harmful than the base; a run says so itself
  std::string out;
};

/// Writes the vector and its vector.json. The files of a harmful vector are readable by their owner alone.
///
/// Of a run, the vector is what training learned. If the method subtracts that, it is harmful: it is read from harmful/
/// (keep_harmful), or, of a LoRA run, is the run's adapter divided by −α. Other methods keep what they learned: the
/// vector is the difference between the run's result and its base.
///
/// What is extracted from a harmful vector, or from a sum that adds one (vectors.json), is harmful, too.
/// @throws Error (usage) if not one of the three is given; (bad input) as extract_weights() and extract_adapter() do,
/// or
///         if the run's vector cannot be recovered
void extract_vector(const ExtractRequest& request);

}  // namespace lethe
