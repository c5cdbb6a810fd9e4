#include "objectives/packing.h"

#include <algorithm>

#include "core/error.h"
#include "tensors/device.h"

namespace lethe {
namespace {

/// How many leading tokens all examples share before any response begins; the token that predicts the first response
/// token may be one of them.
std::size_t common_prefix(std::span<const Example> examples) {
  std::vector<std::span<const int>> prompts;
  for (const Example& example : examples) prompts.push_back(std::span(example.ids).first(example.response_begin));
  return common_beginning(prompts);
}

}  // namespace

void ExamplePacker::add_group(std::span<const Example> examples) {
  if (examples.empty()) return;
  std::size_t longest = 0;
  for (const auto& example : examples) {
    if (example.response_begin == 0 || example.response_begin >= example.ids.size()) {
      throw Error("cannot pack an example")
          .wanted("a prompt token and a response token")
          .found("a response cut away entirely, or no prompt");
    }
    longest = std::max(longest, example.ids.size());
    real_tokens_ += static_cast<std::int64_t>(example.ids.size());
  }
  const bool may_share = options_.share_prompts && examples.size() > 1 &&
                         (options_.share_limit == 0 || static_cast<std::int64_t>(longest) <= options_.share_limit);
  const std::size_t shared = may_share ? common_prefix(examples) : 0;
  const std::int64_t prompt_begin = pack_.tokens();
  const int prompt = shared > 0 ? pack_.add(examples[0].ids, 0, shared, -1) : -1;
  for (const auto& example : examples) {
    // Token j of the example lies at `own + j - shared` of the pack, or in the shared prompt.
    const std::int64_t own = pack_.tokens();
    pack_.add(example.ids, shared, example.ids.size(), prompt);
    ResponseSpan span{static_cast<std::int64_t>(targets_.size()), 0};
    for (std::size_t j = example.response_begin; j < example.ids.size(); ++j) {
      const std::size_t before = j - 1;
      predictors_.push_back(before < shared ? prompt_begin + static_cast<std::int64_t>(before)
                                            : own + static_cast<std::int64_t>(before - shared));
      targets_.push_back(example.ids[j]);
    }
    span.end = static_cast<std::int64_t>(targets_.size());
    spans_.push_back(span);
  }
}

PackedExamples ExamplePacker::build(at::Device device) const {
  return {pack_.build(device), to_device(at::tensor(predictors_, at::kLong), device),
          to_device(at::tensor(targets_, at::kLong), device), spans_, real_tokens_};
}

}  // namespace lethe
