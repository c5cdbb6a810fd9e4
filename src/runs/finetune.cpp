#include "runs/finetune.h"

#include <cstdio>
#include <optional>

#include "core/error.h"
#include "core/terminal.h"
#include "data/reporting.h"
#include "data/sampler.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "objectives/cross_entropy_training.h"
#include "runs/input_check.h"
#include "runs/run_folder.h"
#include "runs/stored_model.h"
#include "runs/training_data.h"
#include "runs/tuning.h"
#include "tensors/device.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

std::string passes_text(const Recipe& recipe, std::size_t rows) {
  char text[64];
  const double seen = static_cast<double>(recipe.training.steps * recipe.training.batch * recipe.training.accumulate);
  std::snprintf(text, sizeof text, "%.1f passes over them", seen / static_cast<double>(rows));
  return text;
}

void check_request(const Recipe& recipe) {
  std::vector<std::string> needed = {"data.train", "out"};
  if (recipe.model.empty() && recipe.config.empty()) needed.insert(needed.begin(), "model");
  require_keys(recipe, needed);
  const bool from_scratch = !recipe.config.empty();
  if (from_scratch && !recipe.model.empty())
    throw bad_usage("cannot finetune").wanted("either --model or --config").found("both");
  if (from_scratch && recipe.tuning == TuningKind::lora)
    throw bad_usage("cannot finetune").wanted("tuning=full for random weights").found("tuning=lora");
  check_paths({{"model", recipe.model}}, paths_of(recipe), recipe.out);
}

// What training starts from: a checkpoint, or random weights under a config.json. The tokenizer lies beside it.
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
  fs::path folder() const { return from_scratch() ? fs::absolute(recipe_.config).parent_path() : base_->folder(); }
  CausalLM load(const Compute& compute) const {
    return from_scratch() ? random_model(config_, recipe_.config, recipe_.seed, compute.dtype)
                          : load_model(*base_, load_for_training(recipe_, compute));
  }

 private:
  const Recipe& recipe_;
  Json config_;
  std::optional<Checkpoint> base_;
};

void check_vocabulary(const Tokenizer& tokenizer, const CausalLM& model) {
  if (tokenizer.size() <= model.spec().vocabulary) return;
  throw bad_input("cannot finetune")
      .wanted("a vocabulary of at least " + std::to_string(tokenizer.size()) + ", the tokenizer's")
      .found(std::to_string(model.spec().vocabulary));
}

// The trained weights under a new model's configuration, with the files that lie beside it.
void write_from_scratch(const Recipe& recipe, const Beginning& beginning, CausalLM& model, const fs::path& out) {
  const fs::path folder = beginning.folder();
  copy_side_files(folder, out);
  for (const DataSource& source : recipe.data.train) {  // a .json of rows beside config.json is no part of the model
    if (fs::exists(source.path) && fs::equivalent(fs::absolute(source.path).parent_path(), folder))
      fs::remove(out / fs::path(source.path).filename());
  }
  write_new(model, beginning.config(), out);
}

}  // namespace

void finetune(const Recipe& recipe, bool resume) {
  check_request(recipe);
  const Compute compute = choose_compute(recipe.device, recipe.dtype, static_cast<int>(recipe.threads));
  const Beginning beginning(recipe);
  if (!beginning.from_scratch()) check_names_of_weights(recipe, beginning.base());
  RunFolder run(recipe, "finetune", resume);
  run.add_input(beginning.from_scratch() ? "config" : "model",
                beginning.from_scratch() ? fs::path(recipe.config) : beginning.folder());
  const Tokenizer tokenizer = Tokenizer::load(beginning.folder());
  CausalLM model = beginning.load(compute);
  check_vocabulary(tokenizer, model);
  ExampleMaker examples(tokenizer, recipe_template(recipe, beginning.folder()),
                        example_options(recipe, model.spec().max_positions));
  std::vector<Pair> pairs = load_reported(recipe.data.train, Role::generic, "training", &run);
  drop_truncated(pairs, examples, recipe, "training", &run);
  say(with_commas(pairs.size()) + " rows; " + passes_text(recipe, pairs.size()));
  print_settings(recipe, "finetune");

  Tuning tuning(model, recipe);
  EpochOrder order(pairs.size(), recipe.seed, "training rows");
  CrossEntropyObjective objective(model, examples, [&](std::uint64_t micro) {
    tuning.begin(micro);
    std::vector<Pair> rows;
    const auto batch = static_cast<std::uint64_t>(recipe.training.batch);
    for (std::uint64_t i = 0; i < batch; ++i) rows.push_back(pairs[order.at(micro * batch + i)]);
    return rows;
  });
  Snapshots snapshots = run.snapshots(recipe.training);
  const auto records = tuning.train(objective, recipe.training.steps, run.metrics(), "training", &snapshots);

  if (tuning.lora()) {
    write_adapter(tuning.pairs(), recipe.lora, recipe.model, run.make("adapter"));
  } else if (beginning.from_scratch()) {
    write_from_scratch(recipe, beginning, model, run.make("model"));
  } else {
    write_like(beginning.base(), model, run.make("model"));
  }
  OrderedJson results = {{"steps", records.size()}, {"rows", pairs.size()}};
  if (!records.empty()) results["last_ce"] = records.back().terms.at("ce");
  run.write_results(results);
  run.finish(recipe);
}

}  // namespace lethe
