// The settings of the objectives that forget and retain at once. This file needs no tensors.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/enum_words.h"

namespace lethe {

/// The loss on normal pairs that holds a model near the original. `automatic`: the method's own.
enum class RetainLoss { automatic, ce, kl, none };

template <>
struct EnumWords<RetainLoss> {
  static constexpr std::pair<std::string_view, RetainLoss> all[] = {
      {"auto", RetainLoss::automatic}, {"ce", RetainLoss::ce}, {"kl", RetainLoss::kl}, {"none", RetainLoss::none}};
};

/// In a recipe, nothing means the method's published value, which recipe/objective_defaults.h fills in. An objective
/// gets every value that its method has.
struct ObjectiveSettings {
  std::optional<double> forget, retain;  ///< γ and α, the weights of the two terms
  RetainLoss retain_loss = RetainLoss::automatic;
  std::optional<double> beta, beta2, delta;
  std::optional<double> safe;               ///< weight of learning safe answers to harmful prompts
  std::optional<double> steer;              ///< length of RMU's control vector
  std::vector<std::int64_t> layers;         ///< numbers of layers, from 0; empty: auto
  std::optional<double> eps;                ///< PDU: bound of the retain loss, nats a token
  std::optional<double> dual_rate;          ///< PDU: step of the dual variable
  std::optional<std::int64_t> dual_warmup;  ///< PDU: steps before the dual variable moves
  std::optional<std::int64_t> skip;         ///< leading tokens of each response without a loss
  bool gru = false;                         ///< keep the forget gradient from raising the retain loss (gru.h)

  bool operator==(const ObjectiveSettings&) const = default;
};

/// Whether an objective retains: the retain loss is not `none`, and has a weight now or gets one from a dual variable.
/// @param settings  as an objective gets them
inline bool has_retain_loss(const ObjectiveSettings& settings) {
  return settings.retain_loss != RetainLoss::none &&
         (settings.retain.value() != 0 || settings.dual_rate.value_or(0) != 0);
}

}  // namespace lethe
