// Relearning: the attacker fine-tunes the model for a few steps, on forget rows or on benign rows.
#pragma once

#include <memory>

#include "attacks/attack.h"

namespace lethe {

/// Fine-tunes on forget rows: LoRA of rank 16 on every linear map and all weights, at each learning rate of the budget
/// (a part each), with AdamW at a constant rate. The model is measured after each of budget.steps.
std::unique_ptr<Attack> make_relearn(const AttackInputs& inputs);

/// The same on benign rows, which hold no harm: what comes back was still there.
std::unique_ptr<Attack> make_relearn_other(const AttackInputs& inputs);

}  // namespace lethe
