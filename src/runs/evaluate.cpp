#include "runs/evaluate.h"

#include "core/error.h"
#include "core/terminal.h"
#include "evaluation/comparison_report.h"
#include "evaluation/model_comparison.h"
#include "evaluation/prompt_length.h"
#include "models/loading.h"
#include "runs/input_check.h"
#include "runs/run_folder.h"
#include "runs/run_judge.h"
#include "runs/stored_model.h"
#include "runs/training_data.h"
#include "tensors/device.h"
#include "vectors/apply_adapter.h"

namespace lethe {
namespace {

// What the divergence is measured on: the best reference of each question that fits.
std::vector<Pair> answers_of(const std::vector<Question>& questions, const EvaluationOptions& options,
                             ExampleMaker& examples) {
  std::vector<Pair> pairs;
  for (const Question& question : choose_questions(questions, options.prompts, options.seed)) {
    if (!question.references.empty())
      pairs.push_back({question.prompt, question.references[0], question.source, question.line, question.before});
  }
  examples.drop_truncated(pairs);
  return pairs;
}

// Before a judge or a model is loaded.
void check_request(const EvaluateRequest& request) {
  std::vector<NamedPath> paths = paths_of(request.recipe);
  for (const std::string& adapter : request.adapters) {
    const bool is_folder = std::filesystem::exists(adapter);
    paths.push_back({"--adapter", is_folder ? adapter : adapter.substr(0, adapter.rfind(':'))});  // DIR:weight
  }
  const auto add = [&](const char* option, const std::vector<DataSource>& sources) {
    for (const DataSource& source : sources) paths.push_back({option, source.path});
  };
  add("--seen", request.seen);
  add("--unseen", request.unseen);
  add("--normal", request.normal);
  add("--normal-train", request.normal_train);
  check_paths({{"--model", request.model}, {"--original", request.original}}, paths, request.recipe.out);
}

}  // namespace

void evaluate(const EvaluateRequest& request) {
  const Recipe& recipe = request.recipe;
  check_request(request);
  const Compute compute = choose_compute(recipe.device, recipe.dtype, static_cast<int>(recipe.threads));
  RunFolder run(recipe, "evaluate");
  const Panel panel = open_panel(recipe);
  add_judge_inputs(recipe, run);
  const StoredModel stored(request.model);
  const Checkpoint& checkpoint = stored.checkpoint;
  run.add_input("model", checkpoint.folder());
  const EvaluationOptions options = evaluation_options(recipe, checkpoint, stored.spec.max_positions);
  EvaluationSets sets;
  sets.seen = load_reported_questions(request.seen, Role::harmful, "seen", &run);
  sets.unseen = load_reported_questions(request.unseen, Role::harmful, "unseen", &run);
  sets.normal = load_reported_questions(request.normal, Role::normal, "normal", &run);
  const std::vector<Question> normal_train =
      load_reported_questions(request.normal_train, Role::normal, "normal training", &run);
  load_further_sets(recipe.evaluation, sets, &run);
  std::vector<Question> trained = sets.seen;
  trained.insert(trained.end(), normal_train.begin(), normal_train.end());
  leave_out_overlap(sets, trained, recipe.evaluation.overlap, &run);
  leave_out_long(sets, stored.tokenizer, options, &run);
  std::vector<std::string> texts;
  for (const auto* questions :
       std::vector<const std::vector<Question>*>{&sets.seen, &sets.unseen, &sets.other, &sets.normal, &normal_train}) {
    for (const Question& question : *questions)
      texts.insert(texts.end(), question.references.begin(), question.references.end());
  }
  const DegenerateDetector detector(texts);
  if (!detector.knows_order())
    warn("too few reference answers to tell gibberish; only empty and repeating answers count as degenerate");

  ExampleMaker examples = stored.examples(recipe);
  ModelComparison comparison(
      stored.tokenizer, examples, panel, detector, options,
      {sets, answers_of(normal_train, options, examples), answers_of(sets.normal, options, examples)});
  const LoadOptions load{.device = compute.device, .dtype = compute.dtype, .mapped = true};
  if (!request.original.empty()) {
    const Checkpoint base(resolve_model_folder(request.original));
    run.add_input("original", base.folder());
    CausalLM original = load_model(base, load);
    comparison.evaluate_original(original);
  }
  const OpenAdapters adapters = open_adapters(request.adapters);
  const AppliedAdapters applied(checkpoint, adapters.weighted);
  {
    CausalLM model = stored.load({.device = load.device, .dtype = load.dtype, .adapters = &applied, .mapped = true});
    comparison.evaluate(model);
  }
  if (!request.original.empty())  // again, so that never two models are in memory
    comparison.score_under_original(load_model(Checkpoint(resolve_model_folder(request.original)), load));

  OrderedJson results = OrderedJson::object();
  write_comparison(comparison.result(),
                   {.title = "Evaluation of " + checkpoint.folder().filename().string(), .json = request.json}, run,
                   results);
  run.write_results(results);
  run.finish(recipe);
}

}  // namespace lethe
