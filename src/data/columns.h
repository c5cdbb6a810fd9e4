// Rows into (prompt, response) pairs: the layouts of the known data sets, or columns given by name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/readers.h"
#include "text/chat_template.h"

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

/// What a file is read as. It decides what known data sets mean: of PKU-SafeRLHF, `harmful` takes the unsafe responses,
/// `normal` the safe ones, `generic` both.
enum class Role { harmful, normal, generic };

/// A data file, and optionally which columns and rows of it. Empty: found by the names of the known data sets; all
/// rows. The path may also be a pattern (`parts/*.jsonl`) or a folder.
struct DataSource {
  std::string path, prompt, response, where;

  bool operator==(const DataSource&) const = default;
};

/// How data files may be given, for --help.
inline constexpr const char* kDataFileHelp =
    "FILE, 'FOLDER/*.jsonl', or with columns and a filter: \"FILE:prompt=COLUMN,response=COLUMN,where=split == "
    "'train'\"";

/// `data.csv` or `data.csv:prompt=goal,response=target,where=split == 'train'` (`where` takes the rest).
/// @throws Error (usage) on an option that is not known
DataSource parse_data_source(const std::string& text);
std::vector<DataSource> parse_data_sources(const std::vector<std::string>& texts);
/// The same the other way round.
std::string to_text(const DataSource& source);

/// What became of one file.
struct FileReport {
  std::string path;
  std::string layout;             ///< "PKU-SafeRLHF", "TruthfulQA", …, or the columns used
  ReadReport rows;                ///< counted and named: rows that cannot be used
  std::uint64_t filtered = 0;     ///< rows that `where` left out
  std::uint64_t other_role = 0;   ///< rows without a response of the role asked for (no unsafe response, …)
  std::uint64_t not_learned = 0;  ///< answers and rows that weight, train or masked leave out
  std::uint64_t unanswered = 0;   ///< last messages of a user, where answers are wanted
  std::uint64_t duplicates = 0;   ///< pairs that were there already, word for word
  std::uint64_t pairs = 0;        ///< pairs taken
};

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

/// A prompt with what is known of its answers, for evaluation.
struct Question {
  std::string prompt;
  std::vector<std::string> references;  ///< right answers (or the responses of the role), best first; may be empty
  std::vector<std::string> wrong;       ///< answers known to be wrong (TruthfulQA, TOFU's perturbed answers)
  std::string source;
  std::uint64_t line = 0;
  std::vector<ChatMessage> before;  ///< turns of a chat before the prompt
};

/// The prompts of some pairs (a test split), each once, with all their responses as references.
std::vector<Question> questions_of(std::span<const Pair> pairs);

struct LoadedQuestions {
  std::vector<Question> questions;
  std::vector<FileReport> files;
};

/// Reads prompts for evaluation, each once, in order of first appearance; a file of prompts alone will do.
/// @throws Error as load_pairs()
LoadedQuestions load_questions(std::span<const DataSource> sources, Role role, const ReadOptions& options = {});

/// What to tell the user about a file that was read: "4,072 rows of pku/train.jsonl (PKU-SafeRLHF): 3,890 pairs, …",
/// then a line each for the first few rows that cannot be used.
std::vector<std::string> describe(const FileReport& report);

}  // namespace lethe
