// What a report tells of its judges.
#pragma once

#include <string>
#include <vector>

#include "core/json.h"

namespace lethe {

struct JudgeSummary {
  std::string name, description;
};

std::vector<std::string> names_of(const std::vector<JudgeSummary>& judges);
/// For results.json; the first decides.
OrderedJson to_json(const std::vector<JudgeSummary>& judges);

}  // namespace lethe
