// The summaries of `lethe inspect`, read only from headers and configurations.
#pragma once

#include <filesystem>

#include "core/json.h"

namespace lethe {

/// @param all  lists every tensor or module
/// @throws Error (bad input) if the files are broken. Valid files that Lethe does not support get a summary that says
/// so
OrderedJson inspect_checkpoint(const std::filesystem::path& folder, bool all);
OrderedJson inspect_adapter(const std::filesystem::path& folder, bool all);
OrderedJson inspect_vector(const std::filesystem::path& folder, bool all);
OrderedJson inspect_weights(const std::filesystem::path& file, bool all);
/// Rows, columns and pairs; reads the whole file.
OrderedJson inspect_data(const std::filesystem::path& file);

/// Kind ("BPE", "Unigram", …, "SentencePiece"), vocabulary and added tokens of a folder's tokenizer, without building
/// it; null if the folder has none.
OrderedJson inspect_tokenizer(const std::filesystem::path& folder);

}  // namespace lethe
