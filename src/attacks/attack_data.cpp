#include "attacks/attack_data.h"

#include <algorithm>
#include <set>

#include "attacks/attack_table.h"
#include "core/error.h"
#include "core/file_hash.h"
#include "core/folder_names.h"
#include "core/join.h"
#include "core/random.h"
#include "core/terminal.h"
#include "data/reporting.h"
#include "evaluation/evaluation_sets.h"
#include "evaluation/prompt_length.h"
#include "formats/checkpoint.h"
#include "judges/open_judge.h"
#include "runs/evaluator.h"
#include "runs/input_check.h"
#include "runs/run_folder.h"
#include "runs/run_judge.h"
#include "runs/stored_recipe.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// Collects the inputs for plan.json.
class InputRecord : public RunRecord {
 public:
  explicit InputRecord(OrderedJson& inputs) : inputs_(inputs) {}
  void add_input(const std::string& role, const fs::path& path, std::optional<std::uint64_t>) override {
    inputs_.push_back(describe_input(role, path));
  }
  void note(const std::string&, OrderedJson) override {}
  void leave_out(std::string what) override { left_out_.push_back(std::move(what)); }
  const std::vector<std::string>& left_out() const override { return left_out_; }
  OrderedJson describe() const override { return inputs_; }
  const fs::path& path() const override { return none_; }

 private:
  OrderedJson& inputs_;
  std::vector<std::string> left_out_;
  fs::path none_;
};

bool has_result(const fs::path& run) {
  return fs::exists(run / "model") || fs::exists(run / "adapter");
}

// The recipe of the run, with what the request replaces.
Recipe recipe_of_run(const AttackRequest& request) {
  const fs::path file = request.run / "recipe.yaml";
  const auto wrong = [&](const std::string& found) {
    return bad_input("cannot attack " + request.run.string())
        .wanted("a run folder of `lethe unlearn`, or --model and --original")
        .found(found);
  };
  if (!request.run_recipe) refuse_unfinished(request.run, "cannot attack " + request.run.string());
  if (!request.run_recipe && !fs::exists(file)) throw wrong("no recipe.yaml");
  if (!request.run_recipe && !has_result(request.run)) throw wrong("no model and no adapter");
  Recipe recipe = request.run_recipe ? *request.run_recipe : stored_recipe(request.run);
  if (recipe.data.harmful.empty() && recipe.data.plan.empty()) throw wrong("a run without harmful data");
  if (!request.original.empty()) recipe.model = request.original;
  if (!request.judge.empty()) {
    recipe.evaluation.judge = request.judge;
    // 0: the run judged nothing, and this judge does now.
    if (recipe.evaluation.prompts == 0) recipe.evaluation.prompts = static_cast<std::int64_t>(request.prompts);
  }
  if (request.max_new_tokens > 0) recipe.evaluation.max_new_tokens = request.max_new_tokens;
  if (!request.response_template.empty()) {
    recipe.data.response_template = request.response_template;
    recipe.data.append_eos = AppendEos::automatic;
  }
  if (!asks_judge(recipe)) throw wrong("a run without a judge").hint("--judge");
  recipe.device = request.recipe.device;
  recipe.dtype = request.recipe.dtype;
  recipe.threads = request.recipe.threads;
  recipe.evaluation.cache = recipe.evaluation.cache && request.recipe.evaluation.cache;
  EvaluationSettings& evaluation = recipe.evaluation;  // without the sets and metrics that are not measured
  evaluation.other = evaluation.xstest = evaluation.choices = evaluation.text = {};
  evaluation.bleurt = evaluation.embedder = "";
  recipe.negation.alpha = 1;  // none is chosen: no validation rows are needed
  check_recipe(recipe);
  return recipe;
}

void check_files(const AttackRequest& request, const AttackData& data) {
  std::vector<NamedPath> paths = paths_of(data.recipe);
  const auto add = [&](const char* option, const std::vector<DataSource>& sources) {
    for (const DataSource& source : sources) paths.push_back({option, source.path});
  };
  add("--harmful", request.harmful);
  add("--unseen", request.unseen);
  add("--normal", request.normal);
  if (!request.tricks.empty()) paths.push_back({"--prompts", request.tricks.string()});
  check_paths({{"--original", data.recipe.model}, {"--model", data.model}, {"--retrained", request.retrained}}, paths,
              request.out.string());
}

// At most `count` rows, drawn by the seed: a file may be sorted by topic.
std::vector<Pair> drawn(std::vector<Pair> rows, std::size_t count, std::uint64_t seed, const char* purpose) {
  RandomStream(seed, purpose).shuffle(rows);
  if (rows.size() > count) rows.resize(count);
  return rows;
}

std::set<std::string> keys_of(const std::vector<Pair>& pairs) {
  std::set<std::string> keys;
  for (const Pair& pair : pairs) keys.insert(prompt_key(pair));
  return keys;
}

std::set<std::string> keys_of(const std::vector<Question>& questions) {
  std::set<std::string> keys;
  for (const Question& question : questions)
    keys.insert(prompt_key({.prompt = question.prompt, .before = question.before}));
  return keys;
}

// The pairs of each role, before any are left out.
struct AllRows {
  std::vector<Pair> forget, normal;             // that an attacker may train on
  std::vector<Question> harmful, normal_asked;  // that are measured
};

AllRows rows_of_run(AttackData& data, InputRecord& record) {
  data.run_data = load_run_data(data.recipe, *data.examples, &record);
  const RunData& run = *data.run_data;
  AllRows rows{run.harmful.train, run.normal.train, questions_of(run.harmful.test), questions_of(run.normal.test)};
  if (rows.harmful.empty()) rows.harmful = questions_of(run.harmful.validation);
  if (rows.normal_asked.empty()) rows.normal_asked = questions_of(run.normal.validation);
  for (const Split* split : {&run.harmful, &run.normal}) {
    for (const auto* pairs : {&split->train, &split->validation, &split->test}) {
      for (const Pair& pair : *pairs) data.answers.push_back(pair.response);
    }
  }
  return rows;
}

AllRows rows_of_files(const AttackRequest& request, AttackData& data, InputRecord& record) {
  AllRows rows;
  if (!request.harmful.empty()) rows.forget = load_reported(request.harmful, Role::harmful, "harmful", &record);
  rows.harmful = load_reported_questions(request.unseen, Role::harmful, "unseen", &record);
  std::vector<Pair> normal = load_reported(request.normal, Role::normal, "normal", &record);
  // Half of the normal prompts is measured, the other half may be trained on.
  const std::vector<Question> asked = questions_of(normal);
  rows.normal_asked = choose_questions(asked, std::min(request.prompts, (asked.size() + 1) / 2), data.recipe.seed);
  const std::set<std::string> measured = keys_of(rows.normal_asked);
  std::erase_if(normal, [&](const Pair& pair) { return measured.contains(prompt_key(pair)); });
  rows.normal = std::move(normal);
  for (const std::vector<Pair>* pairs : {&rows.forget, &rows.normal}) {
    for (const Pair& pair : *pairs) data.answers.push_back(pair.response);
  }
  for (const std::vector<Question>* questions : {&rows.harmful, &rows.normal_asked}) {
    for (const Question& question : *questions)
      data.answers.insert(data.answers.end(), question.references.begin(), question.references.end());
  }
  return rows;
}

// What is measured: not among the attackers' rows, within the model's positions, at most request.prompts of each.
void take_measured(const AttackRequest& request, AllRows& rows, AttackData& data) {
  const Recipe& recipe = data.recipe;
  const EvaluationOptions options =
      evaluation_options(recipe, data.original->checkpoint, data.original->spec.max_positions);
  EvaluationSets sets;
  sets.unseen = std::move(rows.harmful);
  sets.normal = std::move(rows.normal_asked);
  std::vector<Question> trained = questions_of(rows.forget);
  const std::vector<Question> benign = questions_of(rows.normal);
  trained.insert(trained.end(), benign.begin(), benign.end());
  // The rows of a plan alone are used for training and evaluation.
  const bool plan_alone = data.run_data && data.recipe.data.harmful.empty();
  leave_out_overlap(sets, trained, recipe.evaluation.overlap, nullptr,
                    plan_alone ? std::vector<std::string>{"unseen", "normal"} : std::vector<std::string>{});
  leave_out_long(sets, data.original->tokenizer, options, nullptr);
  data.harmful = choose_questions(sets.unseen, request.prompts, recipe.seed);
  data.normal = choose_questions(sets.normal, request.prompts, recipe.seed);
  std::erase_if(data.normal, [](const Question& question) { return question.references.empty(); });
  const auto need = [](const std::vector<Question>& questions, const char* what, const char* hint) {
    if (!questions.empty()) return;
    throw bad_input(std::string("cannot measure an attack on ") + what)
        .wanted("prompts that no attack trains on, and that fit into the model's positions")
        .found("none")
        .hint(hint);
  };
  need(data.harmful, "held-out harmful prompts", "more --unseen prompts, or a run with a larger data.split.test");
  need(data.normal, "normal prompts", "more --normal pairs, or a run with a larger data.split.test");
}

// The rows that attackers train on.
void take_rows(const AttackRequest& request, AllRows& rows, AttackData& data) {
  // A run of a plan alone trains on what it measures: here those rows are only measured.
  std::set<std::string> measured = keys_of(data.harmful);
  measured.merge(keys_of(data.normal));
  std::erase_if(rows.forget, [&](const Pair& pair) { return measured.contains(prompt_key(pair)); });
  measured.merge(keys_of(rows.forget));
  std::erase_if(rows.normal, [&](const Pair& pair) { return measured.contains(prompt_key(pair)); });
  for (std::vector<Pair>* pairs : {&rows.forget, &rows.normal}) {
    if (!pairs->empty()) data.examples->drop_truncated(*pairs);
  }
  data.rows.forget = drawn(std::move(rows.forget), request.budget.rows, data.recipe.seed, "attack forget rows");
  data.rows.normal = drawn(std::move(rows.normal), request.budget.rows, data.recipe.seed, "attack normal rows");
}

// Why an attack cannot be tried with these data; empty: it can.
std::string lack_of(const AttackKind& kind, const AttackRows& rows) {
  const bool forget = kind.need == AttackNeed::forget_rows || kind.need == AttackNeed::both_rows;
  const bool normal = kind.need == AttackNeed::normal_rows || kind.need == AttackNeed::both_rows;
  if (forget && rows.forget.empty()) return "forget rows (--harmful: the pairs that were unlearned)";
  if (normal && rows.normal.empty()) return "benign rows besides those that are measured (more --normal pairs)";
  return "";
}

}  // namespace

std::vector<const AttackKind*> chosen_kinds(const AttackRequest& request, const AttackRows& rows) {
  std::vector<const AttackKind*> kinds;
  std::vector<std::string> refused;
  for (const std::string& name : request.attacks) attack_named(name);
  for (const AttackKind& kind : attack_kinds()) {
    const bool named = std::find(request.attacks.begin(), request.attacks.end(), kind.name) != request.attacks.end();
    if (!named && !request.attacks.empty()) continue;
    const std::string lack = lack_of(kind, rows);
    if (lack.empty()) {
      kinds.push_back(&kind);
    } else if (named) {
      refused.push_back(kind.name + ": needs " + lack);
    } else {
      say("left out: " + kind.name + ", which needs " + lack);
    }
  }
  if (!refused.empty()) throw bad_input("cannot run these attacks").found(join(refused, "; "));
  return kinds;
}

AttackData load_attack_data(const AttackRequest& request) {
  AttackData data;
  const bool of_run = !request.run.empty();
  data.recipe = of_run ? recipe_of_run(request) : request.recipe;
  if (of_run && has_result(request.run)) {
    const bool lora = fs::exists(request.run / "adapter");
    (lora ? data.adapters.emplace_back() : data.model) = (request.run / (lora ? "adapter" : "model")).string();
  } else if (!of_run) {
    data.recipe.model = request.original;
    data.model = request.model;
    data.adapters = request.adapters;
  }
  check_files(request, data);
  data.original = std::make_unique<StoredModel>(data.recipe.model);
  std::vector<std::string> written = data.adapters;
  if (!data.model.empty()) written.push_back(data.model);
  data.layout = choose_template(data.recipe.data, data.original->checkpoint.folder(), written);
  data.recipe = with_template(data.recipe, data.layout);
  data.examples = data.original->examples(data.recipe);

  // A damaged file is refused before anything is written.
  for (const std::string& name : {data.model, request.retrained}) {
    if (!name.empty()) Checkpoint(resolve_model_folder(name));
  }
  InputRecord record(data.inputs);
  record.add_input("original", data.original->checkpoint.folder(), {});
  // All bytes of the weights: add_input() reads only the ends of a folder's files.
  OrderedJson hashes = OrderedJson::array();
  const auto add_weights = [&](const char* role, const fs::path& folder) {
    record.add_input(role, folder, {});
    hashes.push_back(weights_hash(folder));
  };
  if (!data.model.empty()) add_weights("model", resolve_model_folder(data.model));
  for (const std::string& adapter : data.adapters) add_weights("adapter", split_weight(adapter, "--adapter").first);
  if (!request.retrained.empty()) add_weights("retrained", resolve_model_folder(request.retrained));
  for (const std::string& judge : data.recipe.evaluation.judge) {
    const auto trained = of_run ? run_classifier(judge) : std::nullopt;  // on the run's data
    if (trained && !trained->embedder.empty()) add_weights("judge", resolve_model_folder(trained->embedder));
    if (trained) continue;
    for (const fs::path& file : judge_files(judge)) record.add_input("judge", file, {});
  }
  data.inputs.push_back({{"role", "hashes of weights"}, {"hashes", hashes}});
  AllRows rows = of_run ? rows_of_run(data, record) : rows_of_files(request, data, record);
  take_measured(request, rows, data);
  take_rows(request, rows, data);
  say("attacks: measured on " + with_commas(data.harmful.size()) + " held-out harmful and " +
      with_commas(data.normal.size()) + " normal prompts; attackers have " + with_commas(data.rows.forget.size()) +
      " forget rows and " + with_commas(data.rows.normal.size()) + " benign rows");
  return data;
}

}  // namespace lethe
