#include "metrics/perplexity.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "generation/scoring.h"
#include "metrics/grouped_scoring.h"
#include "nn/token_losses.h"

namespace lethe {
namespace {

/// A window, and how many of its last tokens are new in it.
struct Window {
  std::vector<int> ids;
  std::size_t fresh = 0;
};

void cut_into_windows(const std::vector<int>& ids, std::size_t length, std::size_t stride, std::vector<Window>& all) {
  std::size_t covered = 0;
  for (std::size_t begin = 0; covered < ids.size(); begin += stride) {
    const std::size_t end = std::min(begin + length, ids.size());
    all.push_back({{ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.begin() + static_cast<std::ptrdiff_t>(end)},
                   end - covered});
    covered = end;
  }
}

std::int64_t window_of(const CausalLM& model, const TextWindows& windows) {
  constexpr std::int64_t kLongest = 2048;
  const std::int64_t positions = model.spec().max_positions;
  if (windows.window == 0) return positions == 0 ? kLongest : std::min(positions, kLongest);
  if (windows.window < 2 || (positions > 0 && windows.window > positions)) {
    throw bad_usage("cannot measure the perplexity of text")
        .wanted("a window of 2 to " +
                (positions > 0 ? with_commas(static_cast<std::uint64_t>(positions)) : std::string("any")) + " tokens")
        .found(std::to_string(windows.window));
  }
  return windows.window;
}

}  // namespace

double Perplexity::value() const {
  return std::exp(mean());
}

Perplexity& Perplexity::operator+=(const Perplexity& other) {
  nll += other.nll;
  tokens += other.tokens;
  return *this;
}

std::vector<Perplexity> perplexities(const CausalLM& model, std::span<const Example> examples) {
  // Neighbours form a group: what all of them begin with, such as a system message, is computed once.
  constexpr std::size_t kGroupTokens = 1024;
  std::vector<std::vector<std::size_t>> groups;
  std::size_t tokens = kGroupTokens;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (examples[i].response_begin >= examples[i].ids.size()) continue;
    if (tokens + examples[i].ids.size() > kGroupTokens) {
      groups.emplace_back();
      tokens = 0;
    }
    groups.back().push_back(i);
    tokens += examples[i].ids.size();
  }
  std::vector<Perplexity> results(examples.size());
  const auto group = [&](std::size_t number) {
    std::vector<Example> rows;
    for (const std::size_t i : groups[number]) rows.push_back(examples[i]);
    return rows;
  };
  const Head head = model.head();
  const auto add_up = [&](const ScoredPack& pack) {
    const at::Tensor each =
        log_probabilities(pack.states, head, pack.packed.targets).to(at::kCPU, at::kFloat).contiguous();
    const float* value = each.const_data_ptr<float>();
    std::size_t row = 0;
    for (std::size_t number = pack.begin; number < pack.end; ++number) {
      for (const std::size_t i : groups[number]) {
        const ResponseSpan span = pack.packed.spans[row++];
        results[i].tokens = span.size();
        for (std::int64_t j = span.begin; j < span.end; ++j) results[i].nll -= value[j];
      }
    }
  };
  score_groups(model, groups.size(), group, add_up);
  return results;
}

Perplexity perplexity(const CausalLM& model, std::span<const Example> examples) {
  Perplexity result;
  for (const Perplexity& one : perplexities(model, examples)) result += one;
  return result;
}

TextPerplexity text_perplexity(const CausalLM& model, std::span<const std::vector<int>> texts,
                               const TextWindows& windows, const std::function<void(std::size_t)>& progress) {
  const std::int64_t length = window_of(model, windows), stride = windows.stride == 0 ? length / 2 : windows.stride;
  if (stride < 1 || stride > length) {
    throw bad_usage("cannot measure the perplexity of text")
        .wanted("a stride of 1 to " + std::to_string(length) + " tokens, the window")
        .found(std::to_string(stride));
  }
  TextPerplexity result;
  double documented_nll = 0, documented_tokens = 0;
  std::size_t done = 0;
  for (const std::vector<int>& text : texts) {
    Perplexity& whole = result.by_text.emplace_back();
    if (text.size() < 2) continue;
    std::vector<Window> cut;
    cut_into_windows(text, static_cast<std::size_t>(length), static_cast<std::size_t>(stride), cut);
    std::vector<std::vector<int>> rows;
    for (Window& window : cut) rows.push_back(std::move(window.ids));
    const auto scores = score_rows(model, rows);
    for (std::size_t i = 0; i < cut.size(); ++i) {
      const std::size_t predicted = std::min(cut[i].fresh, scores[i].size());
      Perplexity window;
      for (std::size_t j = scores[i].size() - predicted; j < scores[i].size(); ++j, ++window.tokens)
        window.nll -= scores[i][j];
      whole += window;
      const double counted = static_cast<double>(cut[i].fresh) - 1;
      documented_nll += counted * window.mean();
      documented_tokens += counted;
    }
    result.text += whole;
    done += cut.size();
    if (progress) progress(done);
  }
  result.documented = documented_tokens == 0 ? 0 : std::exp(documented_nll / documented_tokens);
  return result;
}

}  // namespace lethe
