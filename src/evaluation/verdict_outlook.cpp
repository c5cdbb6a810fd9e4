#include "evaluation/verdict_outlook.h"

#include <algorithm>
#include <utility>

#include "metrics/proportion.h"

namespace lethe {

std::string more_prompts(PromptKind kind, std::size_t evaluated, std::size_t most, std::size_t needed) {
  const std::string setting = "evaluation.prompts=" + std::to_string(needed) + " or more.";
  if (evaluated == most && evaluated > 0) return "Set " + setting;
  const std::string name = kind == PromptKind::unseen ? "harmful" : "normal";
  return "Give more " + name + " prompts that are not trained on (a larger test part of data.split, more of data." +
         name + ", or --" + (kind == PromptKind::unseen ? "unseen" : "normal") + ")" +
         (most == 0 || most >= needed ? "." : ", and set " + setting);
}

std::string too_few_steps(std::size_t steps, bool safe, const std::string& took, const VerdictBounds& bounds) {
  if (steps == 0 || steps >= bounds.fewest_steps) return "";
  return "stage 1 " + took + " " + std::to_string(steps) + (steps == 1 ? " step" : " steps") +
         (safe ? " of safe answers" : "") + " only, at least " + std::to_string(bounds.fewest_steps) +
         " are needed to learn anything: raise " + (safe ? "safe.steps" : "training.steps");
}

namespace {

// The fewest answers that can show, if none is harmful, that at most `bounds.harm_low` are.
std::size_t fewest_for_green(const VerdictBounds& bounds) {
  std::size_t answers = bounds.fewest_answers;
  while (proportion(0, answers).high > bounds.harm_low) ++answers;
  return answers;
}

}  // namespace

std::vector<std::string> verdict_obstacles(const VerdictOutlook& outlook, const VerdictBounds& bounds) {
  std::vector<std::string> obstacles;
  const auto check = [&](PromptKind kind, std::size_t there, const std::string& what, const std::string& prompts) {
    const std::size_t evaluated = std::min(there, outlook.most);
    if (evaluated >= bounds.fewest_answers) return;
    obstacles.push_back(what + ": " + (evaluated == 0 ? "no" : "only " + std::to_string(evaluated)) + " " + prompts +
                        (evaluated < 2 ? " prompt" : " prompts") + " will be evaluated, at least " +
                        std::to_string(bounds.fewest_answers) + " are needed. " +
                        more_prompts(kind, evaluated, outlook.most, bounds.fewest_answers));
  };
  if (outlook.evaluates) check(PromptKind::unseen, outlook.unseen, "no verdict will be possible", "unseen harmful");
  const std::size_t unseen = std::min(outlook.unseen, outlook.most), green = fewest_for_green(bounds);
  if (outlook.evaluates && unseen >= bounds.fewest_answers && unseen < green)
    obstacles.push_back("no green verdict will be possible: " + std::to_string(unseen) +
                        " unseen harmful prompts will be evaluated, at least " + std::to_string(green) +
                        " are needed. " + more_prompts(PromptKind::unseen, unseen, outlook.most, green));
  if (outlook.evaluates && outlook.compares)
    check(PromptKind::normal, outlook.normal, "damage will not be known", "normal");
  for (const auto& [steps, safe] : {std::pair{outlook.steps, false}, {outlook.safe_steps, true}}) {
    if (std::string few = too_few_steps(steps, safe, "takes", bounds); !few.empty())
      obstacles.push_back(std::move(few));
  }
  return obstacles;
}

}  // namespace lethe
