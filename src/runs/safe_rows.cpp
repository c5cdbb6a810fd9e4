#include "runs/safe_rows.h"

#include <utility>
#include <vector>

#include "core/error.h"

namespace lethe {
namespace {

// The rows that have room for the answer drawn for them, with it.
std::vector<std::pair<Pair, std::string>> answered(const std::vector<Pair>& harmful, const SafeAnswers& safe,
                                                   const ExampleMaker& examples, std::uint64_t seed,
                                                   std::uint64_t micro) {
  std::vector<std::string> answers = safe.draw(harmful, seed, micro);
  std::vector<std::pair<Pair, std::string>> rows;
  for (std::size_t i = 0; i < harmful.size(); ++i) {
    const Example made = examples.make(harmful[i], answers[i]);
    if (made.response_begin < made.ids.size()) rows.emplace_back(harmful[i], std::move(answers[i]));
  }
  if (rows.empty() && !harmful.empty()) {
    throw bad_input("cannot teach safe answers")
        .wanted("room for a safe answer within data.max_length = " + std::to_string(examples.options().max_length) +
                " tokens")
        .found("none after any prompt of a micro-batch")
        .hint("raise data.max_length or training.batch");
  }
  return rows;
}

}  // namespace

std::function<StepRows(std::uint64_t)> with_safe_answers(std::function<StepRows(std::uint64_t)> rows,
                                                         const SafeAnswers& safe, const ExampleMaker& examples,
                                                         std::uint64_t seed) {
  return [rows = std::move(rows), &safe, &examples, seed](std::uint64_t micro) {
    StepRows changed = rows(micro);
    const std::vector<Pair> harmful = std::exchange(changed.harmful, {});
    for (auto& [pair, answer] : answered(harmful, safe, examples, seed, micro)) {
      pair.response = std::move(answer);
      changed.harmful.push_back(std::move(pair));
    }
    return changed;
  };
}

std::function<StepRows(std::uint64_t)> with_preferred(std::function<StepRows(std::uint64_t)> rows,
                                                      const SafeAnswers& safe, const ExampleMaker& examples,
                                                      std::uint64_t seed) {
  return [rows = std::move(rows), &safe, &examples, seed](std::uint64_t micro) {
    StepRows changed = rows(micro);
    changed.random.clear();
    const std::vector<Pair> harmful = std::exchange(changed.harmful, {});
    for (auto& [pair, answer] : answered(harmful, safe, examples, seed, micro)) {
      changed.harmful.push_back(std::move(pair));
      changed.random.push_back({std::move(answer)});
    }
    return changed;
  };
}

}  // namespace lethe
