// Runs a command alone or as one of several ranks.
#pragma once

#include <functional>

#include "ranks/group.h"

namespace lethe {

/// Calls `work` with null if this process was started alone (rank_place()). Otherwise joins the other ranks first; then
/// rank 0 alone prints, and the others print only an error of their own. A rank whose work fails ends the others.
/// @throws Error as `work`; in other ranks the same exit status; Error naming the rank that was lost
void with_group(const std::function<void(Group* group)>& work);

/// Whether this process is a rank that is not 0, by its environment. False if that is wrong.
bool is_other_rank();
/// Whether `lethe launch` started this process. It reports how the run ended.
bool is_launched();

}  // namespace lethe
