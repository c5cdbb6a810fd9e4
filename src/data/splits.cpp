#include "data/splits.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <unordered_map>

#include "core/error.h"
#include "core/random.h"
#include "data/words.h"

namespace lethe {
namespace {

void check_options(const SplitOptions& options) {
  double sum = 0;
  for (const double share : {options.train, options.validation, options.test}) {
    if (!(share >= 0))
      throw bad_usage("cannot split the data (data.split)").wanted("shares of at least 0").found(std::to_string(share));
    sum += share;
  }
  if (sum > 1 + 1e-9)
    throw bad_usage("cannot split the data (data.split)")
        .wanted("shares that sum to at most 1")
        .found(std::to_string(sum));
  if (options.by != "prompt" && options.by != "similarity") {
    throw bad_usage("cannot split the data (data.split.by)").wanted("prompt or similarity").found(excerpt(options.by));
  }
}

struct Groups {
  std::vector<std::size_t> parent;
  explicit Groups(std::size_t count) : parent(count) { std::iota(parent.begin(), parent.end(), std::size_t{0}); }
  std::size_t find(std::size_t i) {
    while (parent[i] != i) i = parent[i] = parent[parent[i]];
    return i;
  }
  void join(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    parent[std::max(a, b)] = std::min(a, b);  // the first of a group stands for it
  }
};

using Vector = std::vector<std::pair<std::size_t, double>>;  // (word, weight), norm 1

std::vector<Vector> tfidf(std::span<const std::string> prompts) {
  std::unordered_map<std::string, std::size_t> ids;
  std::vector<std::map<std::size_t, double>> counts;
  std::vector<double> documents;
  for (const std::string& prompt : prompts) {
    std::map<std::size_t, double> words;
    for (const std::string& word : words_of(normal_form(prompt), 2))
      words[ids.emplace(word, ids.size()).first->second] += 1;
    documents.resize(ids.size());
    for (const auto& [word, count] : words) documents[word] += 1;
    counts.push_back(std::move(words));
  }
  std::vector<Vector> vectors;
  const auto total = static_cast<double>(prompts.size());
  for (const auto& words : counts) {
    Vector vector;
    double norm = 0;
    for (const auto& [word, count] : words) {
      const double weight = count * (std::log((1 + total) / (1 + documents[word])) + 1);
      vector.emplace_back(word, weight);
      norm += weight * weight;
    }
    for (auto& [word, weight] : vector) weight /= std::sqrt(norm);
    vectors.push_back(std::move(vector));
  }
  return vectors;
}

}  // namespace

std::vector<std::size_t> similarity_groups(std::span<const std::string> prompts, double threshold) {
  const std::vector<Vector> vectors = tfidf(prompts);
  Groups groups(prompts.size());
  // Dot products through an inverted index: only prompts that share a word meet.
  std::unordered_map<std::size_t, std::vector<std::pair<std::size_t, double>>> index;
  std::unordered_map<std::size_t, double> scores;
  for (std::size_t i = 0; i < vectors.size(); ++i) {
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

Split split_pairs(std::span<const Pair> pairs, const SplitOptions& options, std::uint64_t seed) {
  check_options(options);
  // Prompts in an order that the rows' order does not change.
  std::map<std::string, std::size_t> places;
  for (const Pair& pair : pairs) places.emplace(prompt_key(pair), 0);
  std::vector<std::string> prompts;
  for (auto& [prompt, place] : places) {
    place = prompts.size();
    prompts.push_back(prompt);
  }
  std::vector<std::size_t> group(prompts.size());
  std::iota(group.begin(), group.end(), std::size_t{0});
  if (options.by == "similarity") group = similarity_groups(prompts, options.cosine);

  Split split;
  const std::vector<double> ends = {options.train, options.train + options.validation,
                                    options.train + options.validation + options.test};
  std::vector<std::size_t> part(prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    split.groups += group[i] == i;
    const double place = static_cast<double>(stable_hash(prompts[group[i]], seed) >> 11) * 0x1p-53;
    part[i] = static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end() - 1, place) - ends.begin());
    if (part[i] == 2 && place >= ends[2] && ends[2] < 1 - 1e-9) part[i] = 3;
    std::uint64_t* const counts[] = {&split.prompts_train, &split.prompts_validation, &split.prompts_test,
                                     &split.prompts_unused};
    ++*counts[part[i]];
  }
  std::vector<Pair>* const lists[] = {&split.train, &split.validation, &split.test, nullptr};
  for (const Pair& pair : pairs) {
    if (auto* list = lists[part[places.at(prompt_key(pair))]]) list->push_back(pair);
  }
  return split;
}

}  // namespace lethe
