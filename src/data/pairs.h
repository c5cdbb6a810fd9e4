// Pairs of a prompt and its response, out of data files: what is learned, or forgotten.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/file_report.h"
#include "data/rows.h"
#include "data/sources.h"
#include "prompts/chat_template.h"

namespace lethe {

/// A prompt and its response, and where they come from. The texts are those of the file, unchanged.
/// An empty prompt stands for plain text (column `text`): no template applies to it.
struct Pair {
  std::string prompt, response;
  std::string source;               ///< path of the file
  std::uint64_t line = 0;           ///< on which the row begins, from 1
  std::vector<ChatMessage> before;  ///< turns of a chat before the prompt

  bool operator==(const Pair&) const = default;
};

/// A pair as a line of a .jsonl file, with the newline: {"prompt", "response"}, or {"text"} of plain text. If turns
/// stand before the prompt, the line also has {"messages", "last_turn_only"}, and these count when it is read.
std::string json_line(const Pair& pair);

/// What makes two pairs ones "of the same prompt": the normal form (words.h) of the prompt, of a chat's first user
/// turn, or of plain text.
std::string prompt_key(const Pair& pair);

struct LoadedPairs {
  std::vector<Pair> pairs;
  std::vector<FileReport> files;
};

/// Reads all files, in order, each row by its own columns. Exact duplicates of a pair (with the turns before it) are
/// removed and counted.
/// @throws Error (bad input) if a file cannot be read, its columns are not known, or not one pair could be taken from
/// it
LoadedPairs load_pairs(std::span<const DataSource> sources, Role role, const ReadOptions& options = {});

/// Whether harmful and normal data are different things. The same file may serve both roles only if each row says which
/// of its answers is which (is_safe, PKU-SafeRLHF).
/// @throws Error (bad input) if an answer of the same row of the same file was taken in both roles
void check_roles_differ(std::span<const Pair> harmful, std::span<const Pair> normal);

}  // namespace lethe
