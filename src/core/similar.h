// "Did you mean …?": names that are near to what somebody typed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lethe {

/// The candidates nearest to `name`, at most three, all equally near, in their own order; none if none is near.
/// Nearness counts inserted, dropped, replaced and swapped characters, at most a third of the name's; it knows no
/// difference between capitals and small letters, '-' and '_'. A candidate that begins with the name (three characters
/// or more) counts as one character away.
std::vector<std::string> similar(std::string_view name, const std::vector<std::string>& candidates);

/// "a", "a or b", "a, b or c"
std::string either_of(const std::vector<std::string>& names);

}  // namespace lethe
