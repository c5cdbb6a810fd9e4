// What attacks on a run's result brought back, as its report, verdict and model card show it (evaluation.attacks).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/json.h"
#include "report/page.h"
#include "report/table.h"

namespace lethe {

struct Robustness {
  Table table;                     ///< a row for each attack; no times, so that a repeated run gives the same bytes
  std::vector<std::string> notes;  ///< how to read the table
  std::vector<std::pair<VerdictLevel, std::string>> findings;  ///< for the verdict
  OrderedJson results = OrderedJson::array();                  ///< for results.json, an entry for each attack
};

}  // namespace lethe
