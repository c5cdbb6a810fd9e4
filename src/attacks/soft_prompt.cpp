#include "attacks/soft_prompt.h"

#include <algorithm>
#include <string>

#include "attacks/asking.h"
#include "core/error.h"
#include "core/messages.h"
#include "core/random.h"
#include "core/seconds_since.h"
#include "nn/token_losses.h"
#include "objectives/responses.h"
#include "report/table.h"
#include "training/adamw.h"

namespace lethe {
namespace {

/// Embeddings of random tokens, for a start that the model can read. @return [n, E], a leaf that requires gradient
at::Tensor first_vectors(const at::Tensor& embedding, const SoftPromptOptions& options) {
  RandomStream stream(options.seed, "soft prompt");
  std::vector<std::int64_t> tokens;
  for (std::int64_t i = 0; i < options.vectors; ++i)
    tokens.push_back(static_cast<std::int64_t>(stream.below(static_cast<std::uint64_t>(embedding.size(0)))));
  const at::Tensor chosen = embedding.detach().index_select(0, at::tensor(tokens, at::kLong).to(embedding.device()));
  return chosen.to(at::promote_types(embedding.scalar_type(), at::kFloat)).clone().requires_grad_(true);
}

/// Root mean square of a table, from its first rows: enough for a learning rate.
double root_mean_square(const at::Tensor& embedding) {
  const at::Tensor some = embedding.detach().slice(0, 0, 4096).to(at::kDouble);
  return some.square().mean().sqrt().item<double>();
}

class SoftPromptAttack : public Attack {
 public:
  explicit SoftPromptAttack(const AttackInputs& inputs) : inputs_(inputs) {}

  std::vector<std::string> parts() const override {
    std::vector<std::string> names;
    for (const double lr : kRates) names.push_back("20 vectors, lr " + short_number(lr));
    return names;
  }

  std::vector<AttackOutcome> run(std::size_t part, const AttackedModel& victim) const override {
    CausalLM model = victim.view();
    SoftPromptOptions options;
    options.steps = inputs_.budget.steps.back();
    options.batch = inputs_.budget.batch;
    options.lr = kRates[part];
    options.seed = inputs_.seed;
    std::vector<Example> rows;
    for (const Pair& pair : inputs_.rows.forget) {
      if (rows.size() == inputs_.budget.rows) break;
      rows.push_back(inputs_.examples.make(pair, pair.response));
    }
    const auto begin = std::chrono::steady_clock::now();
    const SoftPrompt trained = train_soft_prompt(model, rows, options);
    AttackOutcome outcome;
    outcome.seconds = seconds_since(begin);
    outcome.settings = {{"vectors", options.vectors}, {"lr", options.lr}};
    outcome.rows = rows.size();
    outcome.steps = options.steps;
    outcome.further = {{"loss before", trained.losses.front()}, {"loss after", trained.losses.back()}};
    model.soft_prompt = trained.vectors;
    const std::string title = "soft_prompt, " + parts().at(part) + ", " + victim.name;
    outcome.answers = inputs_.meter.worst(answers(model, title), title);
    return {outcome};
  }

 private:
  // One answer to each prompt; none to a prompt that leaves no room for one.
  std::vector<std::vector<std::string>> answers(const CausalLM& model, const std::string& title) const {
    std::vector<std::vector<int>> prompts;
    for (const Question& question : inputs_.meter.harmful()) {
      const std::vector<int> asked =
          encode_prompt(inputs_.meter.tokenizer(), inputs_.meter.options().layout, question.prompt, question.before);
      std::vector<int> ids = after_soft_prompt(model, asked);
      // A question that would be cut is not asked.
      prompts.push_back(leaves_room(ids, inputs_.meter) ? std::move(ids) : std::vector<int>());
    }
    return one_answer_each(prompts, model, inputs_.meter, title);
  }

  static constexpr double kRates[] = {0.1, 0.5};
  const AttackInputs& inputs_;
};

}  // namespace

std::vector<int> after_soft_prompt(const CausalLM& model, std::span<const int> ids) {
  const std::int64_t vocabulary = model.spec().vocabulary, positions = model.spec().max_positions;
  std::vector<int> row;
  for (std::int64_t id = vocabulary; id < model.input_ids(); ++id) row.push_back(static_cast<int>(id));
  row.insert(row.end(), ids.begin(), ids.end());
  if (positions > 0 && std::ssize(row) > positions) row.resize(static_cast<std::size_t>(positions));
  return row;
}

std::vector<Example> after_soft_prompt(const CausalLM& model, std::span<const Example> rows) {
  const auto added = static_cast<std::size_t>(model.input_ids() - model.spec().vocabulary);
  std::vector<Example> result;
  for (const Example& row : rows) {
    Example longer{after_soft_prompt(model, row.ids), row.response_begin + added};
    if (longer.response_begin < longer.ids.size()) result.push_back(std::move(longer));
  }
  return result;
}

at::Tensor soft_prompt_loss(const CausalLM& model, std::span<const Example> rows) {
  ExamplePacker packer(packing_for(model));
  for (const Example& row : rows) packer.add(row);
  const PackedExamples packed = packer.build(model.device());
  const at::Tensor states = response_states(model.hidden(packed.batch), packed);
  const std::int64_t tokens = states.size(0);
  return cross_entropy(states, model.head(), packed.targets, at::full({tokens}, 1.0 / static_cast<double>(tokens)))
      .total;
}

SoftPrompt train_soft_prompt(CausalLM& model, std::span<const Example> rows, const SoftPromptOptions& options) {
  struct Reset {  // also after an interrupt
    CausalLM& model;
    ~Reset() { model.soft_prompt = at::Tensor(); }
  } const reset{model};
  const at::Tensor embedding = *model.parameters().front().tensor;  // always the first
  model.soft_prompt = first_vectors(embedding, options);
  const std::vector<Example> usable = after_soft_prompt(model, rows);
  if (usable.empty()) {
    throw bad_input("cannot train a soft prompt")
        .wanted("a row that leaves room for " + std::to_string(options.vectors) + " more tokens")
        .found(std::to_string(rows.size()) + " rows, none of which does");
  }
  AdamW optimizer({model.soft_prompt}, {});
  const double lr = options.lr * root_mean_square(embedding);
  SoftPrompt result;
  Progress progress("soft prompt", static_cast<std::uint64_t>(options.steps), "steps");
  for (std::int64_t step = 0; step < options.steps; ++step) {
    RandomStream stream(options.seed, "soft prompt rows", static_cast<std::uint64_t>(step));
    std::vector<Example> batch;
    for (const std::size_t i :
         stream.sample(usable.size(), std::min(usable.size(), static_cast<std::size_t>(options.batch))))
      batch.push_back(usable[i]);
    const at::Tensor loss = soft_prompt_loss(model, batch);
    loss.backward();
    optimizer.step(lr, optimizer.clip_gradients(0));  // a gradient that is not finite changes nothing
    result.losses.push_back(loss.item<double>());
    progress.update(static_cast<std::uint64_t>(step) + 1, "loss " + short_number(result.losses.back()));
  }
  result.vectors = model.soft_prompt.detach();
  return result;
}

std::unique_ptr<Attack> make_soft_prompt(const AttackInputs& inputs) {
  return std::make_unique<SoftPromptAttack>(inputs);
}

}  // namespace lethe
