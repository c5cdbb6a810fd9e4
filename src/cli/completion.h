// lethe completion: what may stand next in a command line, and the scripts by which shells ask for it.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <utility>
#include <vector>

namespace lethe {

struct Candidates {
  std::vector<std::pair<std::string, std::string>> words;  ///< a whole word, and what it means
  bool files = false;                                      ///< a file or folder may stand there too
};

/// What may stand in place of the last word, by the program's own commands, options and recipe keys.
/// @param words  the command line without the program's name; the last one is begun, and may be empty
Candidates candidates(const CLI::App& program, const std::vector<std::string>& words);

}  // namespace lethe
