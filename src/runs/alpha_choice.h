// The α of a run: the recipe's, or the largest that its limits allow.
#pragma once

#include <memory>
#include <string>

#include "core/json.h"
#include "evaluation/divergence_sample.h"
#include "evaluation/refusal_meter.h"
#include "recipe/recipe.h"
#include "runs/original_cache.h"
#include "runs/stage2.h"
#include "runs/stored_model.h"
#include "runs/training_data.h"

namespace lethe {

/// Whether unlearning should survive four bits (negation.survive): the KL budget then also holds there.
bool survives_nf4(const Recipe& recipe);

/// negation.refusal_budget; auto: 0.05 for contrast, else 1, which is no limit.
double refusal_budget(const Recipe& recipe);

/// The limit of refusals and what it is measured on; empty where negation.refusal_budget is off.
struct RefusalCheck {
  RefusalLimit limit;
  std::unique_ptr<RefusalMeter> meter;
  double seconds = 0;  ///< that a measurement takes
};
/// Measures how much the original refuses. @param model  holds the original's weights now
/// @param cache  of the original; may be null
RefusalCheck check_refusals(const Recipe& recipe, const StoredModel& original, const CausalLM& model,
                            const RunData& data, OriginalCache* cache);

/// The largest α within a KL budget and, if `check` is not empty, within its limit of refusals.
/// @param apply  as of AlphaMeter
AlphaChoice choose_within(double kl_budget, bool curve, const RefusalCheck& check, AlphaMeter& meter,
                          const CausalLM& model, const std::function<void(double alpha)>& apply);

/// The α that the recipe gives, or the largest within the KL budget on a sample of the normal validation answers (with
/// negation.survive also in four bits) and within the limit of refusals. Prints the measurements. Leaves the model at
/// one of the measured α.
/// @param check    check_refusals() of the original
/// @param gentler  how to train less, for hints
/// @throws Error if no α that was measured stays within the limits
AlphaChoice decide_alpha(const Recipe& recipe, const RefusalCheck& check, Stage2Vector& stage2, CausalLM& model,
                         RunData& data, const std::string& gentler);

/// Adds `alpha`, and where it was chosen `alpha_choice` and `alpha_curve`, to results.json.
void add_alpha(const AlphaChoice& choice, OrderedJson& results);

}  // namespace lethe
