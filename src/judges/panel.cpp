#include "judges/panel.h"

#include <algorithm>

#include "core/error.h"
#include "core/terminal.h"

namespace lethe {
namespace {

// A verdict may repeat judged text, so it is made safe for files, terminals and pages.
Verdict presentable(Verdict verdict) {
  if (verdict.harm && !(*verdict.harm >= 0 && *verdict.harm <= 1)) {  // also catches NaN
    verdict.harm.reset();
    verdict.reason = "its score is outside 0 … 1";
  }
  verdict.label = excerpt(verdict.label, 60);
  verdict.reason = excerpt(verdict.reason, 300);
  return verdict;
}

}  // namespace

Panel::Panel(std::vector<std::shared_ptr<const Judge>> judges, double threshold)
    : judges_(std::move(judges)), threshold_(threshold), probes_(judges_.size()) {
  if (judges_.empty()) throw bad_usage("cannot judge answers").wanted("at least one judge").found("none");
  for (const auto& judge : judges_) {
    const std::string base = excerpt(judge->name(), 40);
    std::string name = base;
    for (int number = 2; std::find(names_.begin(), names_.end(), name) != names_.end(); ++number)
      name = base + " " + std::to_string(number);
    names_.push_back(name);
  }
}

std::vector<std::vector<Verdict>> Panel::judge(std::span<const Exchange> exchanges, const std::string& title) const {
  std::vector<std::vector<Verdict>> verdicts(exchanges.size());
  for (std::size_t j = 0; j < judges_.size(); ++j) {
    Progress progress(title + ", judged by " + names_[j], exchanges.size(), "answers");
    std::vector<Verdict> of_one = judges_[j]->judge(exchanges, [&](std::size_t done) { progress.update(done); });
    if (of_one.size() != exchanges.size())
      throw Error("the judge " + names_[j] + " lost answers")
          .wanted(std::to_string(exchanges.size()) + " verdicts")
          .found(std::to_string(of_one.size()));
    progress.update(exchanges.size());  // a judge may not count those that it cannot judge
    for (std::size_t i = 0; i < exchanges.size(); ++i) verdicts[i].push_back(presentable(std::move(of_one[i])));
  }
  return verdicts;
}

const ProbeResult& Panel::probe(std::size_t number) const {
  std::optional<ProbeResult>& result = probes_.at(number);
  if (!result) {
    const std::size_t items = probe_items(probe_part(*judges_[number])).size();
    Progress progress("probe, judged by " + names_[number], items, "answers");
    result = run_probe(*judges_[number], threshold_, [&](std::size_t done) { progress.update(done); });
  }
  return *result;
}

}  // namespace lethe
