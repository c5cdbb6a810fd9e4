// The space of a search: the recipe keys that vary, their values, and the trials drawn from them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "experiments/sweep_grid.h"

namespace lethe {

/// A key with its choices, or with a range of numbers.
struct SpaceKey {
  std::string name;                 ///< "training.lr"
  std::vector<std::string> values;  ///< the choices, each as YAML; empty: a range
  double least = 0, most = 0;       ///< the range; both ends belong to it
  bool log = false;                 ///< uniform in the logarithm
  bool whole = false;               ///< whole numbers
};

struct TrialSpace {
  std::vector<SpaceKey> keys;

  /// "training.lr 0.0001 to 0.001 (log), sku.k 1, 3 or 5"
  std::string text() const;
};

/// Reads a space file: YAML with `KEY: [value, …]` or `KEY: {min: A, max: B, log: true}`. Keys may stand in their
/// sections, as in a recipe. Each value is checked as a recipe's, ranges by both ends.
/// @param base  the recipe whose values are varied
/// @throws Error (usage) for a wrong key, value or range; Error (bad input) if the file cannot be read
TrialSpace load_space(const std::filesystem::path& file, const Recipe& base);
/// The same from YAML in memory. @param where  the source's name, for errors
TrialSpace parse_space(const std::string& yaml, const std::string& where, const Recipe& base);

/// @throws Error (usage) for a key that no trial of any of these recipes reads: one of another method, or of another
/// tuning
void check_effects(const TrialSpace& space, const std::vector<Recipe>& recipes);

/// The trials of a search: first `base` itself, then different settings drawn at random. A trial has a value for every
/// key that its method reads. More trials with the same seed begin with the same ones. Numbers have three digits.
/// @return `count` trials, or fewer if the space holds no more
/// @throws Error (usage) if values that are valid alone exclude each other
std::vector<Variant> draw_trials(const TrialSpace& space, const Recipe& base, std::size_t count, std::uint64_t seed);

}  // namespace lethe
