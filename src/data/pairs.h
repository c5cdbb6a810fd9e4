// Reads pairs of a prompt and its response, to learn or to forget, from data files.
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

/// A prompt and its response, unchanged from the file, and where they come from.
/// An empty prompt means plain text (column `text`), to which no template applies.
struct Pair {
  std::string prompt, response;
  std::string source;               ///< path of the file
  std::uint64_t line = 0;           ///< where the row begins, from 1
  std::vector<ChatMessage> before;  ///< turns of a chat before the prompt

  bool operator==(const Pair&) const = default;
};

/// A pair as a line of a .jsonl file, with the newline: {"prompt", "response"}, or {"text"} for plain text. If the pair
/// has earlier turns, the line also has {"messages", "last_turn_only"}, which are then read instead.
std::string json_line(const Pair& pair);

/// Pairs with equal keys have the same prompt. The key is the normal form (words.h) of the prompt, of a chat's first
/// user turn, or of plain text.
std::string prompt_key(const Pair& pair);

struct LoadedPairs {
  std::vector<Pair> pairs;
  std::vector<FileReport> files;
};

/// Reads all files, in order, each row by its own columns. Exact duplicates of a pair (with the turns before it) are
/// removed and counted.
/// @throws Error (bad input) if a file cannot be read, its columns are not known, or it has no usable pair
LoadedPairs load_pairs(std::span<const DataSource> sources, Role role, const ReadOptions& options = {});

/// Checks that harmful and normal data differ. A file may serve both roles only if its rows label their answers
/// (is_safe, PKU-SafeRLHF).
/// @throws Error (bad input) if an answer of one row was taken in both roles
void check_roles_differ(std::span<const Pair> harmful, std::span<const Pair> normal);

}  // namespace lethe
