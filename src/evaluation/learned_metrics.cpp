#include "evaluation/learned_metrics.h"

#include "core/terminal.h"
#include "formats/checkpoint.h"
#include "tensors/device.h"

namespace lethe {

LearnedMetrics::LearnedMetrics(const Recipe& recipe) {
  const Compute compute = choose_compute(recipe.device, ComputeType::float32, static_cast<int>(recipe.threads));
  const LoadOptions options{.device = compute.device, .dtype = compute.dtype};
  const EvaluationSettings& settings = recipe.evaluation;
  if (!settings.bleurt.empty()) bleurt_ = Bleurt::load(resolve_model_folder(settings.bleurt), options);
  if (!settings.embedder.empty()) embedder_ = SentenceEncoder::load(resolve_model_folder(settings.embedder), options);
}

std::vector<LearnedScores> LearnedMetrics::score(const std::vector<std::string>& responses,
                                                 const std::vector<Question>& questions,
                                                 const std::string& title) const {
  std::vector<LearnedScores> scores(responses.size());
  std::vector<std::size_t> places;  // of answers that have references
  std::vector<std::string> candidates;
  std::vector<std::vector<std::string>> references;
  for (std::size_t i = 0; i < responses.size(); ++i) {
    if (questions[i].references.empty()) continue;
    places.push_back(i);
    candidates.push_back(responses[i]);
    references.push_back(questions[i].references);
  }
  if (candidates.empty()) return scores;
  const auto measure = [&](const auto& metric, const char* name, auto field) {
    Progress progress(title + ", " + name, candidates.size(), "answers");
    const std::vector<double> values = metric([&](std::size_t done) { progress.update(done); });
    for (std::size_t i = 0; i < places.size(); ++i) scores[places[i]].*field = values[i];
  };
  if (bleurt_) {
    measure([&](const auto& progress) { return bleurt_->best_scores(candidates, references, progress); }, "BLEURT",
            &LearnedScores::bleurt);
  }
  if (embedder_) {
    measure([&](const auto& progress) { return embedder_->best_cosines(candidates, references, progress); },
            "similarity", &LearnedScores::similarity);
  }
  return scores;
}

std::shared_ptr<const LearnedMetrics> open_learned_metrics(const Recipe& recipe) {
  if (recipe.evaluation.bleurt.empty() && recipe.evaluation.embedder.empty()) return nullptr;
  return std::make_shared<LearnedMetrics>(recipe);
}

}  // namespace lethe
