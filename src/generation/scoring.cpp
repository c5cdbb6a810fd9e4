#include "generation/scoring.h"

#include "core/error.h"
#include "core/interrupt.h"
#include "nn/packed_batch.h"
#include "nn/token_losses.h"

namespace lethe {
namespace {

void check_row(const CausalLM& model, const std::vector<int>& row, std::size_t number) {
  const std::int64_t most = model.spec().max_positions;
  if (!row.empty() && (most == 0 || static_cast<std::int64_t>(row.size()) <= most)) return;
  throw bad_input("cannot score row " + std::to_string(number))
      .wanted(most == 0 ? "at least one token" : "1 to " + with_commas(static_cast<std::uint64_t>(most)) + " tokens")
      .found(with_commas(row.size()));
}

}  // namespace

std::vector<std::vector<float>> score_rows(const CausalLM& model, std::span<const std::vector<int>> rows,
                                           const ScoringOptions& options) {
  const at::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < rows.size(); ++i) check_row(model, rows[i], i + 1);
  std::vector<std::vector<float>> scores(rows.size());
  const Head head = model.head();
  for (std::size_t begin = 0; begin < rows.size();) {
    stop_if_interrupted();
    PackBuilder pack;
    std::vector<std::int64_t> predictors, targets;
    std::size_t end = begin;
    while (end < rows.size() &&
           (end == begin || pack.tokens() + static_cast<std::int64_t>(rows[end].size()) <= options.batch_tokens)) {
      const std::int64_t first = pack.tokens();
      pack.add(rows[end]);
      for (std::size_t j = 0; j + 1 < rows[end].size(); ++j) {
        predictors.push_back(first + static_cast<std::int64_t>(j));
        targets.push_back(rows[end][j + 1]);
      }
      ++end;
    }
    const PackedBatch batch = pack.build(model.device());
    const at::Tensor where = at::tensor(predictors, at::kLong).to(model.device());
    const at::Tensor hidden = model.hidden(batch).index_select(0, where);
    const at::Tensor found = log_probabilities(hidden, head, at::tensor(targets, at::kLong).to(model.device()))
                                 .to(at::kCPU, at::kFloat)
                                 .contiguous();
    const float* value = found.const_data_ptr<float>();
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t count = rows[i].size() - 1;
      scores[i].assign(value, value + count);
      value += count;
    }
    begin = end;
    if (options.progress) options.progress(end);
  }
  return scores;
}

}  // namespace lethe
