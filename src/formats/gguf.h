// Reads the metadata of a GGUF file (llama.cpp), for messages. Lethe does not read its weights.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lethe {

struct GgufSummary {
  std::string architecture;  ///< "llama"; empty if missing
  std::string type;          ///< "Q4_K_M"; empty if missing
  std::string source;        ///< the repository of the source model; empty if missing
};

/// Reads the first megabyte at most. Nothing if the file is not GGUF.
/// Source: ggml, docs/gguf.md.
std::optional<GgufSummary> read_gguf(const std::filesystem::path& file);

}  // namespace lethe
