#include "benchmarks/tofu.h"

#include <array>
#include <optional>
#include <set>
#include <system_error>

#include "benchmarks/membership_attacks.h"
#include "benchmarks/retain_results.h"
#include "benchmarks/texts.h"
#include "benchmarks/tofu_figures.h"
#include "core/error.h"
#include "core/join.h"
#include "core/messages.h"
#include "core/trimmed.h"
#include "data/fields.h"
#include "data/unlearning_rows.h"
#include "metrics/memorization.h"
#include "metrics/rouge.h"
#include "metrics/truth_ratio.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kAnswerTokens = 200;

TextPlace place_of(const TofuQuestion& question) {
  return {question.source, question.line};
}

/// The losses of one question's texts, nats a token.
struct TextLosses {
  double answer = 0, paraphrase = 0;
  std::vector<double> perturbed;
};

/// The answer, the paraphrase (unless it is the answer itself), then the perturbed answers.
std::vector<Example> examples_of(const BenchmarkedModel& model, const TofuQuestion& question) {
  std::vector<std::string> texts = {question.answer};
  if (question.paraphrase != question.answer) texts.push_back(question.paraphrase);
  texts.insert(texts.end(), question.perturbed.begin(), question.perturbed.end());
  std::vector<Example> examples;
  for (const std::string& text : texts)
    examples.push_back(response_example(model, model.layout, question.question, text, place_of(question)));
  return examples;
}

TextLosses losses_of(const std::vector<ResponseTokens>& texts, const TofuQuestion& question) {
  TextLosses losses;
  losses.answer = finite_loss(texts[0], place_of(question));
  const std::size_t first_wrong = texts.size() - question.perturbed.size();
  losses.paraphrase = finite_loss(texts[first_wrong - 1], place_of(question));
  for (std::size_t i = first_wrong; i < texts.size(); ++i)
    losses.perturbed.push_back(finite_loss(texts[i], place_of(question)));
  return losses;
}

std::vector<std::vector<ResponseTokens>> score(const BenchmarkedModel& model,
                                               const std::vector<std::vector<Example>>& groups, bool moments,
                                               const std::string& title) {
  Progress progress(title, groups.size(), "questions");
  return response_tokens(model.model, groups,
                         {.moments = moments, .progress = [&](std::size_t done) { progress.update(done); }});
}

class Tofu : public Benchmark {
 public:
  explicit Tofu(const BenchmarkRequest& request);

  bool uses_template() const override { return true; }
  std::vector<double> reference_losses(const BenchmarkedModel& reference) const override;
  BenchmarkResult run(const BenchmarkedModel& model, std::span<const double> reference) const override;
  std::vector<std::pair<std::string, std::size_t>> sizes() const override;

 private:
  TofuSetScores measure(const BenchmarkedModel& model, TofuSet set, const DegenerateDetector& detector,
                        std::span<const double> reference, BenchmarkResult& result) const;
  std::vector<AttackScores> attack_holdout(const BenchmarkedModel& model, std::span<const double> reference,
                                           BenchmarkResult& result) const;
  const std::vector<TofuQuestion>& questions(TofuSet set) const { return questions_[static_cast<std::size_t>(set)]; }
  DegenerateDetector detector() const;

  std::array<std::vector<TofuQuestion>, 4> questions_;
  std::vector<TextRow> holdout_;
  std::optional<RetainResults> retained_;
  std::vector<double> retained_ratios_;
  std::int64_t max_new_tokens_;
};

// forget01, forget05, … of which the folder has the questions with perturbed answers.
std::set<std::string> splits_in(const fs::path& folder) {
  std::set<std::string> splits;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    const std::size_t end = name.find("_perturbed");
    if (name.starts_with("forget") && end != std::string::npos) splits.insert(excerpt(name.substr(0, end)));
  }
  return splits;
}

Tofu::Tofu(const BenchmarkRequest& request)
    : max_new_tokens_(request.max_new_tokens > 0 ? request.max_new_tokens : kAnswerTokens) {
  const std::string split = request.split.empty() ? "forget10" : request.split;
  for (const TofuSet set : kTofuSets) {
    const std::string name = set == TofuSet::forget ? split : word_of(set);
    const std::vector<DataSource> files = files_named(request.data, name + "_perturbed");
    if (files.empty()) {
      Error error = bad_input("cannot read TOFU's questions").with("folder", request.data.string());
      error.wanted(name + "_perturbed.json");
      const std::set<std::string> splits = splits_in(request.data);
      if (set == TofuSet::forget && !splits.empty()) throw error.found("only " + join(splits, ", ")).hint("--split");
      throw error.found("no such file");
    }
    LoadedTofu loaded = load_tofu(files);
    report_files(loaded.files);
    keep_first(loaded.questions, request.limit);
    questions_[static_cast<std::size_t>(set)] = std::move(loaded.questions);
  }
  const std::string number = split.starts_with("forget") ? split.substr(std::string("forget").size()) : "";
  if (const auto files = files_named(request.data, "holdout" + number); !files.empty()) {
    LoadedTextRows loaded = load_text_rows(files, {"question", "answer"});
    report_files(loaded.files);
    keep_first(loaded.rows, request.limit);
    holdout_ = std::move(loaded.rows);
  }
  if (!request.retain.empty()) {
    retained_ = read_retain_results(request.retain, request.name);
    retained_ratios_ = retained_ratios(*retained_, questions(TofuSet::forget));
    if (!holdout_.empty()) check_retained_size(*retained_, "holdout", holdout_.size());
  }
}

std::vector<std::pair<std::string, std::size_t>> Tofu::sizes() const {
  std::vector<std::pair<std::string, std::size_t>> sizes;
  for (const TofuSet set : kTofuSets) sizes.emplace_back(word_of(set), questions(set).size());
  sizes.emplace_back("holdout", holdout_.size());
  return sizes;
}

DegenerateDetector Tofu::detector() const {
  std::vector<std::string> answers;
  for (const std::vector<TofuQuestion>& set : questions_) {
    for (const TofuQuestion& question : set) answers.push_back(question.answer);
  }
  return DegenerateDetector(answers);
}

std::vector<double> Tofu::reference_losses(const BenchmarkedModel& reference) const {
  std::vector<std::vector<Example>> groups;
  for (const TofuQuestion& question : questions(TofuSet::forget))
    groups.push_back(
        {response_example(reference, reference.layout, question.question, question.answer, place_of(question))});
  for (const TextRow& row : holdout_)
    groups.push_back(
        {response_example(reference, reference.layout, row.texts[0], row.texts[1], {row.source, row.line})});
  std::vector<double> losses;
  for (const auto& group : score(reference, groups, false, "reference model")) losses.push_back(group[0].loss());
  return losses;
}

TofuSetScores Tofu::measure(const BenchmarkedModel& model, TofuSet set, const DegenerateDetector& detector,
                            std::span<const double> reference, BenchmarkResult& result) const {
  const bool forget = set == TofuSet::forget, options = set == TofuSet::real_authors || set == TofuSet::world_facts;
  const std::string name = word_of(set);
  std::vector<std::vector<Example>> groups;
  std::vector<std::vector<int>> prompts;
  for (const TofuQuestion& question : questions(set)) {
    groups.push_back(examples_of(model, question));
    prompts.push_back(encode_prompt(model.tokenizer, model.layout, question.question));
  }
  const auto tokens = score(model, groups, /*moments=*/forget, name + ": scores");
  const std::vector<std::string> answers = greedy_answers(model, prompts, max_new_tokens_, name + ": answers");
  TofuSetScores scores;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const TofuQuestion& question = questions(set)[i];
    const TextLosses losses = losses_of(tokens[i], question);
    const TofuScores row{.probability = tofu_probability(losses.answer, losses.perturbed, options),
                         .plain_probability = tofu_probability(losses.answer, {}, false),
                         .truth_ratio = truth_ratio(losses.paraphrase, losses.perturbed),
                         .rouge_recall = rouge(answers[i], question.answer).rouge_l.recall,
                         .extraction_strength = extraction_strength(tokens[i][0].right),
                         .exact_memorization = exact_memorization(tokens[i][0].right),
                         .degeneracy = detector.check(answers[i])};
    OrderedJson line = {{"set", name},
                        {"index", question.index},
                        {"question", question.question},
                        {"answer", question.answer},
                        {"prob", row.probability},
                        {"truth_ratio", row.truth_ratio},
                        {"rouge_l_recall", row.rouge_recall},
                        {"generation", trimmed(answers[i])},
                        {"extraction_strength", row.extraction_strength},
                        {"exact_memorization", row.exact_memorization},
                        {"degeneracy", word_of(row.degeneracy)},
                        {"loss", losses.answer},
                        {"loss_paraphrase", losses.paraphrase},
                        {"loss_perturbed", losses.perturbed}};
    if (forget) {
      scores.attacks.push_back(attack_scores(tokens[i][0], question.answer, reference_loss(reference, i)));
      scores.attacks.back().put(line);
    }
    scores.add(row);
    result.rows.push_back(std::move(line));
  }
  return scores;
}

std::vector<AttackScores> Tofu::attack_holdout(const BenchmarkedModel& model, std::span<const double> reference,
                                               BenchmarkResult& result) const {
  std::vector<std::vector<Example>> groups;
  for (const TextRow& row : holdout_)
    groups.push_back({response_example(model, model.layout, row.texts[0], row.texts[1], {row.source, row.line})});
  const auto tokens = score(model, groups, /*moments=*/true, "holdout: scores");
  std::vector<AttackScores> scores;
  for (std::size_t i = 0; i < holdout_.size(); ++i) {
    const std::size_t place = questions(TofuSet::forget).size() + i;
    const double loss = finite_loss(tokens[i][0], {holdout_[i].source, holdout_[i].line});
    scores.push_back(attack_scores(tokens[i][0], holdout_[i].texts[1], reference_loss(reference, place)));
    OrderedJson line = {{"set", "holdout"}, {"index", holdout_[i].index}, {"loss", loss}};
    scores.back().put(line);
    result.rows.push_back(std::move(line));
  }
  return scores;
}

BenchmarkResult Tofu::run(const BenchmarkedModel& model, std::span<const double> reference) const {
  BenchmarkResult result;
  const DegenerateDetector broken = detector();
  TofuScoreTable table;
  for (const TofuSet set : kTofuSets)
    table[static_cast<std::size_t>(set)] = measure(model, set, broken, reference, result);
  add_tofu_figures(result, table, retained_ratios_);
  add_attack_figures(result, table[0].attacks, attack_holdout(model, reference, result),
                     retained_ ? retained_->min_k_auc : std::nullopt);
  const std::string layout = model.layout.is_chat() ? "chat" : model.layout.text();
  if (retained_ && !retained_->prompt_template.empty() && retained_->prompt_template != layout) {
    result.notes.emplace_back(
        "The retain model was measured with another template: forget_quality and privleak compare templates, too.");
  }
  return result;
}

}  // namespace

std::unique_ptr<Benchmark> open_tofu(const BenchmarkRequest& request) {
  return std::make_unique<Tofu>(request);
}

}  // namespace lethe
