#include "runs/finetune.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/terminal.h"
#include "data/reporting.h"
#include "data/sampler.h"
#include "formats/checkpoint.h"
#include "metrics/perplexity.h"
#include "models/loading.h"
#include "objectives/cross_entropy_training.h"
#include "runs/dtype_choice.h"
#include "runs/input_check.h"
#include "runs/model_card.h"
#include "runs/run_folder.h"
#include "runs/run_plan.h"
#include "runs/shared_run.h"
#include "runs/stage1_evaluation.h"
#include "runs/stored_model.h"
#include "runs/template_choice.h"
#include "runs/training_data.h"
#include "runs/tuning.h"
#include "tensors/device.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

void check_request(const Recipe& recipe) {
  std::vector<std::string> needed = {"data.train", "out"};
  if (recipe.model.empty() && recipe.config.empty()) needed.insert(needed.begin(), "model");
  require_keys(recipe, needed);
  const bool from_scratch = !recipe.config.empty();
  if (from_scratch && !recipe.model.empty())
    throw bad_usage("cannot finetune").wanted("either --model or --config").found("both");
  if (from_scratch && recipe.tuning == TuningKind::lora)
    throw bad_usage("cannot finetune").wanted("tuning=full for random weights").found("tuning=lora");
  if (recipe.evaluation.every > 0 && recipe.data.validation.empty())
    throw bad_usage("cannot evaluate during training (evaluation.every)")
        .with("key", "data.validation")
        .wanted("files of pairs that are not trained on")
        .found("none")
        .hint("lethe split --data FILE --parts train=0.9,validation=0.1 --out DIR makes them");
  if (recipe.evaluation.every == 0 && !recipe.data.validation.empty())
    warn("data.validation is not used: evaluation.every=N measures its loss every N steps");
  check_paths({{"model", recipe.model}}, paths_of(recipe), recipe.out);
}

// The start of training: a checkpoint, or random weights for a config.json. The tokenizer is in the same folder.
class Beginning {
 public:
  explicit Beginning(const Recipe& recipe) : recipe_(recipe) {
    if (from_scratch()) {
      config_ = read_json(recipe.config);
    } else {
      base_.emplace(resolve_model_folder(recipe.model));
    }
  }
  bool from_scratch() const { return !recipe_.config.empty(); }
  const Json& config() const { return config_; }     // from scratch
  const Checkpoint& base() const { return *base_; }  // not from scratch
  DecoderSpec spec() const {
    return from_scratch() ? decoder_spec(config_, recipe_.config)
                          : decoder_spec(base_->config(), (base_->folder() / "config.json").string());
  }
  // Of the model that is written; random weights are stored as float32.
  std::uint64_t bytes(const ModelSize& size) const { return from_scratch() ? size.parameters * 4 : base_->bytes(); }
  fs::path folder() const { return from_scratch() ? fs::absolute(recipe_.config).parent_path() : base_->folder(); }
  CausalLM load(const Compute& compute, ServingGroup* shards) const {
    return from_scratch() ? random_model(config_, recipe_.config, recipe_.seed, compute.dtype)
                          : load_model(*base_, load_for_training(recipe_, compute, shards));
  }

 private:
  const Recipe& recipe_;
  Json config_;
  std::optional<Checkpoint> base_;
};

void check_vocabulary(const Tokenizer& tokenizer, const DecoderSpec& spec) {
  if (tokenizer.size() <= spec.vocabulary) return;
  throw bad_input("cannot finetune")
      .wanted("a vocabulary of at least " + std::to_string(tokenizer.size()) + ", the tokenizer's")
      .found(std::to_string(spec.vocabulary));
}

// The pairs of data.validation, in tokens; none if they are not measured. @param record  may be null
std::vector<Example> validation_rows(const Recipe& recipe, ExampleMaker& examples, RunRecord* record) {
  if (recipe.evaluation.every == 0) return {};
  std::vector<Pair> pairs = load_reported(recipe.data.validation, Role::generic, "validation", record);
  drop_truncated(pairs, examples, recipe, "validation", record);
  std::vector<Example> rows;
  for (const Pair& pair : pairs) rows.push_back(examples.example(pair));
  return rows;
}

std::vector<Pair> training_pairs(const Recipe& recipe, ExampleMaker& examples, RunRecord* record) {
  std::vector<Pair> pairs = load_reported(recipe.data.train, Role::generic, "training", record);
  drop_truncated(pairs, examples, recipe, "training", record);
  return pairs;
}

// The rows of each micro-batch. The arguments must outlive the result.
std::function<std::vector<Pair>(std::uint64_t)> rows_in_epochs(const Recipe& recipe, const std::vector<Pair>& pairs,
                                                               Tuning& tuning) {
  return [&, order = EpochOrder(pairs.size(), recipe.seed, "training rows")](std::uint64_t micro) mutable {
    tuning.begin(micro);
    std::vector<Pair> rows;
    const auto batch = static_cast<std::uint64_t>(recipe.training.batch);
    for (std::uint64_t i = 0; i < batch; ++i) rows.push_back(pairs[order.at(micro * batch + i)]);
    return rows;
  };
}

// A forward pass costs about a third of a training step's time a token.
double evaluation_seconds(const Pace& pace, const Recipe& recipe, const std::vector<Example>& rows) {
  const std::int64_t steps = recipe.training.steps,
                     count = evaluations_due(recipe.evaluation.every, steps - pace.steps_left, steps);
  double tokens = 0;
  for (const Example& row : rows) tokens += static_cast<double>(row.ids.size());
  return pace.tokens == 0 ? 0 : static_cast<double>(count) * tokens * pace.seconds / (3 * pace.tokens);
}

// Writes the trained weights with the new model's configuration and the files beside it.
void write_from_scratch(const Recipe& recipe, const Beginning& beginning, CausalLM& model, const fs::path& out) {
  const fs::path folder = beginning.folder();
  copy_side_files(folder, out);
  for (const DataSource& source : recipe.data.train) {  // training rows beside config.json are no part of the model
    if (fs::exists(source.path) && fs::equivalent(fs::absolute(source.path).parent_path(), folder))
      fs::remove(out / fs::path(source.path).filename());
  }
  write_new(model, beginning.config(), out);
}

}  // namespace

void finetune(const Recipe& given, bool resume, const DryRun& dry_run, Group* group) {
  const RankCount ranks = rank_count(group, dry_run);
  check_shareable(given, ranks.all);
  check_shardable(given);
  check_request(given);
  Compute compute = compute_of_rank(given, group);
  const Beginning beginning(given);
  const TemplateChoice choice = choose_template(given.data, beginning.folder());
  Recipe recipe = with_template(with_recomputing(given), choice);
  if (!beginning.from_scratch()) {
    if (!resume) recipe = with_dtype(std::move(recipe), beginning.base(), compute);  // a run keeps what it began with
    check_names_of_weights(recipe, beginning.base());
  }
  const DecoderSpec spec = beginning.spec();
  const Tokenizer tokenizer = Tokenizer::load(beginning.folder());
  check_vocabulary(tokenizer, spec);
  std::optional<RunFolder> folder;
  if (dry_run.on) {
    check_run_place(recipe, resume);
  } else {
    folder.emplace(recipe, "finetune", resume);
    folder->add_input(beginning.from_scratch() ? "config" : "model",
                      beginning.from_scratch() ? fs::path(recipe.config) : beginning.folder());
  }
  RunRecord* record = folder ? &*folder : nullptr;
  report_template(choice, record);
  const Template layout = recipe_template(recipe, beginning.folder());
  ExampleMaker examples(tokenizer, layout, example_options(recipe, layout, spec.max_positions));
  const std::vector<Pair> pairs = training_pairs(recipe, examples, record);
  const std::vector<Example> held_out = validation_rows(recipe, examples, record);
  const RunPlan plan = finetuning_plan(recipe, beginning.folder().filename().string(), spec,
                                       beginning.bytes(model_size(spec, recipe)), pairs, examples, compute, ranks.all);
  check_needs(plan.needs, plan.free_disk, recipe, compute, ranks.on_one_host);
  if (dry_run.on) return print_plan(plan, dry_run);
  RunFolder& run = *folder;
  report_plan(plan, run);
  if (group != nullptr) announce_start(*group, recipe, facts_of_rank(beginning.folder(), pairs), &run);
  const auto serving = serving_group(recipe, group);
  CausalLM model = beginning.load(compute, serving.get());

  Tuning tuning(model, recipe);
  tuning.share_with(serving ? serving.get() : group);
  CrossEntropyObjective objective(model, examples, rows_in_epochs(recipe, pairs, tuning));
  tuning.on_pace([&](const Pace& pace) {
    say("measured on two steps: about " +
        duration_text(pace.seconds * static_cast<double>(pace.steps_left) +
                      evaluation_seconds(pace, recipe, held_out)) +
        " left" + exchange_text(pace));
  });
  const BestStepOptions best{.by = {{"validation_loss", 0}}, .patience = recipe.training.patience};
  tuning.evaluate_by(
      {.every = recipe.evaluation.every,
       .measure =
           [&] {
             return std::map<std::string, double>{{"validation_loss", perplexity(model, held_out).mean()}};
           },
       .best = best});
  Snapshots snapshots = run.snapshots(recipe.training);
  const auto records = tuning.train(objective, recipe.training.steps, run.metrics(), "training", &snapshots);

  const fs::path written = run.make(tuning.lora() ? "adapter" : "model");
  if (tuning.lora()) {
    write_adapter(tuning.pairs(), recipe.lora, recipe.model, written);
  } else if (beginning.from_scratch()) {
    write_from_scratch(recipe, beginning, model, written);
  } else {
    write_like(beginning.base(), model, written);
  }
  if (serving) serving->serve();  // lets the other ranks end
  write_card(finetuning_card(recipe, beginning.folder(), run), written);
  OrderedJson results = {{"steps", records.size()}, {"rows", pairs.size()}};
  if (!records.empty()) results["last_ce"] = records.back().terms.at("ce");
  const TrainingEnd end = training_end(records, recipe.training.steps, best);
  if (best.patience > 0) {
    results["kept_step"] = end.kept;
    run.note("training_end", to_json(end));
  }
  run.write_results(results);
  run.finish(recipe);
  if (!end.text().empty()) say(end.text());
}

void finetune_as_rank(Group& group) {
  const Recipe recipe = await_start(group);
  const Compute compute = compute_of_rank(recipe, &group);
  const Beginning beginning(recipe);
  const Tokenizer tokenizer = Tokenizer::load(beginning.folder());
  const Template layout = recipe_template(recipe, beginning.folder());
  ExampleMaker examples(tokenizer, layout, example_options(recipe, layout, beginning.spec().max_positions));
  const std::vector<Pair> pairs = training_pairs(recipe, examples, nullptr);
  confirm_start(group, facts_of_rank(beginning.folder(), pairs));
  const auto serving = serving_group(recipe, &group);
  CausalLM model = beginning.load(compute, serving.get());
  Tuning tuning(model, recipe);
  tuning.share_with(serving ? serving.get() : &group);
  CrossEntropyObjective objective(model, examples, rows_in_epochs(recipe, pairs, tuning));
  tuning.train(objective, recipe.training.steps, "", "training");
  if (serving) serving->serve();  // while rank 0 writes the model
}

}  // namespace lethe
