// The table and the page of `lethe attack`, and each attack in words.
#pragma once

#include "attacks/attack_result.h"
#include "report/page.h"
#include "report/table.h"

namespace lethe {

/// A row for each attack: its worst setting, what came back, at which cost, and the same attack on the control.
/// @param with_times  the cost also has seconds
Table attack_table(const AttackResult& result, bool with_times = true);

/// Red: brings the harm back. Amber: not settled. Green: nothing against the model. None: says nothing about it.
VerdictLevel level_of(const std::string& attack, Reading reading);
/// What an attack did, in a sentence or two.
std::string attack_sentence(const AttackResult& result, const std::string& attack);

/// @param recipe  of the run, YAML; may be empty
Page attack_page(const AttackResult& result, const std::string& recipe);

}  // namespace lethe
