// The interface of attacks: what an attack is given, and what it reports for each setting that it tried.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attacks/attack_meter.h"
#include "attacks/prompt_list.h"
#include "core/json.h"
#include "data/pairs.h"
#include "evaluation/evaluation.h"
#include "models/causal_lm.h"
#include "models/loading.h"
#include "objectives/responses.h"
#include "prompts/template.h"

namespace lethe {

/// How much an attack may spend. Every model is attacked with the same budget.
struct AttackBudget {
  std::size_t rows = 64;                       ///< training rows of relearn, relearn_other and soft_prompt
  std::vector<std::int64_t> steps = {16, 64};  ///< relearn: measured after each of these; others train the last number
  std::int64_t batch = 8;                      ///< rows of a training step
  std::vector<double> lora_rates = {3e-4, 3e-3}, full_rates = {3e-5, 3e-4};  ///< learning rates of relearn
  std::vector<double> betas = {0.5, 1, 1.5};                                 ///< of task_vector
  std::int64_t samples = 8;                                                  ///< sampling: answers to each prompt
};

/// The rows of an attack. Prompts of `forget` and `normal` are not among the prompts that AttackMeter measures.
struct AttackRows {
  std::vector<Pair> forget;  ///< harmful pairs that were unlearned; empty: unknown
  std::vector<Pair> normal;  ///< benign pairs that share no prompt with `forget`
};

/// A model under attack. Each part of an attack loads it anew.
struct AttackedModel {
  std::string name;                ///< "unlearned", "original" or "retrained"
  std::function<CausalLM()> load;  ///< a copy of its own weights, which the attack may change
  std::function<CausalLM()> view;  ///< for attacks that change no weight (those may be a file's)
};

/// What all attacks share. References must outlive the attacks.
struct AttackInputs {
  const AttackMeter& meter;  ///< held-out harmful prompts, normal prompts, judge, tokenizer, template
  const AttackRows& rows;
  ExampleMaker& examples;                   ///< pairs as tokens
  std::function<CausalLM()> view_original;  ///< the model before unlearning, whose weights must not be written to
  AttackBudget budget;
  std::vector<PromptTrick> tricks;  ///< of the attack `prompts`
  Template other_layout;            ///< another template than that of the evaluation
  std::uint64_t seed = 8888;
  /// Writes an attacked model, with adapters folded in (--keep-models). Empty: none is written.
  std::function<void(CausalLM& model, const AttackedModel& victim, const std::string& name)> keep;
};

/// One setting of an attack on one model.
struct AttackOutcome {
  OrderedJson settings = OrderedJson::object();  ///< {"tuning": "lora", "lr": 0.001, "steps": 64}
  std::vector<JudgedAnswer> answers;            ///< one for each of meter.harmful(); empty: the attack gives no answers
  std::optional<double> utility;                ///< AttackMeter::utility(); nothing: the weights are those from before
  std::size_t rows = 0;                         ///< training rows that the attacker needs
  std::int64_t steps = 0;                       ///< training steps
  double seconds = 0;                           ///< of the attack itself, without measuring
  OrderedJson further = OrderedJson::object();  ///< more figures of this attack: {"layers": 0.6}
  std::string failed;  ///< why the attack did not get this far (training diverged); then nothing was measured
};

class Attack {
 public:
  virtual ~Attack() = default;
  /// Short names of the parts ("LoRA, lr 0.001"), the same for every model. Each part is computed and stored on its
  /// own, so that an interrupted command continues after it.
  virtual std::vector<std::string> parts() const = 0;
  /// Attacks a model. Depends on the inputs and the part alone, so that a repetition gives the same bits.
  /// @return at least one outcome
  /// @throws Error; one with ExitCode::interrupted after Ctrl-C
  virtual std::vector<AttackOutcome> run(std::size_t part, const AttackedModel& victim) const = 0;
};

}  // namespace lethe
