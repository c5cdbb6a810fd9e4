#include "data/sampler.h"

#include <algorithm>
#include <numeric>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/redaction.h"

namespace lethe {

EpochOrder::EpochOrder(std::size_t count, std::uint64_t seed, std::string purpose)
    : count_(count), seed_(seed), purpose_(std::move(purpose)), order_(count) {}

std::size_t EpochOrder::at(std::uint64_t position) {
  if (count_ == 0) throw Error("cannot draw rows: there are none");
  const std::uint64_t epoch = position / count_;
  if (epoch != epoch_) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    RandomStream stream(seed_, purpose_, epoch);
    stream.shuffle(order_);
    epoch_ = epoch;
  }
  return order_[position % count_];
}

ResponsePool::ResponsePool(std::span<const Pair> pairs) {
  for (const Pair& pair : pairs) {
    const auto [found, is_new] = index_.emplace(pair.response, texts_.size());
    if (is_new) texts_.push_back(pair.response);
    auto& own = by_prompt_[prompt_key(pair)];
    if (std::find(own.begin(), own.end(), found->second) == own.end()) own.push_back(found->second);
  }
}

std::vector<std::size_t> ResponsePool::forbidden(const Pair& pair) const {
  std::vector<std::size_t> list;
  if (const auto found = by_prompt_.find(prompt_key(pair)); found != by_prompt_.end()) list = found->second;
  if (const auto found = index_.find(pair.response); found != index_.end()) list.push_back(found->second);
  std::sort(list.begin(), list.end());
  list.erase(std::unique(list.begin(), list.end()), list.end());
  return list;
}

std::size_t ResponsePool::available(const Pair& pair) const {
  return texts_.size() - forbidden(pair).size();
}

std::vector<std::string> ResponsePool::draw(const Pair& pair, std::size_t k, RandomStream& stream) const {
  const std::vector<std::size_t> left_out = forbidden(pair);
  const std::size_t count = texts_.size() - left_out.size();
  if (count < k) {
    throw bad_input("cannot draw random responses (sku.k)")
        .with("prompt", shown_text(pair.prompt))
        .wanted(std::to_string(k) + " responses of other prompts")
        .found(std::to_string(count))
        .hint("more harmful pairs, or a smaller sku.k");
  }
  std::vector<std::string> drawn;
  for (std::size_t place : stream.sample(count, k)) {
    for (const std::size_t skipped : left_out) place += skipped <= place;  // left_out is ascending
    drawn.push_back(texts_[place]);
  }
  return drawn;
}

StepSampler::StepSampler(std::vector<Pair> harmful, std::vector<Pair> normal, const SamplerOptions& options)
    : harmful_(std::move(harmful)),
      normal_(std::move(normal)),
      options_(options),
      harmful_order_(harmful_.size(), options.seed, "harmful rows"),
      normal_order_(normal_.size(), options.seed, "normal rows"),
      pool_(options.draw == SamplerOptions::Draw::harmful ? harmful_ : normal_) {
  if (options_.k == 0) return;
  for (const Pair& pair : harmful_) {
    stop_if_interrupted();
    if (pool_.available(pair) >= options_.k) continue;
    RandomStream stream(options_.seed, "random responses");
    pool_.draw(pair, options_.k, stream);  // says what is missing
  }
}

StepRows StepSampler::rows(std::uint64_t step) {
  StepRows rows;
  RandomStream stream(options_.seed, "random responses", step);
  for (std::size_t i = 0; i < options_.batch; ++i) {
    const std::uint64_t position = step * options_.batch + i;
    if (!harmful_.empty()) {
      rows.harmful.push_back(harmful_[harmful_order_.at(position)]);
      rows.random.push_back(options_.k == 0 ? std::vector<std::string>{}
                                            : pool_.draw(rows.harmful.back(), options_.k, stream));
    }
    if (!normal_.empty()) rows.normal.push_back(normal_[normal_order_.at(position)]);
  }
  return rows;
}

}  // namespace lethe
