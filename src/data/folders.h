// Several data files under one name: a pattern (`parts/*.jsonl`) or a folder.
#pragma once

#include <span>
#include <vector>

#include "data/sources.h"

namespace lethe {

/// Each source whose path is a pattern (* ? [ ]) becomes one for each file that fits, in order of the names. A folder
/// becomes its data files, if they are all of one format and are not the parts of a split.
/// @throws Error (bad input) if nothing fits, or a folder's files are not one set of rows
std::vector<DataSource> expand_sources(std::span<const DataSource> sources);

}  // namespace lethe
