#include "attacks/depth.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <set>
#include <string>

#include "core/error.h"
#include "core/messages.h"
#include "core/seconds_since.h"
#include "nn/token_losses.h"
#include "objectives/responses.h"

namespace lethe {
namespace {

/// Rows with a prompt and an answer that no earlier one has, and room for the answer behind the prompt.
std::vector<const Pair*> different_rows(std::span<const Pair> rows, const ExampleMaker& examples,
                                        const DepthOptions& options) {
  std::vector<const Pair*> result;
  std::set<std::string> prompts, answers;
  for (const Pair& row : rows) {
    if (result.size() == options.rows) break;
    if (row.prompt.empty() || prompts.contains(prompt_key(row)) || answers.contains(row.response)) continue;
    if (const Example own = examples.make(row, row.response); own.response_begin >= own.ids.size()) continue;
    prompts.insert(prompt_key(row));
    answers.insert(row.response);
    result.push_back(&row);
  }
  return result;
}

/// Each of the group's answers after one of its prompts, shortened.
std::vector<Example> answers_after(const Pair& prompt, std::span<const Pair* const> group, const ExampleMaker& examples,
                                   const DepthOptions& options) {
  std::vector<Example> result;
  for (const Pair* other : group) {
    Example example = examples.make(prompt, other->response);
    example.ids.resize(std::min(example.ids.size(), example.response_begin + options.answer_tokens));
    result.push_back(std::move(example));
  }
  return result;
}

/// The tokens of the group's prompts. An answer that repeats them shows no knowledge.
at::Tensor prompt_tokens(std::span<const Pair* const> group, const ExampleMaker& examples) {
  std::vector<std::int64_t> tokens;
  for (const Pair* pair : group) {
    const Example own = examples.make(*pair, pair->response);
    tokens.insert(tokens.end(), own.ids.begin(), own.ids.begin() + static_cast<std::ptrdiff_t>(own.response_begin));
  }
  return at::tensor(tokens, at::kLong);
}

class DepthProbe : public Attack {
 public:
  explicit DepthProbe(const AttackInputs& inputs) : inputs_(inputs) {}

  std::vector<std::string> parts() const override { return {"logit lens"}; }

  std::vector<AttackOutcome> run(std::size_t, const AttackedModel& victim) const override {
    const CausalLM model = victim.view();
    DepthOptions options;
    options.rows = std::min(options.rows, inputs_.budget.rows);
    const auto begin = std::chrono::steady_clock::now();
    const Depth depth = answer_depth(model, inputs_.rows.forget, inputs_.examples, options);
    AttackOutcome outcome;
    outcome.seconds = seconds_since(begin);
    outcome.rows = depth.rows;
    outcome.settings = {{"probe", "logit lens"}};
    std::vector<double> rates;
    for (const Proportion& layer : depth.layers) rates.push_back(layer.rate);
    outcome.further = {{"layers", depth.share()}, {"chance", depth.chance}, {"decodable", rates}};
    return {outcome};
  }

 private:
  const AttackInputs& inputs_;
};

}  // namespace

at::Tensor lens_log_probabilities(const CausalLM& model, const PackedExamples& packed) {
  const at::NoGradGuard no_gradient;
  std::vector<std::int64_t> all(static_cast<std::size_t>(model.spec().layers));
  std::iota(all.begin(), all.end(), 0);
  const Head head = model.head();
  std::vector<at::Tensor> by_layer;
  for (const at::Tensor& stream : model.residuals(packed.batch, all))
    by_layer.push_back(log_probabilities(model.finish(response_states(stream, packed)), head, packed.targets));
  return at::stack(by_layer);
}

std::vector<bool> own_answer_first(const at::Tensor& scores) {
  const at::Tensor gains = (scores - scores.mean(0, /*keepdim=*/true)).to(at::kDouble);
  std::vector<bool> result;
  for (std::int64_t i = 0; i < gains.size(0); ++i) {
    at::Tensor others = gains[i].clone();
    const double own = others[i].item<double>();
    others[i] = -std::numeric_limits<double>::infinity();
    result.push_back(own > others.max().item<double>());
  }
  return result;
}

double Depth::share() const {
  const auto above = std::count_if(layers.begin(), layers.end(), [&](const auto& layer) { return layer.low > chance; });
  return layers.empty() ? 0 : static_cast<double>(above) / static_cast<double>(layers.size());
}

Depth answer_depth(const CausalLM& model, std::span<const Pair> rows, const ExampleMaker& examples,
                   const DepthOptions& options) {
  const std::vector<const Pair*> usable = different_rows(rows, examples, options);
  const std::size_t groups = usable.size() / options.answers;
  if (groups == 0) {
    throw bad_input("cannot measure how deep the answers were forgotten")
        .wanted(std::to_string(options.answers) + " rows with different prompts and answers")
        .found(std::to_string(usable.size()));
  }
  Depth depth;
  depth.chance = 1.0 / static_cast<double>(options.answers);
  std::vector<std::size_t> hits(static_cast<std::size_t>(model.spec().layers));
  Progress progress("probing layers", groups, "groups");
  for (std::size_t g = 0; g < groups; ++g) {
    const auto group = std::span(usable).subspan(g * options.answers, options.answers);
    ExamplePacker packer(packing_for(model));
    for (const Pair* prompt : group) packer.add_group(answers_after(*prompt, group, examples, options));
    const PackedExamples packed = packer.build(model.device());
    const at::Tensor tokens = lens_log_probabilities(model, packed).to(at::kCPU, at::kDouble);  // [L, N]
    const at::Tensor counted =
        at::isin(packed.targets.cpu(), prompt_tokens(group, examples)).logical_not().to(at::kDouble);
    std::vector<at::Tensor> means;
    for (const ResponseSpan& span : packed.spans) {
      const at::Tensor weights = counted.slice(0, span.begin, span.end);
      means.push_back((tokens.slice(1, span.begin, span.end) * weights).sum(1) / weights.sum());  // NaN: none counts
    }
    const auto size = static_cast<std::int64_t>(options.answers);
    const at::Tensor scores = at::stack(means, 1).view({-1, size, size});  // [L, prompt, answer]
    for (std::size_t layer = 0; layer < hits.size(); ++layer) {
      const auto first = own_answer_first(scores[static_cast<std::int64_t>(layer)]);
      hits[layer] += static_cast<std::size_t>(std::count(first.begin(), first.end(), true));
    }
    depth.rows += options.answers;
    progress.update(g + 1);
  }
  for (const std::size_t hit : hits) depth.layers.push_back(proportion(hit, depth.rows));
  return depth;
}

std::unique_ptr<Attack> make_depth(const AttackInputs& inputs) {
  return std::make_unique<DepthProbe>(inputs);
}

}  // namespace lethe
