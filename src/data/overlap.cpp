#include "data/overlap.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <unordered_map>

#include "core/interrupt.h"
#include "core/random.h"
#include "data/words.h"

namespace lethe {
namespace {

using Shingles = std::vector<std::uint64_t>;  // sorted, each once

Shingles shingles_of(const std::string& normal, std::size_t length) {
  std::vector<std::uint64_t> words;
  for (const std::string& word : words_of(normal)) words.push_back(stable_hash(word));
  Shingles shingles;
  const std::size_t size = std::min(std::max<std::size_t>(length, 1), words.size());
  for (std::size_t i = 0; size > 0 && i + size <= words.size(); ++i) {
    std::uint64_t hash = size;
    for (std::size_t j = i; j < i + size; ++j) {
      hash = (hash ^ words[j]) * 0x9E3779B97F4A7C15ULL;  // the order of words matters
      hash ^= hash >> 32;
    }
    shingles.push_back(hash);
  }
  std::sort(shingles.begin(), shingles.end());
  shingles.erase(std::unique(shingles.begin(), shingles.end()), shingles.end());
  return shingles;
}

std::size_t common(const Shingles& a, const Shingles& b) {
  std::size_t count = 0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) {
      ++count;
      ++i;
      ++j;
    } else {
      ++(a[i] < b[j] ? i : j);
    }
  }
  return count;
}

class OverlapIndex {
 public:
  OverlapIndex(std::span<const std::string> evaluated, const OverlapOptions& options) : options_(options) {
    for (const std::string& prompt : evaluated) {
      const std::string normal = normal_form(prompt);
      whole_[stable_hash(normal)].push_back(shingles_.size());
      normal_.push_back(normal);
      shingles_.push_back(shingles_of(normal, options.words));
      for (const std::uint64_t shingle : shingles_.back()) ++frequency_[shingle];
    }
    for (std::size_t i = 0; i < shingles_.size(); ++i) index_rarest(i);
    best_.resize(shingles_.size());
    last_met_.resize(shingles_.size(), 0);
  }

  void meet(const std::string& training, std::size_t number) {
    ++meeting_;
    const std::string normal = normal_form(training);
    if (const auto same = whole_.find(stable_hash(normal)); same != whole_.end()) {
      for (const std::size_t i : same->second) {
        if (normal_[i] == normal) note(i, {i, number, true, 1});
      }
    }
    const Shingles theirs = shingles_of(normal, options_.words);
    for (const std::uint64_t shingle : theirs) {
      const auto found = index_.find(shingle);
      if (found == index_.end()) continue;
      for (const std::size_t i : found->second) {
        if (last_met_[i] == meeting_) continue;
        last_met_[i] = meeting_;
        compare(i, theirs, number);
      }
    }
  }

  std::vector<Overlap> found() const {
    std::vector<Overlap> all;
    for (const Overlap& overlap : best_) {
      if (overlap.similarity > 0) all.push_back(overlap);
    }
    return all;
  }

 private:
  void index_rarest(std::size_t i) {
    Shingles rarest = shingles_[i];
    std::sort(rarest.begin(), rarest.end(), [&](std::uint64_t a, std::uint64_t b) {
      const std::size_t fa = frequency_.at(a), fb = frequency_.at(b);
      return fa != fb ? fa < fb : a < b;
    });
    // An overlap shares at least `needed` shingles, so it shares one of the rarest (all but `needed` - 1).
    const double least = std::min(options_.jaccard, options_.containment);
    if (rarest.empty() || least > 1) return;
    const auto needed = std::max(1.0, std::ceil(least * static_cast<double>(rarest.size()) - 1e-9));
    rarest.resize(rarest.size() - static_cast<std::size_t>(needed) + 1);
    for (const std::uint64_t shingle : rarest) index_[shingle].push_back(i);
  }

  void compare(std::size_t i, const Shingles& theirs, std::size_t number) {
    const Shingles& ours = shingles_[i];
    const auto both = static_cast<double>(common(ours, theirs));
    const double jaccard = both / (static_cast<double>(ours.size() + theirs.size()) - both);
    const double containment = both / static_cast<double>(ours.size());
    // A prompt of few words is contained in many others by chance.
    constexpr std::size_t kFewest = 4;
    if (jaccard >= options_.jaccard - 1e-9) {
      note(i, {i, number, false, jaccard});
    } else if (ours.size() >= kFewest && containment >= options_.containment - 1e-9) {
      note(i, {i, number, false, containment});
    }
  }

  void note(std::size_t i, const Overlap& overlap) {
    const bool better = overlap.exact != best_[i].exact ? overlap.exact : overlap.similarity > best_[i].similarity;
    if (better) best_[i] = overlap;
  }

  OverlapOptions options_;
  std::vector<std::string> normal_;
  std::vector<Shingles> shingles_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> whole_, index_;
  std::unordered_map<std::uint64_t, std::size_t> frequency_;
  std::vector<Overlap> best_;
  std::vector<std::uint64_t> last_met_;
  std::uint64_t meeting_ = 0;
};

}  // namespace

std::vector<Overlap> find_overlap(std::span<const std::string> evaluated, std::span<const std::string> training,
                                  const OverlapOptions& options) {
  if (evaluated.empty()) return {};
  OverlapIndex index(evaluated, options);
  for (std::size_t i = 0; i < training.size(); ++i) {
    stop_if_interrupted();
    index.meet(training[i], i);
  }
  return index.found();
}

}  // namespace lethe
