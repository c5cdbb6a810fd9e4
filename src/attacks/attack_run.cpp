// The command: checks, plan, parts, results.
#include <algorithm>
#include <chrono>

#include "attacks/attack_bench.h"
#include "attacks/attack_data.h"
#include "attacks/attack_report.h"
#include "attacks/attack_request.h"
#include "attacks/attack_result.h"
#include "attacks/attack_table.h"
#include "core/error.h"
#include "core/files.h"
#include "core/join.h"
#include "core/seconds_since.h"
#include "core/terminal.h"
#include "evaluation/figures.h"
#include "runs/plan_file.h"
#include "runs/rehearsal.h"
#include "runs/run_judge.h"
#include "runs/run_plan.h"
#include "runs/sha256.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// What is measured and trained on: the same files give other rows with other columns or `where`.
std::string text_of(const AttackData& data) {
  OrderedJson text = OrderedJson::array();
  for (const std::vector<Question>* questions : {&data.harmful, &data.normal}) {
    for (const Question& question : *questions) text.push_back({question.prompt, question.references});
  }
  for (const std::vector<Pair>* pairs : {&data.rows.forget, &data.rows.normal}) {
    for (const Pair& pair : *pairs) text.push_back({pair.prompt, pair.response});
  }
  return text.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

// The settings that all parts share: parts of others are not mixed with them. Further attacks may be added later.
std::string plan_of(const AttackRequest& request, const AttackData& data) {
  const AttackBudget& budget = request.budget;
  OrderedJson plan = {{"lethe", LETHE_VERSION},
                      {"recipe", to_yaml(without_place(data.recipe))},
                      {"inputs", data.inputs},
                      {"adapters", data.adapters},
                      {"dtype", word_of(data.recipe.dtype)},
                      {"rows", sha256(text_of(data))},
                      {"prompts", request.prompts},
                      {"budget",
                       {{"rows", budget.rows},
                        {"steps", budget.steps},
                        {"batch", budget.batch},
                        {"lora_rates", budget.lora_rates},
                        {"full_rates", budget.full_rates},
                        {"betas", budget.betas},
                        {"samples", budget.samples}}},
                      {"keep_models", request.keep_models},
                      {"tricks", request.tricks.empty() ? "" : read_file(request.tricks)}};
  if (request.run_recipe) plan["part_of_run"] = true;
  return dump_json(plan, 1) + "\n";
}

// Why the judge will decide nothing, as far as that can be tried without loading a model.
std::vector<std::string> obstacles_of(const AttackData& data) {
  EvaluationSets sets;
  sets.unseen = data.harmful;
  sets.normal = data.normal;
  return try_judge(data.recipe, sets, [&](const Recipe& alone) {
    return data.run_data ? panel_for_run(alone, *data.run_data) : open_panel(alone);
  });
}

RunPlan printed_plan(const AttackRequest& request, const AttackData& data, const std::vector<const AttackKind*>& kinds,
                     const Compute& compute) {
  RunPlan plan{.command = "attack"};
  std::vector<std::string> names;
  for (const AttackKind* kind : kinds) names.push_back(kind->name);
  const std::uint64_t size = model_size(data.original->spec, data.recipe).parameters;
  const std::string model = data.model.empty() ? join(data.adapters, ", ") : data.model;
  plan.lines = {
      {"model", excerpt(model, 400) + ": " + with_commas(size) + " weights, " + dtype_text(compute)},
      {"original", excerpt(data.recipe.model, 400)},
      {"control", request.retrained.empty()
                      ? "none (--retrained): training on harm cannot be told from bringing it back"
                      : excerpt(request.retrained, 400)},
      {"rows", with_commas(data.rows.forget.size()) + " forget, " + with_commas(data.rows.normal.size()) + " benign"},
      {"measured", with_commas(data.harmful.size()) + " harmful and " + with_commas(data.normal.size()) +
                       " normal prompts; answers of at most " +
                       with_commas(static_cast<std::uint64_t>(data.recipe.evaluation.max_new_tokens)) + " tokens"},
      {"attacks", join(names, ", ")},
      {"judge", excerpt(join(data.recipe.evaluation.judge, ", "), 400)},
      {"memory", "about " + bytes_text(attack_memory(size, names, compute)) + "; " +
                     bytes_text(available_for(compute)) + " are available"},
      {"output", request.out.empty() ? "not named yet (--out)" : excerpt(request.out.string(), 400)}};
  plan.facts = {{"command", plan.command},
                {"attacks", names},
                {"rows", {{"forget", data.rows.forget.size()}, {"normal", data.rows.normal.size()}}},
                {"prompts", {{"harmful", data.harmful.size()}, {"normal", data.normal.size()}}},
                {"parameters", size}};
  return plan;
}

// The model as it is: what each attack is compared with.
AttackFigures untouched(const AttackBench& bench, const AttackedModel& model) {
  const CausalLM loaded = model.view();
  const AttackMeter& meter = bench.inputs().meter;
  AttackOutcome outcome;
  outcome.answers = meter.answers(loaded, "before, " + model.name);
  outcome.utility = meter.utility(loaded);
  return figures_of(outcome);
}

// Computes parts, each stored in a file at once: answers may be harmful, so only the owner reads them.
class AttackWork {
 public:
  AttackWork(const AttackRequest& request, AttackData& data, fs::path folder)
      : request_(request), data_(data), folder_(std::move(folder)) {}

  AttackResult result(const std::vector<const AttackKind*>& kinds) {
    AttackResult result;
    const Json judged = stored("judge", [&] { return bench().judge_original(); });
    result.judge_withheld = json_text(judged, "withheld", "judge.json");
    result.judges = OrderedJson::parse(judged.value("judges", Json()).dump());
    if (!result.judge_withheld.empty()) {
      warn("no verdict. " + harm_not_judged(result.judge_withheld) +
           " The attacks go on and measure utility alone; --judge names another judge.");
    }
    for (const Question& question : data_.harmful) result.prompts.push_back(question.prompt);
    result.before[kOriginal] = attack_figures(json_object(judged, "original", "judge.json"), "judge.json");
    for (const AttackedModel& model : bench().models()) {
      if (model.name == kOriginal) continue;
      const std::string name = "before." + model.name;
      const Json json = stored(name, [&] { return to_json(untouched(bench(), model)); });
      result.before[model.name] = attack_figures(json, name + ".json");
    }
    for (const AttackKind* kind : kinds) left_ += missing(*kind);
    if (left_ > 0) bench().open_judges();  // one that is away is better missed now than after an attack
    for (const AttackKind& kind : attack_kinds()) {
      // Attacks that an earlier command finished stay in the result.
      if (std::find(kinds.begin(), kinds.end(), &kind) != kinds.end() || missing(kind) == 0) add(kind, result);
    }
    return result;
  }

 private:
  AttackBench& bench() {
    if (!bench_) bench_ = std::make_unique<AttackBench>(request_, data_);
    return *bench_;
  }

  fs::path file_of(const std::string& name) const { return folder_ / (name + ".json"); }
  static std::string part_name(const AttackKind& kind, std::size_t part, const AttackedModel& model) {
    return kind.name + "-" + std::to_string(part + 1) + "." + model.name;
  }
  bool applies(const AttackKind& kind, const AttackedModel& model) const {
    if (request_.run_recipe && model.name != kUnlearned) return false;
    return kind.need != AttackNeed::not_the_original || model.name != kOriginal;
  }

  template <class Make>
  Json stored(const std::string& name, const Make& make) const {
    const fs::path file = file_of(name);
    if (!fs::exists(file)) write_file(file, dump_json(make(), 1) + "\n", Access::owner_only);
    return read_json(file);
  }

  // Parts of an attack that are not stored yet.
  std::size_t missing(const AttackKind& kind) {
    std::size_t count = 0;
    const std::size_t parts = kind.make(bench().inputs())->parts().size();
    for (const AttackedModel& model : bench().models()) {
      for (std::size_t part = 0; part < parts && applies(kind, model); ++part)
        count += !fs::exists(file_of(part_name(kind, part, model)));
    }
    return count;
  }

  void add(const AttackKind& kind, AttackResult& result) {
    const std::unique_ptr<Attack> attack = kind.make(bench().inputs());
    const std::vector<std::string> names = attack->parts();
    for (std::size_t part = 0; part < names.size(); ++part) {
      std::vector<AttackRow> rows;
      for (const AttackedModel& model : bench().models()) {
        if (!applies(kind, model)) continue;
        for (AttackFigures& figures : figures_of_part(kind, *attack, part, names[part], model)) {
          const auto same = [&](const AttackRow& row) { return row.unlearned().settings == figures.settings; };
          auto row = std::find_if(rows.begin(), rows.end(), same);
          if (row == rows.end()) {
            if (model.name != kUnlearned) continue;  // the unlearned model's training failed before
            row = rows.insert(rows.end(), {.attack = kind.name});
          }
          row->models[model.name] = std::move(figures);
        }
      }
      result.rows.insert(result.rows.end(), rows.begin(), rows.end());
    }
  }

  // An attack that cannot be tried on this model does not end the others.
  static std::vector<AttackOutcome> outcomes_of(const Attack& attack, std::size_t part, const std::string& name,
                                                const AttackedModel& model) {
    try {
      return attack.run(part, model);
    } catch (const Error& error) {
      if (error.code() != ExitCode::bad_input) throw;  // a judge that is away, a full disk: tried again later
      warn(error.what());
      AttackOutcome outcome;
      outcome.settings = {{"part", name}};
      outcome.failed = error.doing();
      return {outcome};
    }
  }

  std::vector<AttackFigures> figures_of_part(const AttackKind& kind, const Attack& attack, std::size_t part,
                                             const std::string& name, const AttackedModel& model) {
    const std::string file = part_name(kind, part, model);
    const Json json = stored(file, [&] {
      say("attack: " + kind.name + ", " + name + ", on the " + model.name + " model; " + std::to_string(left_) +
          (left_ == 1 ? " part" : " parts") + " left" +
          (done_ > 0 ? ", ETA " + duration_text(seconds_ / static_cast<double>(done_) * static_cast<double>(left_))
                     : std::string()));
      const auto start = std::chrono::steady_clock::now();
      OrderedJson outcomes = OrderedJson::array();
      for (const AttackOutcome& outcome : outcomes_of(attack, part, name, model))
        outcomes.push_back(to_json(figures_of(outcome)));
      seconds_ += seconds_since(start);
      ++done_;
      --left_;
      return OrderedJson{{"attack", kind.name}, {"part", name}, {"model", model.name}, {"outcomes", outcomes}};
    });
    std::vector<AttackFigures> figures;
    for (const Json& outcome : json_list(json, "outcomes", file + ".json"))
      figures.push_back(attack_figures(outcome, file_of(file).string()));
    return figures;
  }

  const AttackRequest& request_;
  AttackData& data_;
  fs::path folder_;
  std::unique_ptr<AttackBench> bench_;
  std::size_t left_ = 0, done_ = 0;
  double seconds_ = 0;
};

}  // namespace

AttackResult attack(const AttackRequest& request) {
  if (!request.tricks.empty()) read_tricks(request.tricks);
  for (const std::string& name : request.attacks) attack_named(name);
  AttackData data = load_attack_data(request);
  const std::vector<const AttackKind*> kinds = chosen_kinds(request, data.rows);
  if (kinds.empty()) throw bad_input("cannot attack the model").found("no attack that these data allow");
  report_template(data.layout, nullptr);
  const std::string plan = plan_of(request, data);
  if (request.dry_run.on) {
    if (!request.out.empty()) goes_on_in(request.out, plan, "attacks");
    const Compute compute =
        choose_compute(data.recipe.device, data.recipe.dtype, static_cast<int>(data.recipe.threads));
    RunPlan printed = printed_plan(request, data, kinds, compute);
    printed.warn_of(obstacles_of(data));
    print_plan(printed, request.dry_run);
    return {};
  }
  const fs::path stored_plan = request.out / "plan.json";
  if (request.run_recipe && (!fs::exists(stored_plan) || read_file(stored_plan) != plan)) fs::remove_all(request.out);
  open_experiment(request.out, plan, "attacks", {"parts"});
  if (request.keep_models)
    warn("attacked models are as dangerous as a model that was taught the harm; they go to " +
         (request.out / "models").string() + ", readable by you alone");

  AttackResult result = AttackWork(request, data, request.out / "parts").result(kinds);
  const fs::path named = request.run_recipe ? fs::path(request.run_recipe->out) : request.run;
  result.title = "Attacks on " +
                 fs::absolute(named.empty() ? fs::path(request.model) : named).lexically_normal().filename().string();
  const OrderedJson json = result.to_json();
  if (!request.run_recipe) print_table(request.json ? dump_json(json) + "\n" : terminal_table(attack_table(result)));
  const Page page = attack_page(result, request.run.empty() ? "" : to_yaml(data.recipe));
  write_file(request.out / "answers.jsonl", result.answer_lines(), Access::owner_only);
  write_file(request.out / "report.html", html_page(page));
  write_file(request.out / "attack.json", dump_json(json, 1) + "\n");
  if (request.run_recipe) return result;
  say(page.verdict->sentence);
  say_wrote(request.out.string(), ": attack.json, answers.jsonl, report.html", dump_json(json));
  return result;
}

}  // namespace lethe
