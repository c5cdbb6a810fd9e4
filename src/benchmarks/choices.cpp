#include "benchmarks/choices.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "benchmarks/choice_files.h"
#include "benchmarks/texts.h"
#include "core/error.h"
#include "core/messages.h"
#include "data/benchmarks.h"
#include "metrics/multiple_choice.h"

namespace lethe {
namespace {

std::string letter_of(std::size_t choice) {
  return std::string(1, static_cast<char>('A' + choice));
}

// A broken model would otherwise score like a guessing one.
void check_finite(const std::vector<ChoiceQuestion>& questions, const std::vector<std::vector<double>>& scores) {
  for (std::size_t i = 0; i < questions.size(); ++i) {
    for (const double score : scores[i]) {
      if (!std::isfinite(score)) throw not_finite({questions[i].source, questions[i].line});
    }
  }
}

class Choices : public Benchmark {
 public:
  explicit Choices(const BenchmarkRequest& request);

  BenchmarkResult run(const BenchmarkedModel& model, std::span<const double> reference) const override;
  std::vector<std::pair<std::string, std::size_t>> sizes() const override;

 private:
  std::string name_;
  std::map<std::string, std::vector<ChoiceQuestion>> sets_;  ///< by WMDP's part, or MMLU's subject
};

Choices::Choices(const BenchmarkRequest& request) : name_(request.name) {
  for (const ChoiceFile& file : choice_files(request.name, request.data)) {
    ReadOptions options;
    if (!file.has_header) options.columns = {"question", "A", "B", "C", "D", "answer"};
    const DataSource source{file.path.string(), "", "", ""};
    LoadedChoices loaded = load_choices({&source, 1}, options, file.subject);
    report_files(loaded.files);
    for (ChoiceQuestion& question : loaded.questions) {
      if (question.kind != ChoiceKind::letters) continue;
      std::string set = file.set.empty() ? question.subject : file.set;
      std::replace(set.begin(), set.end(), ' ', '_');
      sets_[set.empty() ? "all" : set].push_back(std::move(question));
    }
  }
  if (sets_.empty()) {
    throw bad_input("cannot use the questions of " + request.name)
        .with("folder", request.data.string())
        .wanted("question, choices, answer")
        .found("TruthfulQA's columns")
        .hint("lethe evaluate --choices");
  }
  for (auto& [set, questions] : sets_) keep_first(questions, request.limit);
}

std::vector<std::pair<std::string, std::size_t>> Choices::sizes() const {
  std::vector<std::pair<std::string, std::size_t>> sizes;
  for (const auto& [set, questions] : sets_) sizes.emplace_back(set, questions.size());
  return sizes;
}

BenchmarkResult Choices::run(const BenchmarkedModel& model, std::span<const double> /*reference*/) const {
  BenchmarkResult result;
  Table table{name_, {"set", "questions", "accuracy", "95% interval", "chance"}, {}};
  std::size_t right = 0, all = 0, done = 0;
  double chance = 0;
  std::vector<double> rates;
  for (const auto& [set, questions] : sets_) all += questions.size();
  Progress progress(name_, all, "questions");
  const auto share = [](double value) { return percent(value); };
  const auto add = [&](const std::string& title, const Proportion& found, double by_chance) {
    table.rows.push_back({title, std::to_string(found.cases), share(found.rate),
                          share(found.low) + " … " + share(found.high), share(by_chance)});
  };
  std::vector<std::pair<std::string, Proportion>> figures;
  for (const auto& [set, questions] : sets_) {
    const auto scores = choice_scores(model.model, model.tokenizer, questions,
                                      [&](std::size_t of_set) { progress.update(done + of_set); });
    done += questions.size();
    check_finite(questions, scores);
    const ChoiceResult found = choice_result(questions, scores);
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const auto chosen = std::max_element(scores[i].begin(), scores[i].end()) - scores[i].begin();
      result.rows.push_back({{"set", set},
                             {"index", questions[i].index},
                             {"question", questions[i].question},
                             {"answer", letter_of(questions[i].answer)},
                             {"chosen", letter_of(static_cast<std::size_t>(chosen))},
                             {"right", found.answers[i] ? 1 : 0},
                             {"log_probabilities", scores[i]}});
    }
    right += found.right.hits;
    chance += found.chance * static_cast<double>(questions.size());
    rates.push_back(found.right.rate);
    if (sets_.size() > 1 || set != "all") {
      figures.emplace_back(set, found.right);
      add(set, found.right, found.chance);
    }
  }
  const Proportion total = proportion(right, all);
  add("all", total, all == 0 ? 0 : chance / static_cast<double>(all));
  result.add(name_ + "_acc", total, {name_ + "/acc"});
  if (sets_.size() > 1) result.add(name_ + "_acc_mean_of_sets", mean_of(rates).value);
  for (const auto& [set, found] : figures) result.add(name_ + "_" + set + "_acc", found, {name_ + "_" + set + "/acc"});
  result.tables.push_back(std::move(table));
  return result;
}

}  // namespace

std::unique_ptr<Benchmark> open_choices(const BenchmarkRequest& request) {
  for (const auto& [option, value] :
       {std::pair("--split", &request.split), {"--retain", &request.retain}, {"--reference", &request.reference}}) {
    if (value->empty()) continue;
    throw bad_usage("cannot run " + request.name)
        .wanted("no " + std::string(option) + ": only tofu and muse have it")
        .found(excerpt(*value));
  }
  return std::make_unique<Choices>(request);
}

}  // namespace lethe
