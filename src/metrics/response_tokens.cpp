#include "metrics/response_tokens.h"

#include <algorithm>
#include <numeric>

#include "metrics/grouped_scoring.h"
#include "nn/token_losses.h"

namespace lethe {
namespace {

/// Of all response tokens of a pack: [N] float64 each, on the CPU.
struct TokenTable {
  at::Tensor log_probabilities, right, means, variances;
};

// In chunks of positions, so that only some millions of logits exist at a time.
TokenTable token_table(const at::Tensor& states, const Head& head, const at::Tensor& targets, bool moments) {
  constexpr std::int64_t kMostLogits = 6'000'000;
  const std::int64_t rows = std::max<std::int64_t>(1, kMostLogits / head.weight.size(0));
  std::vector<at::Tensor> log_probabilities, right, means, variances;
  for (std::int64_t begin = 0; begin < states.size(0); begin += rows) {
    const std::int64_t end = std::min(begin + rows, states.size(0));
    const at::Tensor wanted = targets.slice(0, begin, end);
    const at::Tensor each = head.logits(states.slice(0, begin, end)).log_softmax(-1);  // [n, V]
    log_probabilities.push_back(each.gather(1, wanted.unsqueeze(1)).squeeze(1));
    right.push_back(each.argmax(-1).eq(wanted));
    if (!moments) continue;
    const at::Tensor probabilities = each.exp();
    means.push_back((probabilities * each).sum(-1));
    variances.push_back((probabilities * (each - means.back().unsqueeze(1)).square()).sum(-1));
  }
  const auto joined = [](const std::vector<at::Tensor>& parts) {
    return parts.empty() ? at::Tensor() : at::cat(parts).to(at::kCPU, at::kDouble).contiguous();
  };
  return {joined(log_probabilities), joined(right), joined(means), joined(variances)};
}

std::vector<double> part_of(const at::Tensor& values, const ResponseSpan& span) {
  if (!values.defined()) return {};
  const double* first = values.const_data_ptr<double>();
  return {first + span.begin, first + span.end};
}

}  // namespace

double ResponseTokens::loss() const {
  if (log_probabilities.empty()) return 0;
  return -std::accumulate(log_probabilities.begin(), log_probabilities.end(), 0.0) /
         static_cast<double>(log_probabilities.size());
}

std::vector<std::vector<ResponseTokens>> response_tokens(const CausalLM& model,
                                                         std::span<const std::vector<Example>> groups,
                                                         const ResponseTokensOptions& options) {
  std::vector<std::vector<ResponseTokens>> found(groups.size());
  const Head head = model.head();
  score_groups(
      model, groups.size(), [&](std::size_t i) { return groups[i]; },
      [&](const ScoredPack& pack) {
        const TokenTable table = token_table(pack.states, head, pack.packed.targets, options.moments);
        std::size_t next = 0;
        for (std::size_t i = pack.begin; i < pack.end; ++i) {
          for (std::size_t j = 0; j < groups[i].size(); ++j) {
            const ResponseSpan& span = pack.packed.spans[next++];
            ResponseTokens tokens;
            tokens.log_probabilities = part_of(table.log_probabilities, span);
            for (const double hit : part_of(table.right, span)) tokens.right.push_back(hit != 0 ? 1 : 0);
            tokens.means = part_of(table.means, span);
            tokens.variances = part_of(table.variances, span);
            found[i].push_back(std::move(tokens));
          }
        }
      },
      options.progress);
  return found;
}

}  // namespace lethe
