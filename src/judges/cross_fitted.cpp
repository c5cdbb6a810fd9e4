#include "judges/cross_fitted.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "core/random.h"
#include "data/groups.h"
#include "data/splits.h"
#include "data/words.h"

namespace lethe {
namespace {

// A response without a prompt counts as its own prompt.
std::string key_of(std::string_view prompt, std::string_view response) {
  return prompt.empty() ? "\n" + normal_form(response) : normal_form(prompt);
}

class PromptGroups {
 public:
  void add(const std::string& prompt) {
    if (!places_.emplace(prompt, prompts_.size()).second) return;
    prompts_.push_back(prompt);
    groups_.add();
  }
  void join(const std::string& a, const std::string& b) { groups_.join(places_.at(a), places_.at(b)); }
  void join_alike(double cosine) {
    const std::vector<std::size_t> first = similarity_groups(prompts_, cosine);
    for (std::size_t i = 0; i < first.size(); ++i) groups_.join(i, first[i]);
  }
  // The prompt that represents a prompt's group.
  const std::string& group_of(const std::string& prompt) { return prompts_[groups_.find(places_.at(prompt))]; }
  const std::vector<std::string>& prompts() const { return prompts_; }

 private:
  std::map<std::string, std::size_t> places_;
  std::vector<std::string> prompts_;
  Groups groups_;
};

// Makes folds with similar numbers of responses: assigns groups, largest first, to the smallest fold.
std::map<std::string, std::size_t> deal(const std::map<std::string, std::size_t>& sizes, std::size_t folds,
                                        std::uint64_t seed) {
  std::vector<std::pair<std::string, std::size_t>> groups(sizes.begin(), sizes.end());
  std::sort(groups.begin(), groups.end(), [&](const auto& a, const auto& b) {
    if (a.second != b.second) return a.second > b.second;
    return stable_hash(a.first, seed) < stable_hash(b.first, seed);
  });
  std::vector<std::size_t> loads(folds, 0);
  std::map<std::string, std::size_t> fold;
  for (const auto& [group, size] : groups) {
    const auto emptiest = std::min_element(loads.begin(), loads.end());
    fold[group] = static_cast<std::size_t>(emptiest - loads.begin());
    *emptiest += size;
  }
  return fold;
}

// The fold of each prompt whose group has responses.
std::map<std::string, std::size_t> fold_prompts(const std::vector<LabelledResponse>& responses,
                                                std::span<const Exchange> known, bool by_likeness, std::uint64_t seed,
                                                const CrossFitOptions& options) {
  PromptGroups groups;
  std::map<std::string, std::string> prompt_of_answer;
  const auto tie = [&](std::string_view prompt, std::string_view response) {
    const std::string key = key_of(prompt, response), answer = normal_form(response);
    groups.add(key);
    if (!by_likeness || answer.empty()) return;
    const auto [first, fresh] = prompt_of_answer.emplace(answer, key);
    if (!fresh) groups.join(first->second, key);
  };
  for (const LabelledResponse& response : responses) tie(response.prompt, response.response);
  for (const Exchange& exchange : known) tie(exchange.prompt, exchange.response);
  if (by_likeness) groups.join_alike(options.cosine);

  std::map<std::string, std::size_t> sizes;
  for (const LabelledResponse& response : responses)
    ++sizes[groups.group_of(key_of(response.prompt, response.response))];
  const std::map<std::string, std::size_t> fold_of_group = deal(sizes, options.folds, seed);
  std::map<std::string, std::size_t> fold;
  for (const std::string& prompt : groups.prompts()) {
    const auto found = fold_of_group.find(groups.group_of(prompt));
    if (found != fold_of_group.end()) fold[prompt] = found->second;
  }
  return fold;
}

using Places = std::vector<std::size_t>;

// The training set of each fold's classifier.
std::vector<Places> training_sets(const std::vector<LabelledResponse>& responses,
                                  const std::map<std::string, std::size_t>& fold, std::size_t folds) {
  std::vector<Places> sets(folds);
  for (std::size_t i = 0; i < responses.size(); ++i) {
    const std::size_t own = fold.at(key_of(responses[i].prompt, responses[i].response));
    for (std::size_t f = 0; f < folds; ++f) {
      if (f != own) sets[f].push_back(i);
    }
  }
  return sets;
}

// Whether every fold leaves at least half of each class to learn from.
bool balanced(const std::vector<LabelledResponse>& responses, const std::vector<Places>& sets) {
  const auto harmful = [&](const Places& places) {
    return static_cast<std::size_t>(
        std::count_if(places.begin(), places.end(), [&](std::size_t place) { return responses[place].harmful; }));
  };
  Places all(responses.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  const std::size_t total = harmful(all);
  return std::all_of(sets.begin(), sets.end(), [&](const Places& places) {
    const std::size_t some = harmful(places);
    return 2 * some >= total && 2 * (places.size() - some) >= responses.size() - total;
  });
}

HeldOutFigures measured(const std::vector<Scored>& scored) {
  HeldOutFigures figures;
  figures.cases = scored.size();
  for (const Scored& one : scored) figures.harmful += one.second;
  figures.auc = area_under_curve(scored).value_or(0);
  figures.accuracy = accuracy(scored);
  figures.calibration = calibration(scored);
  return figures;
}

}  // namespace

CrossFittedClassifier CrossFittedClassifier::train(const std::vector<LabelledResponse>& responses,
                                                   std::span<const Exchange> known, std::uint64_t seed,
                                                   const CrossFitOptions& options) {
  CrossFittedClassifier judge;
  judge.whole_ = Classifier::train(responses, options.classifier);
  std::vector<Places> sets;
  for (const bool by_likeness : {true, false}) {
    judge.by_likeness_ = by_likeness;
    judge.fold_ = fold_prompts(responses, known, by_likeness, seed, options);
    sets = training_sets(responses, judge.fold_, options.folds);
    if (balanced(responses, sets)) break;
  }
  for (const Places& places : sets) judge.folds_.push_back(Classifier::train(responses, places, options.classifier));
  std::vector<Scored> scored;
  for (const LabelledResponse& response : responses) {
    const std::size_t fold = judge.fold_.at(key_of(response.prompt, response.response));
    scored.emplace_back(judge.folds_[fold].harm(response.response), response.harmful);
  }
  judge.whole_.figures = measured(scored);
  return judge;
}

const Classifier& CrossFittedClassifier::for_prompt(std::string_view prompt) const {
  const auto found = fold_.find(normal_form(prompt));
  return found == fold_.end() ? whole_ : folds_[found->second];
}

std::vector<Verdict> CrossFittedClassifier::judge(std::span<const Exchange> exchanges,
                                                  const JudgeProgress& progress) const {
  std::map<const Classifier*, Places> asked;
  for (std::size_t i = 0; i < exchanges.size(); ++i) asked[&for_prompt(exchanges[i].prompt)].push_back(i);
  std::vector<Verdict> verdicts(exchanges.size());
  std::size_t done = 0;
  for (const auto& [classifier, places] : asked) {
    std::vector<Exchange> own;
    for (const std::size_t place : places) own.push_back(exchanges[place]);
    const std::vector<Verdict> some = classifier->judge(own, [&](std::size_t now) {
      if (progress) progress(done + now);
    });
    for (std::size_t i = 0; i < places.size(); ++i) verdicts[places[i]] = some[i];
    done += places.size();
  }
  return verdicts;
}

std::string CrossFittedClassifier::describe() const {
  return whole_.describe() + ", each answer judged by one that learned nothing from " +
         (by_likeness_ ? "its prompt or similar ones"
                       : "its prompt (but from similar prompts: most of these are alike)");
}

}  // namespace lethe
