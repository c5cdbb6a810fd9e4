// Texts for a model and from it: responses as tokens with their place in the file, and greedy answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "benchmarks/benchmark.h"
#include "core/error.h"
#include "data/file_report.h"
#include "metrics/response_tokens.h"

namespace lethe {

/// Where a text comes from, for errors.
struct TextPlace {
  std::string source;
  std::uint64_t line = 0;
};

/// Checks that the model has these tokens in its vocabulary, and positions for them.
/// @throws Error (bad input) naming the place
void check_tokens(const BenchmarkedModel& model, const std::vector<int>& ids, const TextPlace& place);

/// A response after its prompt in a template.
/// @throws Error (bad input) naming the place if the response has no token, or as check_tokens()
Example response_example(const BenchmarkedModel& model, const Template& layout, const std::string& prompt,
                         const std::string& response, const TextPlace& place);

/// The error of a model whose log-probabilities of this text are NaN or infinite.
Error not_finite(const TextPlace& place);

/// The mean loss a token, nats. @throws not_finite()
double finite_loss(const ResponseTokens& tokens, const TextPlace& place);

/// Greedy answers to prompts of token ids, as they are.
std::vector<std::string> greedy_answers(const BenchmarkedModel& model, const std::vector<std::vector<int>>& prompts,
                                        std::int64_t max_new_tokens, const std::string& title);

/// Prints how each file was understood.
void report_files(const std::vector<FileReport>& files);

/// The first `limit` entries; 0: all.
template <class Entry>
void keep_first(std::vector<Entry>& entries, std::size_t limit) {
  if (limit > 0 && entries.size() > limit) entries.resize(limit);
}

}  // namespace lethe
