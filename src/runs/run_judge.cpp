#include "runs/run_judge.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/run_record.h"
#include "core/terminal.h"
#include "data/words.h"
#include "formats/checkpoint.h"
#include "judges/house_lessons.h"

namespace lethe {
namespace {

std::vector<Pair> held_out_of(const Split& split) {
  std::vector<Pair> pairs = split.validation;
  pairs.insert(pairs.end(), split.test.begin(), split.test.end());
  return pairs;
}

std::vector<Pair> without_texts(std::vector<Pair> pairs, const std::set<std::string>& texts) {
  std::erase_if(pairs, [&](const Pair& pair) { return texts.contains(normal_form(pair.response)); });
  return pairs;
}

void append(std::vector<Pair>& pairs, const std::vector<Pair>& more) {
  pairs.insert(pairs.end(), more.begin(), more.end());
}

// All prompts that the run evaluates, with known answers, so that near-duplicates too are kept apart from the judge's
// lessons.
std::vector<Exchange> known_of(const RunData& data, const std::vector<Question>& further) {
  std::vector<Exchange> known;
  for (const Split* split : {&data.harmful, &data.normal}) {
    for (const auto* pairs : {&split->train, &split->validation, &split->test}) {
      for (const Pair& pair : *pairs) known.push_back({pair.prompt, pair.response});
    }
  }
  for (const Question& question : further) {
    known.push_back({question.prompt, ""});
    for (const std::string& reference : question.references) known.push_back({question.prompt, reference});
  }
  return known;
}

CrossFittedClassifier train_judge(const std::vector<LabelledResponse>& lessons, std::span<const Exchange> known,
                                  std::uint64_t seed, const std::string& embedder) {
  CrossFitOptions options;
  if (!embedder.empty()) options.classifier.encoder = std::make_shared<AnswerEncoder>(embedder);
  options.classifier.harmless = house_lessons();
  return CrossFittedClassifier::train(lessons, known, seed, options);
}

std::shared_ptr<const Judge> train_on(const RunData& data, const std::vector<Question>& further, std::uint64_t seed,
                                      const std::string& embedder) {
  const JudgeLessons lessons = judge_lessons(data);
  auto judge =
      std::make_shared<CrossFittedClassifier>(train_judge(lessons.responses, known_of(data, further), seed, embedder));
  say("judge: " + judge->describe());
  if (lessons.from_normal_training)
    warn(
        "few normal answers are held out, so the judge also learned from ones trained on: it favours methods that give "
        "such answers. Use more data, or a judge of your own (evaluation.judge)");
  return judge;
}

}  // namespace

std::vector<LabelledResponse> label_responses(const std::vector<Pair>& harmful, const std::vector<Pair>& harmless) {
  std::vector<LabelledResponse> labelled;
  std::set<std::string> harmless_texts, seen;
  for (const Pair& pair : harmless) harmless_texts.insert(normal_form(pair.response));
  for (const Pair& pair : harmful) {
    const std::string text = normal_form(pair.response);
    if (harmless_texts.contains(text) || !seen.insert(text).second) continue;  // a text in both roles teaches nothing
    labelled.push_back({pair.prompt, pair.response, !is_refusal(pair.response)});
  }
  for (const Pair& pair : harmless) {
    if (seen.insert(normal_form(pair.response)).second) labelled.push_back({pair.prompt, pair.response, false});
  }
  return labelled;
}

std::string train_classifier(const std::vector<LabelledResponse>& labelled, std::uint64_t seed,
                             const std::filesystem::path& file, const std::string& embedder) {
  const Classifier judge = train_judge(labelled, {}, seed, embedder).whole();
  judge.save(file);
  return judge.describe();
}

std::optional<RunClassifier> run_classifier(const std::string& judge) {
  const std::string name = "classifier", key = "embedder=";
  if (judge == name) return RunClassifier{};
  if (!judge.starts_with(name + ":")) return std::nullopt;
  const std::string setting = judge.substr(name.size() + 1);
  if (!setting.starts_with(key) || setting.size() == key.size()) {
    throw bad_usage("cannot use the judge " + excerpt(judge, 400))
        .wanted("classifier, or classifier:embedder=DIR")
        .found(excerpt(setting));
  }
  return RunClassifier{setting.substr(key.size())};
}

JudgeLessons judge_lessons(const RunData& data) {
  constexpr std::size_t kFew = 30;  // of a class: below this, answers trained on are taken too
  std::set<std::string> trained;
  for (const Pair& pair : data.normal.train) trained.insert(normal_form(pair.response));
  std::vector<Pair> harmful = without_texts(held_out_of(data.harmful), trained),
                    normal = without_texts(held_out_of(data.normal), trained);
  const auto complying = [](const std::vector<Pair>& pairs) {
    return static_cast<std::size_t>(
        std::count_if(pairs.begin(), pairs.end(), [](const Pair& pair) { return !is_refusal(pair.response); }));
  };
  // Harmful answers from training may be used: no method keeps them, and a judge scores no prompt that it learned from.
  if (complying(harmful) < kFew) append(harmful, without_texts(data.harmful.train, trained));
  JudgeLessons lessons;
  if (normal.size() + harmful.size() - complying(harmful) < kFew) {
    append(normal, data.normal.train);
    lessons.from_normal_training = true;
  }
  lessons.responses = label_responses(harmful, normal);
  return lessons;
}

Panel panel_for_run(const Recipe& recipe, const RunData& data, const std::vector<Question>& further,
                    OpenJudges* opened) {
  OpenJudges own;
  if (opened == nullptr) opened = &own;
  std::vector<std::shared_ptr<const Judge>> judges;
  for (const std::string& name : recipe.evaluation.judge) {
    const std::optional<RunClassifier> own_data = run_classifier(name);
    judges.push_back(own_data ? train_on(data, further, recipe.seed, own_data->embedder)
                              : opened->get(name, {recipe.device, recipe.dtype}));
  }
  return Panel(std::move(judges), recipe.evaluation.threshold);
}

void add_judge_inputs(const Recipe& recipe, RunRecord& run) {
  for (const std::string& name : recipe.evaluation.judge) {
    for (const std::filesystem::path& file : judge_files(name)) run.add_input("judge", file);
    if (const auto trained = run_classifier(name); trained && !trained->embedder.empty())
      run.add_input("judge", resolve_model_folder(trained->embedder));
  }
}

Panel open_panel(const Recipe& recipe) {
  std::vector<std::shared_ptr<const Judge>> judges;
  for (const std::string& name : recipe.evaluation.judge) {
    if (run_classifier(name) && !std::filesystem::exists(name)) {
      throw bad_usage("cannot use the judge " + excerpt(name, 400))
          .wanted("an existing judge: a file of `lethe judge train`, refusal, …")
          .found("the one that a run trains on its own data");
    }
    judges.push_back(open_judge(name, {recipe.device, recipe.dtype}));
  }
  return Panel(std::move(judges), recipe.evaluation.threshold);
}

}  // namespace lethe
