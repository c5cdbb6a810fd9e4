#include "data/splits.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/random.h"
#include "data/groups.h"
#include "data/tfidf.h"

namespace lethe {
namespace {

void check_shares(const std::vector<double>& shares) {
  double sum = 0;
  for (const double share : shares) {
    if (!(share >= 0))
      throw bad_usage("cannot split the data").wanted("shares of at least 0").found(std::to_string(share));
    sum += share;
  }
  if (sum > 1 + 1e-9)
    throw bad_usage("cannot split the data").wanted("shares that sum to at most 1").found(std::to_string(sum));
}

}  // namespace

SplitBy split_by_named(const std::string& word) {
  if (const auto by = from_word<SplitBy>(word)) return *by;
  throw bad_usage("cannot split the data").wanted("by prompt or similarity").found(excerpt(word));
}

std::vector<std::size_t> similarity_groups(std::span<const std::string> prompts, double threshold) {
  std::vector<SparseVector> vectors;
  const std::vector<std::string_view> texts(prompts.begin(), prompts.end());
  Tfidf(texts, {.shortest_word = 2}, &vectors);
  Groups groups(prompts.size());
  // Dot products through an inverted index: only prompts that share a word are compared.
  std::unordered_map<std::size_t, std::vector<std::pair<std::size_t, double>>> index;
  std::unordered_map<std::size_t, double> scores;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    stop_if_interrupted();
    scores.clear();
    for (const auto& [word, weight] : vectors[i]) {
      for (const auto& [other, their_weight] : index[word]) scores[other] += weight * their_weight;
      index[word].emplace_back(i, weight);
    }
    for (const auto& [other, score] : scores) {
      if (score > threshold) groups.join(i, other);
    }
  }
  std::vector<std::size_t> first(prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) first[i] = groups.find(i);
  return first;
}

Parts assign_parts(std::span<const Pair> pairs, const std::vector<double>& shares, SplitBy by, double cosine,
                   std::uint64_t seed) {
  check_shares(shares);
  // Sorts the prompts, so that the order of the rows does not matter.
  std::map<std::string, std::size_t> places;
  for (const Pair& pair : pairs) places.emplace(prompt_key(pair), 0);
  std::vector<std::string> prompts;
  for (auto& [prompt, place] : places) {
    place = prompts.size();
    prompts.push_back(prompt);
  }
  std::vector<std::size_t> group(prompts.size());
  std::iota(group.begin(), group.end(), std::size_t{0});
  if (by == SplitBy::similarity) group = similarity_groups(prompts, cosine);

  Parts parts;
  parts.prompts.assign(shares.size() + 1, 0);
  std::vector<std::size_t> part(prompts.size(), shares.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    parts.groups += group[i] == i;
    const double place = static_cast<double>(stable_hash(prompts[group[i]], seed) >> 11) * 0x1p-53;
    double end = 0;
    for (std::size_t j = 0; j < shares.size() && part[i] == shares.size(); ++j) {
      end += shares[j];
      if (place < end + 1e-9) part[i] = j;
    }
    ++parts.prompts[part[i]];
  }
  for (const Pair& pair : pairs) parts.of_pair.push_back(part[places.at(prompt_key(pair))]);
  return parts;
}

Split split_pairs(std::span<const Pair> pairs, const SplitOptions& options, std::uint64_t seed) {
  const Parts parts = assign_parts(pairs, {options.train, options.validation, options.test}, options.by, options.cosine,
                                   stable_hash("a run's split", seed));  // unlike `lethe split` of the same seed
  Split split;
  split.groups = parts.groups;
  split.prompts_train = parts.prompts[0];
  split.prompts_validation = parts.prompts[1];
  split.prompts_test = parts.prompts[2];
  split.prompts_unused = parts.prompts[3];
  std::vector<Pair>* const lists[] = {&split.train, &split.validation, &split.test};
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    if (parts.of_pair[i] < 3) lists[parts.of_pair[i]]->push_back(pairs[i]);
  }
  return split;
}

}  // namespace lethe
