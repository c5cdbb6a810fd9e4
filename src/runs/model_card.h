// The model cards of what Lethe writes: README.md in each model and adapter folder, from a run's settings and results.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/file_writer.h"
#include "core/run_record.h"
#include "evaluation/comparison.h"
#include "recipe/recipe.h"
#include "report/model_card.h"

namespace lethe {

/// A model's name for others: as the Hub has it, or the last part of its path ("opt-2.7b"); of a run's folder the
/// run's name. Never a path of the user's machine, never empty. Not all of its letters need be those of the Hub.
/// @param given   as the user named it: a folder, or a name with or without "@REVISION"
/// @param folder  where it was found
std::string public_name(const std::string& given, const std::filesystem::path& folder);
/// The name of public_name() as one value of lm_eval's "key=value,key=value": the Hub's form, or if no letter of it is
/// the Hub's, the name without what separates values.
std::string argument_name(const std::string& public_name);

/// A card with what is known of the base: its name, and the licence that its README.md's front matter or its
/// config.json names. Its README.md is read, never copied.
ModelCard card_of_base(const std::string& given, const std::filesystem::path& folder, bool adapter);

/// The card of an unlearned model, before its results.
/// @param alpha  as chosen
/// @param run    its inputs are the card's data; may be null
ModelCard unlearning_card(const Recipe& recipe, const std::filesystem::path& base, double alpha, const RunRecord* run);

/// The card of θ_bad, which `keep_harmful` keeps: a warning. @param base  folder of the model
ModelCard harmful_card(const Recipe& recipe, const std::filesystem::path& base);

/// The card of a model that `lethe finetune` trained. @param base  folder of the model, or of the config.json
ModelCard finetuning_card(const Recipe& recipe, const std::filesystem::path& base, const RunRecord& run);

/// The card of what `negate`, `merge` or `sweep --apply` computed from files.
/// @param summary  the first paragraph
/// @param settings  rows of name and value
ModelCard arithmetic_card(const std::string& given, const std::filesystem::path& base, bool adapter, Origin origin,
                          const std::string& summary, const std::vector<std::vector<std::string>>& settings);

/// Adds the verdict and the main figures of both models. Harm rates of a judge that failed its checks are left out.
void add_results(ModelCard& card, const Comparison& comparison, const RunVerdict& verdict);

/// Adds what attacks brought back, after add_results().
void add_robustness(ModelCard& card, const Robustness& robustness);

/// Writes README.md, or replaces it atomically.
void write_card(const ModelCard& card, const std::filesystem::path& folder, Access access = Access::normal);

}  // namespace lethe
