// Several data files under one name: a pattern (`parts/*.jsonl`) or a folder.
#pragma once

#include <span>
#include <vector>

#include "data/sources.h"

namespace lethe {

/// Replaces a source whose path is a pattern (* ? [ ]) by one source per matching file, in name order. Replaces a
/// folder by its data files, if they all have one format and are not the parts of a split.
/// @throws Error (bad input) if nothing matches, or the files of a folder do not belong together
std::vector<DataSource> expand_sources(std::span<const DataSource> sources);

}  // namespace lethe
