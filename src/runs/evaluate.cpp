#include "runs/evaluate.h"

#include <algorithm>

#include "core/cache_folder.h"
#include "core/error.h"
#include "core/file_hash.h"
#include "core/join.h"
#include "core/terminal.h"
#include "evaluation/comparison_report.h"
#include "evaluation/model_comparison.h"
#include "evaluation/prompt_length.h"
#include "evaluation/verdict.h"
#include "evaluation/verdict_outlook.h"
#include "models/loading.h"
#include "runs/input_check.h"
#include "runs/model_card.h"
#include "runs/original_cache.h"
#include "runs/rehearsal.h"
#include "runs/run_folder.h"
#include "runs/run_judge.h"
#include "runs/run_of.h"
#include "runs/run_plan.h"
#include "runs/stored_model.h"
#include "runs/template_choice.h"
#include "runs/trained_prompts.h"
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

// The server of a model, if it has one. @param adapters  FOLDER or FOLDER:factor
std::optional<AnswerServer> open_server(ServedModel served, const std::string& model,
                                        const std::vector<std::string>& adapters, const EvaluationSettings& settings) {
  if (served.endpoint.empty()) return std::nullopt;
  if (served.name.empty()) served.name = model;
  served.weights = weights_hash(resolve_model_folder(model));
  for (const std::string& adapter : adapters)
    served.weights += adapter.substr(without_weight(adapter).string().size()) + weights_hash(without_weight(adapter));
  if (settings.cache) served.kept = cache_folder("served_answers");
  AnswerServer server(std::move(served));
  say("answers of " + excerpt(server.name(), 200) + " come from " + server.host());
  return server;
}

// Before any judge or model is loaded.
void check_request(const EvaluateRequest& request) {
  for (const ServedModel* served : {&request.served, &request.served_original}) {
    if (!served->endpoint.empty()) AnswerServer{*served};
  }
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
  const EvaluationSettings& settings = request.recipe.evaluation;
  check_paths({{"--model", request.model},
               {"--original", request.original},
               {"--bleurt", settings.bleurt},
               {"--embedder", settings.embedder}},
              paths, request.recipe.out);
}

// Bytes at the peak of an evaluation, without the judge's model. Lengths are those of some prompts.
std::uint64_t evaluation_memory(const Recipe& recipe, const StoredModel& stored, const EvaluationSets& sets,
                                std::uint64_t weights, const Compute& compute) {
  const auto most = static_cast<std::size_t>(recipe.evaluation.prompts);
  double longest = 0, compared = 0;
  // At most so many of a set are counted; they stand for the others.
  const auto counted = [&](const std::vector<Question>& set) { return std::min({set.size(), most, std::size_t{64}}); };
  for (const auto* questions : {&sets.seen, &sets.unseen, &sets.other, &sets.normal}) {
    for (std::size_t i = 0; i < counted(*questions); ++i) {
      const Question& question = (*questions)[i];
      const auto tokens = [&](const std::string& text) {
        return static_cast<double>(stored.tokenizer.encode(text).ids.size());
      };
      longest = std::max(longest, tokens(question.prompt));
      if (questions == &sets.normal && !question.references.empty()) compared += tokens(question.references[0]);
    }
  }
  if (const std::size_t count = counted(sets.normal); count > 0)
    compared *= static_cast<double>(std::min(sets.normal.size(), most)) / static_cast<double>(count);
  return weights + 200'000'000 +  // the program
         evaluation_work(stored.spec, longest + static_cast<double>(recipe.evaluation.max_new_tokens), 2 * compared,
                         compute);
}

// At most nine lines, as of every plan.
RunPlan evaluation_plan(const EvaluateRequest& request, const Recipe& recipe, const StoredModel& stored,
                        const EvaluationSets& sets, const Compute& compute) {
  RunPlan plan{.command = "evaluate"};
  const std::uint64_t size = model_size(stored.spec, recipe).parameters;
  const std::string name = excerpt(stored.checkpoint.folder().filename().string(), 200);
  plan.lines.emplace_back(
      "model", name + " (" + excerpt(stored.spec.model_type) + "): " + with_commas(size) + " weights" +
                   (request.adapters.empty() ? "" : ", adapters " + excerpt(join(request.adapters, ", "), 400)) + ", " +
                   dtype_text(compute));
  plan.lines.emplace_back("original",
                          request.original.empty() ? "none: nothing to compare with" : excerpt(request.original, 400));
  plan.facts = {{"command", plan.command}, {"model", {{"name", name}, {"parameters", size}}}};
  std::string prompts;
  const auto most = static_cast<std::size_t>(recipe.evaluation.prompts);
  for (const auto& [set, count] : std::vector<std::pair<const char*, std::size_t>>{{"seen", sets.seen.size()},
                                                                                   {"unseen", sets.unseen.size()},
                                                                                   {"other", sets.other.size()},
                                                                                   {"normal", sets.normal.size()},
                                                                                   {"safe", sets.safe.size()},
                                                                                   {"contrast", sets.contrast.size()},
                                                                                   {"choices", sets.choices.size()},
                                                                                   {"texts", sets.texts.size()}}) {
    if (count == 0) continue;
    prompts += (prompts.empty() ? "" : ", ") + std::string(set) + " " + with_commas(std::min(most, count)) + " of " +
               with_commas(count);
    plan.facts["prompts"][set] = std::min(most, count);
  }
  plan.lines.emplace_back("prompts", prompts + "; answers of at most " +
                                         with_commas(static_cast<std::uint64_t>(recipe.evaluation.max_new_tokens)) +
                                         " tokens");
  plan.lines.emplace_back("judge", excerpt(join(recipe.evaluation.judge, ", "), 400));
  const std::uint64_t memory =
      evaluation_memory(recipe, stored, sets, size * (compute.dtype == at::kFloat ? 4 : 2), compute);
  plan.lines.emplace_back("memory", "about " + bytes_text(memory) + ", one model at a time, and the judge's; " +
                                        bytes_text(available_for(compute)) + " are available");
  plan.facts["evaluation_memory_bytes"] = memory;
  plan.lines.emplace_back("output", excerpt(recipe.out, 400));
  return plan;
}

struct EvaluatedSets {
  EvaluationSets sets;
  std::vector<Question> normal_train;
};

// Reads all prompts, without those that overlap with training or are too long for the model. @param run  may be null
EvaluatedSets read_sets(const EvaluateRequest& request, const Recipe& recipe, const StoredModel& stored,
                        const EvaluationOptions& options, RunRecord* run) {
  EvaluatedSets read;
  EvaluationSets& sets = read.sets;
  sets.seen = load_reported_questions(request.seen, Role::harmful, "seen", run);
  sets.unseen = load_reported_questions(request.unseen, Role::harmful, "unseen", run);
  sets.normal = load_reported_questions(request.normal, Role::normal, "normal", run);
  read.normal_train = load_reported_questions(request.normal_train, Role::normal, "normal training", run);
  load_further_sets(recipe.evaluation, sets, run);
  std::vector<Question> trained = sets.seen;
  trained.insert(trained.end(), read.normal_train.begin(), read.normal_train.end());
  std::vector<std::string> written = request.adapters;
  written.push_back(request.model);
  RunTraining of_runs = training_of_runs(written, request.original);
  trained.insert(trained.end(), of_runs.prompts.begin(), of_runs.prompts.end());
  sets.cautions = std::move(of_runs.cautions);
  leave_out_overlap(sets, trained, recipe.evaluation.overlap, run);
  leave_out_long(sets, stored.tokenizer, options, run);
  return read;
}

// What will keep the evaluation from a verdict.
std::vector<std::string> obstacles_of(const EvaluateRequest& request, const EvaluationSets& sets) {
  return verdict_obstacles({.unseen = sets.unseen.size(),
                            .normal = sets.normal.size(),
                            .most = static_cast<std::size_t>(request.recipe.evaluation.prompts),
                            .compares = !request.original.empty()});
}

// The plan of a dry run, after the checks that need no weights.
RunPlan checked_plan(const EvaluateRequest& request, Recipe recipe, const TemplateChoice& choice,
                     const Compute& compute) {
  check_run_place(recipe, false);
  const StoredModel stored(request.model);
  if (!request.original.empty()) decoder_spec(read_config(resolve_model_folder(request.original)), request.original);
  report_template(choice, nullptr);
  open_adapters(request.adapters);
  recipe.evaluation.bleurt = recipe.evaluation.embedder = "";  // would be loaded
  const EvaluationOptions options = evaluation_options(recipe, stored.checkpoint, stored.spec.max_positions);
  const EvaluatedSets read = read_sets(request, recipe, stored, options, nullptr);
  RunPlan plan = evaluation_plan(request, recipe, stored, read.sets, compute);
  std::vector<std::string> obstacles = obstacles_of(request, read.sets);
  for (std::string& warning : try_judge(recipe, read.sets, open_panel)) obstacles.push_back(std::move(warning));
  plan.warn_of(std::move(obstacles));
  return plan;
}

}  // namespace

void evaluate(const EvaluateRequest& request) {
  check_request(request);
  const TemplateChoice choice =
      choose_template(request.recipe.data, resolve_model_folder(request.model), request.adapters);
  const Recipe recipe = with_template(request.recipe, choice);
  const Compute compute = choose_compute(recipe.device, recipe.dtype, static_cast<int>(recipe.threads));
  if (request.dry_run.on) return print_plan(checked_plan(request, recipe, choice, compute), request.dry_run);
  RunFolder run(recipe, "evaluate");
  const Panel panel = open_panel(recipe);
  add_judge_inputs(recipe, run);
  const StoredModel stored(request.model);
  const Checkpoint& checkpoint = stored.checkpoint;
  run.add_input("model", checkpoint.folder());
  report_template(choice, &run);
  EvaluationOptions options = evaluation_options(recipe, checkpoint, stored.spec.max_positions);
  std::vector<std::string> written = request.adapters;
  written.push_back(request.model);
  if (auto taught = answers_taught_by_runs(written)) options.safe_answers = std::move(taught);
  const auto server = open_server(request.served, request.model, request.adapters, recipe.evaluation);
  const auto original_server = request.original.empty()
                                   ? std::nullopt
                                   : open_server(request.served_original, request.original, {}, recipe.evaluation);
  for (const auto& [role, one] : {std::pair{"model", &server}, std::pair{"original", &original_server}}) {
    if (*one) run.note(std::string(role) + "_answers_from", (*one)->name() + " at " + (*one)->host());
  }
  options.server = server ? &*server : nullptr;
  options.original_server = original_server ? &*original_server : nullptr;
  const auto [sets, normal_train] = read_sets(request, recipe, stored, options, &run);
  for (const std::string& obstacle : obstacles_of(request, sets)) warn(obstacle);
  std::vector<std::string> texts;
  for (const auto* questions :
       std::vector<const std::vector<Question>*>{&sets.seen, &sets.unseen, &sets.other, &sets.normal, &normal_train}) {
    for (const Question& question : *questions)
      texts.insert(texts.end(), question.references.begin(), question.references.end());
  }
  const DegenerateDetector detector(texts);
  if (const std::string blind = detector.blind_spot(); !blind.empty()) warn(blind);

  ExampleMaker examples = stored.examples(recipe);
  ModelComparison comparison(
      stored.tokenizer, examples, panel, detector, options,
      {sets, answers_of(normal_train, options, examples), answers_of(sets.normal, options, examples)});
  const LoadOptions load{.device = compute.device, .dtype = compute.dtype, .mapped = true};
  if (!request.original.empty()) {
    const Checkpoint base(resolve_model_folder(request.original));
    run.add_input("original", base.folder());
    CausalLM original = load_model(base, load);
    const auto cache = original_cache(recipe.evaluation, base.folder(), load);
    comparison.evaluate_original(original, cache.get());
    if (cache && !cache->text().empty()) say(cache->text());
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
  const std::string name = public_name(request.model, checkpoint.folder());
  std::string arguments = "pretrained=" + argument_name(name);
  for (const std::string& adapter : request.adapters)
    arguments += ",peft=" + argument_name(public_name(adapter, adapter));
  const RunVerdict verdict = write_comparison(comparison.result(),
                                              {.title = "Evaluation of " + name,
                                               .json = request.json,
                                               .model_name = argument_name(name),
                                               .model_args = arguments},
                                              run, results);
  run.write_results(results);
  run.finish(recipe);
  if (!request.json) say(headline(verdict));
}

}  // namespace lethe
