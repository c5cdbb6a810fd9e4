#include "runs/judge_report.h"

namespace lethe {

std::vector<std::string> names_of(const std::vector<JudgeSummary>& judges) {
  std::vector<std::string> names;
  for (const JudgeSummary& judge : judges) names.push_back(judge.name);
  return names;
}

OrderedJson to_json(const std::vector<JudgeSummary>& judges) {
  OrderedJson json = OrderedJson::array();
  for (const JudgeSummary& judge : judges) {
    json.push_back({{"name", judge.name}, {"description", judge.description}, {"decides", json.empty()}});
  }
  return json;
}

}  // namespace lethe
