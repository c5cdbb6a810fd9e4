// A benchmark of the field: its data are read before a model is loaded, then models are measured on them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "benchmarks/result.h"
#include "models/causal_lm.h"
#include "prompts/template.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

struct BenchmarkRequest {
  std::string name;                 ///< tofu, muse, wmdp or mmlu
  std::filesystem::path data;       ///< folder of the public files; wmdp and mmlu: or one file
  std::string split;                ///< TOFU's forget set (default: forget10), MUSE's corpus (default: news)
  std::string retain;               ///< results.json of the retain model, or its folder; "": none
  std::string reference;            ///< a model that never saw the forget set, for membership attacks; "": none
  std::size_t limit = 0;            ///< only the first rows of each set; 0: all
  std::int64_t max_new_tokens = 0;  ///< of an answer; 0: as the benchmark's authors
};

/// A loaded model; the references must outlive the measurement.
struct BenchmarkedModel {
  const CausalLM& model;
  const Tokenizer& tokenizer;
  const Template& layout;  ///< of TOFU's prompts; the other benchmarks write their own
  std::vector<int> stop_ids;
};

class Benchmark {
 public:
  virtual ~Benchmark() = default;

  /// Whether its questions go into the prompt template.
  virtual bool uses_template() const { return false; }
  /// Mean losses of the texts of the membership attacks under a reference model, nats a token, for run(). None if this
  /// benchmark has no such attacks.
  virtual std::vector<double> reference_losses(const BenchmarkedModel& /*reference*/) const { return {}; }
  /// Measures a model. @param reference  reference_losses(), or empty: without that attack
  /// @throws Error (bad input) naming the row if a text does not fit the model
  virtual BenchmarkResult run(const BenchmarkedModel& model, std::span<const double> reference) const = 0;

  /// Questions by set, for the record.
  virtual std::vector<std::pair<std::string, std::size_t>> sizes() const = 0;
};

}  // namespace lethe
