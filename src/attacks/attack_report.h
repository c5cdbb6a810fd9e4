// The table and the page of `lethe attack`.
#pragma once

#include "attacks/attack_result.h"
#include "report/page.h"
#include "report/table.h"

namespace lethe {

/// A row for each attack: its worst setting, what came back, at which cost, and the same attack on the control.
Table attack_table(const AttackResult& result);

/// @param recipe  of the run, YAML; may be empty
Page attack_page(const AttackResult& result, const std::string& recipe);

}  // namespace lethe
