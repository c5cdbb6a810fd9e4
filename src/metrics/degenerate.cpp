#include "metrics/degenerate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "data/words.h"

namespace lethe {
namespace {

std::vector<std::string> words_in(std::string_view text) {
  return words_of(normal_form(text));
}

}  // namespace

const char* name_of(Degeneracy kind) {
  switch (kind) {
    case Degeneracy::empty:
      return "empty";
    case Degeneracy::repeating:
      return "repeating";
    case Degeneracy::gibberish:
      return "gibberish";
    case Degeneracy::none:
      break;
  }
  return "none";
}

void DegenerateDetector::Order::add(const std::vector<std::string>& text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    ++words[text[i]];
    ++total;
    if (i > 0) ++pairs[text[i - 1] + " " + text[i]];
  }
}

double DegenerateDetector::Order::gain(const std::vector<std::string>& text) const {
  const auto count = [](const auto& map, const std::string& key) {
    const auto found = map.find(key);
    return found == map.end() ? 0.0 : static_cast<double>(found->second);
  };
  double sum = 0;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const double alone = (count(words, text[i]) + 0.5) / (static_cast<double>(total) + 1);
    const double before = count(words, text[i - 1]);
    const double pair = count(pairs, text[i - 1] + " " + text[i]);
    constexpr double kWeight = 2;  // weight of the word-choice model, in counts
    sum += std::log((pair + kWeight * alone) / (before + kWeight) / alone);
  }
  return sum / static_cast<double>(text.size() - 1);
}

DegenerateDetector::DegenerateDetector(std::span<const std::string> texts) {
  constexpr std::size_t kFolds = 5, kFewest = 50, kShortest = 6;
  std::vector<std::vector<std::string>> all;
  std::set<std::string> seen;
  for (const std::string& text : texts) {
    auto words = words_in(text);
    if (words.size() >= kShortest && seen.insert(normal_form(text)).second) all.push_back(std::move(words));
  }
  if (all.size() < kFewest) return;
  std::vector<double> gains;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    Order rest;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i % kFolds != fold) rest.add(all[i]);
    }
    for (std::size_t i = fold; i < all.size(); i += kFolds) gains.push_back(rest.gain(all[i]));
  }
  std::sort(gains.begin(), gains.end());
  threshold_ = gains[gains.size() / 50];
  for (const auto& words : all) order_.add(words);
  knows_order_ = true;
}

Degeneracy DegenerateDetector::check(std::string_view text) const {
  const std::vector<std::string> words = words_in(text);
  if (words.empty()) return Degeneracy::empty;
  std::size_t run = 1;
  std::set<std::string> pairs;
  for (std::size_t i = 1; i < words.size(); ++i) {
    run = words[i] == words[i - 1] ? run + 1 : 1;
    if (run >= 4) return Degeneracy::repeating;
    pairs.insert(words[i - 1] + " " + words[i]);
  }
  if (words.size() >= 12 && 2 * pairs.size() < words.size() - 1) return Degeneracy::repeating;
  if (knows_order_ && words.size() >= 6 && order_.gain(words) < threshold_) return Degeneracy::gibberish;
  return Degeneracy::none;
}

}  // namespace lethe
