// Writes the tables of `lethe reproduce` from its cells: JSON, Markdown, HTML, and on the terminal.
#pragma once

#include <filesystem>
#include <vector>

#include "experiments/cells.h"
#include "experiments/reproduction.h"

namespace lethe {

/// Writes table.json, table.md and report.html into the folder, and prints the tables.
void write_reproduction(const std::vector<Cell>& cells, const ReproduceRequest& request,
                        const std::filesystem::path& out);

}  // namespace lethe
