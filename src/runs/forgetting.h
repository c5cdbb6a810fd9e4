// The methods that forget and retain in one training: the objective of each, its rows, and the original's part in it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "objectives/forget_retain.h"
#include "recipe/recipe.h"
#include "runs/training_data.h"
#include "runs/tuning.h"

namespace lethe {

/// The objective of the recipe's method (Method::forget_retain), with the method's settings.
std::unique_ptr<Objective> make_forget_retain(const Recipe& recipe, ForgetRetainInputs inputs);

/// Whether the recipe's method needs the original's states on normal pairs. Of methods that forget and retain, its
/// retain loss decides.
bool needs_normal_reference(const Recipe& recipe);

/// What a training of such a method reads of the original.
struct Originals {
  std::unique_ptr<Reference> reference;
  std::unique_ptr<Original> losses;
};

/// Takes it, before the first step. With full tuning it is computed now, on exactly the rows that will be drawn.
/// @param rows    of each micro-batch
/// @param micros  micro-batches of the whole training
Originals take_originals(const Recipe& recipe, Tuning& tuning, ExampleMaker& examples,
                         const std::function<StepRows(std::uint64_t)>& rows, std::uint64_t micros);

}  // namespace lethe
