#include "attacks/attack_bench.h"

#include "attacks/attack_result.h"
#include "core/error.h"
#include "core/staged_folder.h"
#include "core/terminal.h"
#include "evaluation/model_comparison.h"
#include "runs/original_cache.h"
#include "runs/run_judge.h"

namespace lethe {
namespace {

// Another template than the evaluation's: text instead of a chat, the model's chat or a plain dialogue instead of text.
Template other_template(const AttackData& data) {
  if (data.layout.text == "chat") return Template::parse(Template::sku_default);
  if (data.layout.has_chat_template) return Template::open("chat", "", data.original->checkpoint.folder());
  return Template::parse("User: {prompt}\n\nAssistant: {response}");
}

EvaluationOptions measured_by(const AttackRequest& request, const AttackData& data) {
  Recipe recipe = data.recipe;
  recipe.evaluation.prompts = static_cast<std::int64_t>(request.prompts);
  return evaluation_options(recipe, data.original->checkpoint, data.original->spec.max_positions);
}

void check_vocabulary(const StoredModel& model, const StoredModel& original) {
  if (model.spec.vocabulary >= original.spec.vocabulary) return;
  throw bad_input("cannot compare the models")
      .with("model", excerpt(model.checkpoint.folder().string(), 400))
      .wanted("the original's vocabulary, " + std::to_string(original.spec.vocabulary))
      .found(std::to_string(model.spec.vocabulary));
}

}  // namespace

AttackBench::AttackBench(const AttackRequest& request, AttackData& data)
    : data_(data),
      compute_(choose_compute(data.recipe.device, data.recipe.dtype, static_cast<int>(data.recipe.threads))),
      detector_(data.answers),
      adapters_(open_adapters(data.adapters)) {
  if (const std::string blind = detector_.blind_spot(); !blind.empty()) warn(blind);
  meter_.emplace(
      data.original->tokenizer, [this]() -> const Panel& { return panel(); }, detector_, measured_by(request, data),
      data.harmful, data.normal);
  add_models(request);
  std::vector<PromptTrick> tricks = built_in_tricks();
  if (!request.tricks.empty()) add_tricks(tricks, read_tricks(request.tricks));
  const auto keep = [this, folder = request.out / "models"](CausalLM& model, const AttackedModel& victim,
                                                            const std::string& name) {
    if (victim.name != kUnlearned || std::filesystem::exists(folder / name)) return;
    StagedFolder written(folder / name);
    write_like((model_ ? *model_ : *data_.original).checkpoint, model, written.path(), {.access = Access::owner_only});
    written.commit(Access::owner_only);
  };
  inputs_.emplace(AttackInputs{.meter = *meter_,
                               .rows = data.rows,
                               .examples = *data.examples,
                               .view_original = models_[1].view,
                               .budget = request.budget,
                               .tricks = std::move(tricks),
                               .other_layout = other_template(data),
                               .seed = data.recipe.seed});
  if (request.keep_models) inputs_->keep = keep;
}

const Panel& AttackBench::panel() {
  if (!panel_) panel_ = data_.run_data ? panel_for_run(data_.recipe, *data_.run_data) : open_panel(data_.recipe);
  return *panel_;
}

LoadOptions AttackBench::load_options(bool mapped) const {
  return {.device = compute_.device, .dtype = compute_.dtype, .mapped = mapped};
}

void AttackBench::add_models(const AttackRequest& request) {
  if (!data_.model.empty()) model_.emplace(data_.model);
  if (!request.retrained.empty()) retrained_.emplace(request.retrained);
  const StoredModel& base = model_ ? *model_ : *data_.original;
  check_vocabulary(base, *data_.original);
  applied_.emplace(base.checkpoint, adapters_.weighted);
  const auto loaded = [this](const StoredModel& stored, bool mapped, bool adapted) {
    LoadOptions options = load_options(mapped);
    if (adapted) options.adapters = &*applied_;
    return stored.load(options);
  };
  const auto add = [&](const char* name, const StoredModel& stored, bool adapted) {
    models_.push_back({name, [&stored, loaded, adapted] { return loaded(stored, false, adapted); },
                       [&stored, loaded, adapted] { return loaded(stored, true, adapted); }});
  };
  add(kUnlearned, base, true);
  add(kOriginal, *data_.original, false);
  if (!retrained_) return;
  check_vocabulary(*retrained_, *data_.original);
  add(kRetrained, *retrained_, false);
}

OrderedJson AttackBench::judge_original() {
  EvaluationSets sets;
  sets.unseen = data_.harmful;
  sets.normal = data_.normal;
  ModelComparison comparison(data_.original->tokenizer, *data_.examples, panel(), detector_, meter_->options(),
                             {std::move(sets), {}, {}});
  CausalLM original = models_[1].view();
  const auto cache = original_cache(data_.recipe.evaluation, data_.original->checkpoint.folder(), load_options(true));
  comparison.evaluate_original(original, cache.get());
  if (cache && !cache->text().empty()) say(cache->text());
  const Comparison& result = comparison.result();
  const AttackOutcome outcome{.answers = result.original.unseen.answers, .utility = meter_->utility(original)};
  return {{"withheld", result.original.judge_withheld},
          {"judges", to_json(result.judges)},
          {"original", to_json(figures_of(outcome))}};
}

}  // namespace lethe
