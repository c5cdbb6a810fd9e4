// Further rounds of negation (negation.rounds): a copy of the negated model relearns the harm, as an attacker would
// teach it, stage 1 goes on from there, and what was learned is subtracted as well.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "core/json.h"
#include "formats/checkpoint.h"
#include "report/page.h"
#include "runs/training_data.h"
#include "runs/tuning.h"

namespace lethe {

/// How a further round began.
struct Round {
  double alpha = 0;            ///< of the negated model that the round starts from
  std::optional<double> kl{};  ///< its mean KL on normal validation answers, nats a token; nothing: α was given
  /// Mean cross-entropy of harmful training answers in the first and the last step of the relearning, nats a token.
  std::optional<double> relearn_first{}, relearn_last{};
};

struct RoundFiles {
  std::filesystem::path folder;    ///< exists; each training writes its steps into a file here. Empty: to `metrics`
  std::filesystem::path metrics;   ///< each step appends a line here where there is no folder
  std::filesystem::path harmful;   ///< folder for θ_bad of the first round; empty: it is not kept
  Snapshots* snapshots = nullptr;  ///< of the run; each training has a folder within; may be null
};

/// Steps of all trainings of the further rounds. @param steps  of stage 1
std::int64_t steps_of_further_rounds(const Recipe& recipe, std::int64_t steps);

/// Stage 1 from the model as it is now: one more training. @param title  of its progress bar
using LearnHarm = std::function<void(const std::filesystem::path& metrics, const std::string& title, Snapshots*)>;

/// The rounds after the first. The model holds θ_bad, and in the end θ_o + D_N, which stage 2 negates:
///
///     D_1 = θ_bad − θ_o      θ_i = θ_o − α_i·D_i      D_(i+1) = θ_bad' − θ_o + 2·α_i·D_i
///
/// θ_bad' is what stage 1 makes of θ_i after negation.relearn. So θ_o − D_(i+1) = θ_i − (θ_bad' − θ_i). α_i is
/// negation.alpha, or the largest within the KL budget. LoRA: the ranks of D_i and of what was learned add up.
/// θ_i after an attack exists in memory, and in the run's snapshots, which only their owner reads.
/// Source: none; the attack is that of attacks/relearn.h, within the training.
/// @throws Error if no α stays within the budget
std::vector<Round> further_rounds(Tuning& tuning, const Checkpoint& base, RunData& data, const RoundFiles& files,
                                  const LearnHarm& learn);

/// For results.json: [{"alpha", "kl", "relearn_first", "relearn_last"}].
OrderedJson to_json(const std::vector<Round>& rounds);
/// For the report.
Section rounds_section(const std::vector<Round>& rounds);

}  // namespace lethe
