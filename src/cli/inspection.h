// What `lethe inspect` tells of files, from their headers and configurations alone.
#pragma once

#include <filesystem>

#include "core/json.h"

namespace lethe {

/// @param all  lists every tensor or module
/// @throws Error (bad input) if the files are broken; what is well formed but not supported is told, not thrown
OrderedJson inspect_checkpoint(const std::filesystem::path& folder, bool all);
OrderedJson inspect_adapter(const std::filesystem::path& folder, bool all);
OrderedJson inspect_weights(const std::filesystem::path& file, bool all);
/// Rows, columns and pairs; reads the whole file.
OrderedJson inspect_data(const std::filesystem::path& file);

/// Kind ("BPE", "Unigram", …, "SentencePiece"), vocabulary and added tokens of a folder's tokenizer, without building
/// it; null where there is none.
OrderedJson inspect_tokenizer(const std::filesystem::path& folder);

}  // namespace lethe
