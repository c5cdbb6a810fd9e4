#include "attacks/abliteration.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "attacks/measure_attacked.h"
#include "core/error.h"
#include "core/messages.h"
#include "core/seconds_since.h"
#include "prompts/template.h"

namespace lethe {
namespace {

/// Adds up states over prompts. @return [L, D] float64, the mean
at::Tensor mean_last_states(const CausalLM& model, std::span<const std::vector<int>> prompts,
                            const std::vector<std::int64_t>& layers, const std::string& title) {
  constexpr std::int64_t kPackTokens = 2048;
  Progress progress(title, prompts.size(), "prompts");
  at::Tensor sum;
  for (std::size_t i = 0; i < prompts.size();) {
    PackBuilder pack;
    std::vector<std::int64_t> last;
    do {
      pack.add(prompts[i]);
      last.push_back(pack.tokens() - 1);
    } while (++i < prompts.size() && pack.tokens() < kPackTokens);
    const at::Tensor at_last = at::tensor(last, at::kLong).to(model.device());
    std::vector<at::Tensor> states;
    for (const at::Tensor& stream : model.residuals(pack.build(model.device()), layers))
      states.push_back(stream.index_select(0, at_last).to(at::kCPU, at::kDouble).sum(0));
    const at::Tensor part = at::stack(states);
    sum = sum.defined() ? sum + part : part;
    progress.update(i);
  }
  return sum / static_cast<double>(prompts.size());
}

/// (I − v·vᵀ) along one dimension of a tensor. @param v  [D] of length 1, D = values.size(dimension)
at::Tensor without_direction(const at::Tensor& values, const at::Tensor& v, std::int64_t dimension) {
  const at::ScalarType wide = at::promote_types(values.scalar_type(), at::kFloat);
  const at::Tensor unit = v.to(values.device(), wide), across = values.detach().movedim(dimension, -1).to(wide);
  const at::Tensor rows = across.reshape({-1, unit.size(0)});
  const at::Tensor rest = at::addr(rows, rows.mv(unit), unit, 1, -1);
  return rest.view(across.sizes()).movedim(-1, dimension).to(values.scalar_type()).contiguous();
}

class DirectionRemoval {
 public:
  DirectionRemoval(CausalLM& model, const at::Tensor& direction) : spec_(model.spec()) {
    if (spec_.norm_after) {
      throw bad_input("cannot remove a direction from this model")
          .wanted("a residual stream that the layers only add to")
          .found("a norm of the stream itself after each layer");
    }
    direction_ = direction.detach().to(at::kCPU, at::kDouble);
    direction_ = direction_ / direction_.norm();
    for (const Parameter& parameter : model.parameters()) by_name_.emplace(parameter.name, parameter);
  }

  void run() {
    const TensorNames& n = spec_.names;
    if (n.project_in.empty()) {
      change(n.embedding + ".weight", direction_, -1);
    } else {
      linear(n.project_in, direction_);
    }
    if (!n.positions.empty()) change(n.positions + ".weight", direction_, -1);
    for (std::int64_t i = 0; i < spec_.layers; ++i) {
      const auto name = [&](const std::string& part) { return part.empty() ? part : spec_.layer_name(i, part); };
      linear(name(n.attention_out), before_norm(name(n.post_attention_norm)));
      const at::Tensor of_mlp = before_norm(name(n.post_mlp_norm));
      if (!spec_.has_experts(i)) {
        linear(name(n.down), of_mlp);
        continue;
      }
      for (std::int64_t e = 0; e < spec_.experts; ++e)
        linear(name(n.experts) + std::to_string(e) + "." + n.expert_down, of_mlp);
    }
  }

 private:
  /// A matrix and its bias. The outputs of a transposed one are its columns.
  void linear(const std::string& name, const at::Tensor& v) {
    const Parameter& weight = by_name_.at(name + ".weight");
    change(name + ".weight", v, weight.linear != nullptr && weight.linear->transposed ? 1 : 0);
    if (by_name_.contains(name + ".bias")) change(name + ".bias", v, 0);
  }

  /// u, of length 1, so that v·norm(x) is 0 for every x with u·x = 0. The norm's bias loses v itself.
  at::Tensor before_norm(const std::string& norm) {
    if (norm.empty()) return direction_;
    at::Tensor u = direction_;
    if (const auto weight = by_name_.find(norm + ".weight"); weight != by_name_.end())
      u = u * (weight->second.tensor->detach().to(at::kCPU, at::kDouble) + spec_.norm_offset);
    if (by_name_.contains(norm + ".bias")) change(norm + ".bias", direction_, 0);
    if (spec_.norm == NormKind::layer) u = u - u.mean();
    return u / u.norm();
  }

  void change(const std::string& name, const at::Tensor& v, std::int64_t dimension) {
    at::Tensor& tensor = *by_name_.at(name).tensor;
    if (!tensor.defined()) {
      throw bad_input("cannot remove a direction from this model")
          .with("tensor", name)
          .wanted("floating-point weights")
          .found("weights packed in four bits");
    }
    tensor = without_direction(tensor, v, dimension);
  }

  const DecoderSpec& spec_;
  at::Tensor direction_;  // v, [D] float64 of length 1
  std::map<std::string, Parameter> by_name_;
};

class Abliteration : public Attack {
 public:
  explicit Abliteration(const AttackInputs& inputs) : inputs_(inputs) {}

  std::vector<std::string> parts() const override {
    std::vector<std::string> names;
    for (const int percent : kPercents) names.push_back("direction after " + std::to_string(percent) + "% of layers");
    return names;
  }

  std::vector<AttackOutcome> run(std::size_t part, const AttackedModel& victim) const override {
    CausalLM model = victim.load();
    const auto harmful = prompts_of(inputs_.rows.forget, model.spec().max_positions),
               harmless = prompts_of(inputs_.rows.normal, model.spec().max_positions);
    const std::int64_t depth = model.spec().layers;
    const std::int64_t layer = std::max<std::int64_t>(0, std::lround(kPercents[part] * depth / 100.0) - 1);
    const auto begin = std::chrono::steady_clock::now();
    remove_direction(model, harm_directions(model, harmful, harmless, {layer})[0]);
    AttackOutcome outcome;
    outcome.seconds = seconds_since(begin);
    outcome.settings = {{"layer", layer}};
    outcome.rows = harmful.size() + harmless.size();
    measure_attacked(outcome, model, inputs_, victim, "abliteration", "layer " + std::to_string(layer),
                     "abliteration-" + std::to_string(part + 1));
    return {outcome};
  }

 private:
  /// The first distinct prompts, as many as the budget allows. A prompt longer than the model's positions keeps its
  /// end.
  std::vector<std::vector<int>> prompts_of(const std::vector<Pair>& pairs, std::int64_t positions) const {
    std::vector<std::vector<int>> prompts;
    std::set<std::string> seen;
    for (const Pair& pair : pairs) {
      if (prompts.size() == inputs_.budget.rows) break;
      if (pair.prompt.empty() || !seen.insert(prompt_key(pair)).second) continue;  // plain text has no prompt
      auto ids = encode_prompt(inputs_.meter.tokenizer(), inputs_.meter.options().layout, pair.prompt, pair.before);
      if (positions > 0 && std::ssize(ids) > positions) ids.erase(ids.begin(), ids.end() - positions);
      prompts.push_back(std::move(ids));
    }
    return prompts;
  }

  static constexpr int kPercents[] = {40, 60, 80};
  const AttackInputs& inputs_;
};

}  // namespace

at::Tensor harm_directions(const CausalLM& model, std::span<const std::vector<int>> harmful,
                           std::span<const std::vector<int>> harmless, const std::vector<std::int64_t>& layers) {
  const at::NoGradGuard no_gradient;
  const auto refusal = [] { return bad_input("cannot find the direction of harmful prompts"); };
  if (harmful.empty() || harmless.empty())
    throw refusal()
        .wanted("harmful and harmless prompts")
        .found(harmful.empty() ? "no harmful one" : "no harmless one");
  const at::Tensor difference = mean_last_states(model, harmful, layers, "states of harmful prompts") -
                                mean_last_states(model, harmless, layers, "states of harmless prompts");
  const at::Tensor lengths = difference.norm(2, {1}, /*keepdim=*/true);
  if (!(lengths.min().item<double>() > 0))  // NaN too
    throw refusal().wanted("states that differ").found("the same mean for harmful and harmless prompts, or NaN");
  return difference / lengths;
}

void remove_direction(CausalLM& model, const at::Tensor& direction) {
  const at::NoGradGuard no_gradient;
  DirectionRemoval(model, direction).run();
}

std::unique_ptr<Attack> make_abliteration(const AttackInputs& inputs) {
  return std::make_unique<Abliteration>(inputs);
}

}  // namespace lethe
