// What the comparison page (report/compare_page.h) says of a finished run, without loading a model: its verdict, its
// limits, the prompts with the answers that it stored, and the trade-off against α.
#pragma once

#include <filesystem>
#include <optional>

#include "core/json.h"
#include "recipe/recipe.h"

namespace lethe {

/// A finished run of `lethe unlearn`, as its folder says.
struct ComparedRun {
  std::filesystem::path folder;
  Recipe recipe;
  double alpha = 0;  ///< of the stored model
  Json results;      ///< results.json

  /// The largest α that a user may set: 1 or the stored one; with negation.allow_any_alpha twice that.
  double most_alpha() const;
  /// Whether the adapter holds what the safe answers taught and the harm side by side (contrast, LoRA), so that each
  /// can be switched.
  bool has_halves() const;
  /// Why the run's judge says nothing; empty: it passed its checks, and its answers were judged.
  std::string judge_withheld() const;
};

/// @throws Error (bad input) if the folder is no finished run with an α, or its files are damaged
ComparedRun open_compared_run(const std::filesystem::path& folder);

/// {"title", "subtitle", "verdict", "limits", "alpha", "parts", "prompts", "plots", "note", "tokens"}. Texts are
/// bounded; with --redact there are no prompts. Of a damaged predictions.jsonl or sweep.json a warning is printed.
/// @param sweep  sweep.json; null: the run's own, if it has one
OrderedJson compare_data(const ComparedRun& run, const Json& sweep = {});
/// The same for a page without a server: its slider moves among the α that were measured. A sweep keeps no answers, so
/// there are only those of the original and of the run's own α.
OrderedJson static_compare_data(const ComparedRun& run, const Json& sweep);

}  // namespace lethe
