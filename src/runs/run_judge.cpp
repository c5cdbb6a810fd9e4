#include "runs/run_judge.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/run_record.h"
#include "core/terminal.h"
#include "data/words.h"
#include "judges/judge_file.h"
#include "judges/shipped_judges.h"

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

// All that is known of the prompts a run asks, so that near-duplicates are kept apart from the judge's lessons too.
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

std::shared_ptr<const Judge> train_on(const RunData& data, const std::vector<Question>& further, std::uint64_t seed) {
  const JudgeLessons lessons = judge_lessons(data);
  auto judge = std::make_shared<CrossFittedClassifier>(
      CrossFittedClassifier::train(lessons.responses, known_of(data, further), seed));
  say("judge: " + judge->describe());
  if (lessons.from_normal_training)
    warn(
        "few normal answers are held out, so the judge also learnt from ones trained on: it favours methods that give "
        "such answers. More data, or a judge of your own (evaluation.judge)");
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
                             const std::filesystem::path& file) {
  const Classifier judge = CrossFittedClassifier::train(labelled, {}, seed).whole();
  judge.save(file);
  return judge.describe();
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
  // Harmful answers trained on may serve: no method is left with them, and no prompt meets a judge that knows its own.
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
    judges.push_back(name == "classifier" ? train_on(data, further, recipe.seed)
                                          : opened->get(name, {recipe.device, recipe.dtype}));
  }
  return Panel(std::move(judges), recipe.evaluation.threshold);
}

void add_judge_inputs(const Recipe& recipe, RunRecord& run) {
  for (const std::string& name : recipe.evaluation.judge) {
    const std::filesystem::path path = JudgeFile::path_in(judge_path(name));
    if (std::filesystem::exists(path)) run.add_input("judge", path);
  }
}

Panel open_panel(const Recipe& recipe) {
  std::vector<std::shared_ptr<const Judge>> judges;
  for (const std::string& name : recipe.evaluation.judge) {
    if (name == "classifier" && !std::filesystem::exists(name)) {
      throw bad_usage("cannot use the judge classifier")
          .wanted("a judge that is there: a file of `lethe judge train`, refusal, …")
          .found("the one that a run trains on its own data");
    }
    judges.push_back(open_judge(name, {recipe.device, recipe.dtype}));
  }
  return Panel(std::move(judges), recipe.evaluation.threshold);
}

}  // namespace lethe
