// Packs examples into one batch. A prompt that several responses share is stored once.
#pragma once

#include <ATen/ATen.h>

#include <span>
#include <vector>

#include "nn/packed_batch.h"
#include "prompts/template.h"

namespace lethe {

/// The response tokens of one example within a pack: entries [begin, end) of PackedExamples::predictors and targets.
struct ResponseSpan {
  std::int64_t begin = 0, end = 0;
  std::int64_t size() const { return end - begin; }
};

/// A pack, and where each example's response is predicted.
struct PackedExamples {
  PackedBatch batch;
  at::Tensor predictors;            ///< [N] int64: token of the pack whose hidden state predicts the target
  at::Tensor targets;               ///< [N] int64: the response tokens
  std::vector<ResponseSpan> spans;  ///< one per example, in the order they were added
  std::int64_t real_tokens =
      0;  ///< Σ tokens of the examples, shared prompts counted for each (what padding-free rows would hold)
};

struct PackingOptions {
  bool share_prompts = true;
  /// Rows longer than this share no prompt (rotary embeddings whose frequencies depend on row length); 0: no bound
  std::int64_t share_limit = 0;
};

class ExamplePacker {
 public:
  explicit ExamplePacker(const PackingOptions& options = {}) : options_(options) {}

  /// Adds examples with a common beginning (one prompt's responses). Tokens that all of them share before their
  /// responses are stored once.
  /// @throws Error if an example has no response token
  void add_group(std::span<const Example> examples);
  void add(const Example& example) { add_group({&example, 1}); }
  std::size_t examples() const { return spans_.size(); }
  /// Tokens in the pack so far.
  std::int64_t tokens() const { return pack_.tokens(); }
  std::span<const ResponseSpan> spans() const { return spans_; }
  /// Response tokens so far: where the next example's begin in predictors and targets.
  std::int64_t response_tokens() const { return static_cast<std::int64_t>(targets_.size()); }
  PackedExamples build(at::Device device = at::kCPU) const;

 private:
  PackingOptions options_;
  PackBuilder pack_;
  std::vector<std::int64_t> predictors_, targets_;
  std::vector<ResponseSpan> spans_;
  std::int64_t real_tokens_ = 0;
};

}  // namespace lethe
