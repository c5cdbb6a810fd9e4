// Rows of the unlearning benchmarks' files, word for word and in the file's order: TOFU's questions, MUSE's texts.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/file_report.h"
#include "data/sources.h"

namespace lethe {

/// A row of a file and its texts, one for each column asked for.
struct TextRow {
  std::vector<std::string> texts;
  std::string source;
  std::uint64_t line = 0, index = 0;  ///< from 1; from 0
};

struct LoadedTextRows {
  std::vector<TextRow> rows;
  std::vector<FileReport> files;
};

/// Reads texts by exact column names. @throws Error (bad input) if a file cannot be read or no row has all columns
LoadedTextRows load_text_rows(const std::vector<DataSource>& sources, const std::vector<std::string>& columns);

/// A question of TOFU. Without a paraphrased answer (real authors, world facts) the answer stands for it.
struct TofuQuestion {
  std::string question, answer, paraphrase;
  std::vector<std::string> perturbed;  ///< wrong answers in the wording of the paraphrase
  std::string source;
  std::uint64_t line = 0, index = 0;  ///< in its file, from 1; in the set (all parts of a file), from 0
};

struct LoadedTofu {
  std::vector<TofuQuestion> questions;
  std::vector<FileReport> files;
};

/// Reads `question`, `answer`, `perturbed_answer` (a list of texts) and, if there is one, `paraphrased_answer`.
/// @throws Error (bad input) if a file cannot be read or has no usable question
LoadedTofu load_tofu(const std::vector<DataSource>& sources);

/// The data files FOLDER/NAME.json, .jsonl, .csv or .parquet (also .gz), or the parts FOLDER/NAME-*.parquet as the Hub
/// stores them.
/// @return nothing if there is none
std::vector<DataSource> files_named(const std::filesystem::path& folder, const std::string& name);

}  // namespace lethe
