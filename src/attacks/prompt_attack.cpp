#include "attacks/prompt_attack.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "attacks/asking.h"
#include "core/seconds_since.h"

namespace lethe {
namespace {

// A plain text of the prompt, without a template.
std::vector<int> bare_ids(const Tokenizer& tokenizer, const std::string& shown, const std::string& prompt,
                          const std::string& begin) {
  return tokenizer.encode(shown + prompt + (begin.empty() ? "" : "\n" + begin)).ids;
}

// The prompt with shown pairs before it, as one prompt of a text template: what stands between the template's first
// {prompt} and its last response.
std::string with_shots_in_text(const Template& layout, std::span<const Pair> shots, const std::string& prompt) {
  const std::string head = layout.text().substr(0, layout.text().find("{prompt}"));
  std::string text;
  for (const Pair& shot : shots) text += layout.render(shot.prompt, shot.response) + "\n\n";
  return text.empty() ? prompt : text.substr(head.size()) + head + prompt;
}

class PromptAttack : public Attack {
 public:
  explicit PromptAttack(const AttackInputs& inputs) : inputs_(inputs) {
    for (const PromptTrick& trick : inputs.tricks) {
      if (trick.shots == 0 || !inputs.rows.forget.empty()) tricks_.push_back(trick);
    }
  }

  std::vector<std::string> parts() const override {
    std::vector<std::string> names;
    for (const PromptTrick& trick : tricks_) names.push_back(trick.name);
    return names;
  }

  std::vector<AttackOutcome> run(std::size_t part, const AttackedModel& victim) const override {
    const PromptTrick& trick = tricks_.at(part);
    const auto start = std::chrono::steady_clock::now();
    std::vector<std::vector<int>> prompts;
    for (const Question& question : inputs_.meter.harmful()) prompts.push_back(ids_of(trick, question));
    const CausalLM model = victim.view();
    const std::string title = "prompts, " + trick.name + ", " + victim.name;
    const std::vector<std::vector<std::string>> answers =
        one_answer_each(prompts, model, inputs_.meter, title, trick.begin);
    AttackOutcome outcome;
    outcome.settings = {{"prompt", trick.name}};
    outcome.seconds = seconds_since(start);
    outcome.rows = std::min(trick.shots, inputs_.rows.forget.size());
    outcome.answers = inputs_.meter.worst(answers, title);
    return {std::move(outcome)};
  }

 private:
  // As many shots as fit; empty if even the prompt alone does not.
  std::vector<int> ids_of(const PromptTrick& trick, const Question& question) const {
    for (std::size_t shots = std::min(trick.shots, inputs_.rows.forget.size());; --shots) {
      std::vector<int> ids = ids_with(trick, question, std::span(inputs_.rows.forget).first(shots));
      if (leaves_room(ids, inputs_.meter)) return ids;
      if (shots == 0) return {};
    }
  }

  std::vector<int> ids_with(const PromptTrick& trick, const Question& question, std::span<const Pair> shots) const {
    const Tokenizer& tokenizer = inputs_.meter.tokenizer();
    std::string prompt = trick.text(question.prompt);
    if (trick.layout == PromptLayout::none) {
      std::string shown;
      for (const Pair& shot : shots) shown += shot.prompt + "\n" + shot.response + "\n\n";
      return bare_ids(tokenizer, shown, prompt, trick.begin);
    }
    const Template& layout =
        trick.layout == PromptLayout::other ? inputs_.other_layout : inputs_.meter.options().layout;
    std::vector<ChatMessage> before;
    if (layout.is_chat()) {
      for (const Pair& shot : shots) {
        before.push_back({"user", shot.prompt});
        before.push_back({"assistant", shot.response});
      }
      before.insert(before.end(), question.before.begin(), question.before.end());
    } else {
      prompt = with_shots_in_text(layout, shots, prompt);
    }
    if (trick.begin.empty()) return encode_prompt(tokenizer, layout, prompt, before);
    // What a template has after the response would close the begun answer.
    if (!layout.is_chat()) return tokenizer.encode(layout.before_response(prompt) + trick.begin).ids;
    return encode_example(tokenizer, &layout, prompt, trick.begin, {.append_eos = false, .max_length = 0}, before).ids;
  }

  const AttackInputs& inputs_;
  std::vector<PromptTrick> tricks_;
};

class SamplingAttack : public Attack {
 public:
  explicit SamplingAttack(const AttackInputs& inputs) : inputs_(inputs) {}

  std::vector<std::string> parts() const override { return {"best of " + std::to_string(inputs_.budget.samples)}; }

  std::vector<AttackOutcome> run(std::size_t, const AttackedModel& victim) const override {
    const auto start = std::chrono::steady_clock::now();
    const auto samples = static_cast<std::size_t>(inputs_.budget.samples);
    const EvaluationOptions& options = inputs_.meter.options();
    std::vector<std::vector<int>> prompts;
    for (const Question& question : inputs_.meter.harmful()) {
      const std::vector<int> ids =
          encode_prompt(inputs_.meter.tokenizer(), options.layout, question.prompt, question.before);
      prompts.insert(prompts.end(), samples, ids);
    }
    const CausalLM model = victim.view();
    const std::string title = "sampling, " + victim.name;
    const std::vector<std::string> texts = answers_to(prompts, model, inputs_.meter, {.temperature = 1}, title);
    std::vector<std::vector<std::string>> answers;
    for (std::size_t i = 0; i < texts.size(); i += samples)
      answers.emplace_back(texts.begin() + static_cast<std::ptrdiff_t>(i),
                           texts.begin() + static_cast<std::ptrdiff_t>(i + samples));
    AttackOutcome outcome;
    outcome.settings = {{"temperature", 1}, {"samples", inputs_.budget.samples}};
    outcome.seconds = seconds_since(start);
    outcome.answers = inputs_.meter.worst(answers, title);
    return {std::move(outcome)};
  }

 private:
  const AttackInputs& inputs_;
};

}  // namespace

std::unique_ptr<Attack> make_prompts(const AttackInputs& inputs) {
  return std::make_unique<PromptAttack>(inputs);
}

std::unique_ptr<Attack> make_sampling(const AttackInputs& inputs) {
  return std::make_unique<SamplingAttack>(inputs);
}

}  // namespace lethe
