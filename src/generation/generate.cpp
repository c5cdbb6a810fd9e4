#include "generation/generate.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <deque>

#include "core/interrupt.h"
#include "generation/running_batch.h"

namespace lethe {
namespace {

class Decoding {
 public:
  Decoding(const CausalLM& model, std::span<const std::vector<int>> prompts, const GenerationOptions& options)
      : model_(model), prompts_(prompts), options_(options), results_(prompts.size()) {}

  std::vector<Generated> run() {
    std::deque<std::size_t> waiting;
    std::int64_t capacity = 0;
    for (std::size_t i = 0; i < prompts_.size(); ++i) {
      check_prompt(model_, prompts_[i], "cannot answer prompt " + std::to_string(i + 1));
      const std::int64_t limit = new_tokens_within(model_, prompts_[i].size(), options_.max_new_tokens);
      if (limit <= 0) {
        ended();
        continue;
      }
      capacity = std::max(capacity, static_cast<std::int64_t>(prompts_[i].size()) + limit);
      waiting.push_back(i);
    }
    RunningBatch batch(model_, {.batch = std::min(options_.batch, static_cast<std::int64_t>(waiting.size())),
                                .cache_bytes = options_.cache_bytes,
                                .capacity = capacity});
    while (!waiting.empty() || batch.rows() > 0) {
      while (!waiting.empty() && batch.add(row(waiting.front()))) waiting.pop_front();
      if (batch.prefill()) continue;               // places that became free are taken before the next step
      if (!options_.token) stop_if_interrupted();  // the token callback decides for itself
      batch.decode();
    }
    return std::move(results_);
  }

 private:
  BatchRow row(std::size_t index) {
    return {.prompt = prompts_[index],
            .max_new_tokens = options_.max_new_tokens,
            .sampling = options_.sampling,
            .stop_ids = options_.stop_ids,
            .stream = RandomStream(options_.seed, "generate", index),
            .token = [this, index](const ChosenToken& token) { return take(index, token); },
            .ended = [this](bool) { ended(); }};
  }

  bool take(std::size_t index, const ChosenToken& token) {
    if (token.stops) {
      results_[index].stopped = true;
      return false;
    }
    results_[index].ids.push_back(token.id);
    return !options_.token || options_.token(index, token.id);
  }

  void ended() {
    ++ended_;
    if (options_.progress) options_.progress(ended_);
  }

  const CausalLM& model_;
  std::span<const std::vector<int>> prompts_;
  const GenerationOptions& options_;
  std::vector<Generated> results_;
  std::size_t ended_ = 0;
};

}  // namespace

std::vector<Generated> generate(const CausalLM& model, std::span<const std::vector<int>> prompts,
                                const GenerationOptions& options) {
  const c10::InferenceMode inference;
  return Decoding(model, prompts, options).run();
}

}  // namespace lethe
