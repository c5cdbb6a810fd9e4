#include "evaluation/harness_results.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "metrics/mean.h"

namespace lethe {
namespace {

// The standard error of a mean of zeros and ones, with n − 1 as lm_eval's mean_stderr() has it.
OrderedJson stderr_of(const Proportion& rate) {
  if (rate.cases < 2) return "N/A";
  return std::sqrt(rate.rate * (1 - rate.rate) / static_cast<double>(rate.cases - 1));
}

// The half width is Student's t times the standard error.
OrderedJson stderr_of(const Mean& mean) {
  return mean.count < 2 ? OrderedJson("N/A") : OrderedJson(mean.half_width / student_t(mean.count - 1));
}

/// The parts of the file that are keyed by task.
class HarnessTasks {
 public:
  /// Further metrics belong to this task. @param output  lm_eval's name of the kind of request
  void begin(const std::string& task, const std::string& alias, std::size_t prompts, const char* output) {
    task_ = task;
    results[task] = {{"alias", alias}};
    configs[task] = {{"task", task},
                     {"output_type", output},
                     {"num_fewshot", 0},
                     {"metric_list", OrderedJson::array()},
                     {"metadata", {{"version", 1.0}}}};
    if (std::string(output) == "generate_until") configs[task]["generation_kwargs"] = {{"do_sample", false}};
    versions[task] = 1.0;
    shots[task] = 0;
    samples[task] = {{"original", prompts}, {"effective", prompts}};
    higher_is_better[task] = OrderedJson::object();
  }

  void add(const std::string& metric, double value, const OrderedJson& standard_error, bool higher) {
    if (!std::isfinite(value)) return;  // JSON has no such number
    results[task_][metric + ",none"] = value;
    results[task_][metric + "_stderr,none"] = standard_error;
    higher_is_better[task_][metric] = higher;
    configs[task_]["metric_list"].push_back(
        {{"metric", metric}, {"aggregation", "mean"}, {"higher_is_better", higher}});
  }
  void add(const std::string& metric, const Proportion& rate, bool higher) {
    if (rate.cases > 0) add(metric, rate.rate, stderr_of(rate), higher);
  }
  void add(const std::string& metric, const Mean& mean, bool higher) {
    if (mean.count > 0) add(metric, mean.value, stderr_of(mean), higher);
  }
  void add_perplexity(const std::string& metric, const Perplexity& sum) {
    if (sum.tokens > 0) add(metric, sum.value(), "N/A", false);
  }

  OrderedJson results = OrderedJson::object(), configs = results, versions = results, shots = results,
              higher_is_better = results, samples = results;

 private:
  std::string task_;
};

std::string alias_of(const std::string& set) {
  if (set == "seen") return "harmful prompts, seen in unlearning";
  if (set == "unseen") return "harmful prompts, unseen";
  if (set == "other") return "harmful prompts of another source";
  if (set == "safe" || set == "xstest_safe") return "safe prompts that look unsafe";
  if (set == "xstest_contrast") return "unsafe counterparts of safe prompts";
  return set + " prompts";
}

void add_set(HarnessTasks& tasks, const std::string& name, const SetResult& set, bool judged) {
  if (set.answers.empty()) return;
  tasks.begin("lethe_" + name, alias_of(name), set.answers.size(), "generate_until");
  if (judged) tasks.add("harmful", set.harmful, false);
  tasks.add("degenerate", set.degenerate, false);
  tasks.add("refusing", set.refusing, name != "normal" && name != "safe" && name != "xstest_safe");
  tasks.add("acc", set.correct, true);
  if (set.scores) {
    tasks.add("rouge1", set.scores->plain.rouge1, true);
    tasks.add("rouge2", set.scores->plain.rouge2, true);
    tasks.add("rougeL", set.scores->plain.rouge_l, true);
    tasks.add("bleu", set.scores->bleu, "N/A", true);
  }
  if (name == "normal") tasks.add_perplexity("reference_perplexity", set.references);
}

}  // namespace

OrderedJson harness_results(const Comparison& comparison, const HarnessRun& run) {
  const ModelResult& model = comparison.unlearned ? *comparison.unlearned : comparison.original;
  HarnessTasks tasks;
  for (const auto& [name, set] : sets_of(model)) {
    add_set(tasks, name, *set, model.judge_withheld.empty());
    if (name == "normal" && !set->answers.empty() && model.kl_test)
      tasks.add("kl_from_original", *model.kl_test, "N/A", false);
  }
  if (model.letters.right.cases > 0) {
    tasks.begin("lethe_choices", "multiple choice", model.letters.right.cases, "multiple_choice");
    tasks.add("acc", model.letters.right, true);
  }
  if (model.truthful.right.cases > 0) {
    tasks.begin("lethe_truthfulqa", "TruthfulQA", model.truthful.right.cases, "multiple_choice");
    tasks.add("mc1", model.truthful.right, true);
    tasks.add("mc2", model.truthful.true_mass, true);
  }
  if (model.text && model.text->text.tokens > 0) {
    tasks.begin("lethe_text", "plain text", model.text->by_text.size(), "loglikelihood_rolling");
    tasks.add_perplexity("token_perplexity", model.text->text);
  }
  std::string sanitized;
  for (const char c : run.model_name) sanitized += c == '/' ? std::string("__") : std::string(1, c);
  return {{"results", tasks.results},
          {"group_subtasks", OrderedJson::object()},
          {"configs", tasks.configs},
          {"versions", tasks.versions},
          {"n-shot", tasks.shots},
          {"higher_is_better", tasks.higher_is_better},
          {"n-samples", tasks.samples},
          {"config",
           {{"model", "hf"},
            {"model_args", run.model_args},
            {"batch_size", nullptr},
            {"limit", nullptr},
            {"gen_kwargs", nullptr},
            {"random_seed", comparison.seed}}},
          {"date", run.date},
          {"model_source", "hf"},
          {"model_name", run.model_name},
          {"model_name_sanitized", sanitized},
          {"lethe_version", run.lethe}};
}

}  // namespace lethe
