// What is left of a run's unlearning under attacks (evaluation.attacks) or in four bits (negation.survive), as report,
// verdict and model card show it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "report/page.h"
#include "report/table.h"

namespace lethe {

struct Robustness {
  Table table;                     ///< of attacks a row for each; no times, so that a repeated run gives the same bytes
  std::vector<std::string> notes;  ///< how to read the table
  std::vector<std::pair<VerdictLevel, std::string>> findings;  ///< for the verdict
  OrderedJson results = OrderedJson::array();                  ///< for results.json, of attacks an entry for each
};

}  // namespace lethe
