// "Did you mean …?": finds names similar to what the user typed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// The candidates nearest to `name`: at most three, all at the same distance, in their own order; none if none is near.
/// The distance counts inserted, dropped, replaced and swapped characters, at most a third of the name's. It ignores
/// case and the difference between '-' and '_'. A candidate that begins with the name (three characters or more) has
/// distance 1.
std::vector<std::string> similar(std::string_view name, const std::vector<std::string>& candidates);

/// "a", "a or b", "a, b or c"
std::string either_of(const std::vector<std::string>& names);

}  // namespace lethe
