// What no figure of a report shows: an unlearned model can be attacked, and θ_bad can be computed from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lethe {

/// How a model came about. Its limits follow from that.
enum class Origin : std::uint8_t {
  unknown,
  negation,  ///< θ_o − α·τ: SKU, the task vector, lethe negate
  contrast,  ///< θ_o + α·(τ_safe − r·τ_harm): what safe answers taught, less a share of the harm
  training,  ///< what training left: gradient ascent, fine-tuning on normal answers
};

/// The limits that the report and the model card print, a paragraph each. docs/explanation/limits.md explains them.
std::vector<std::string> publishing_limits(Origin origin);

}  // namespace lethe
