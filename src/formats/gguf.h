// What a GGUF file (llama.cpp's) says of itself, for messages: Lethe does not read its weights.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

namespace lethe {

struct GgufSummary {
  std::string architecture;  ///< "llama"; empty where it is not said
  std::string type;          ///< "Q4_K_M"; empty where it is not said
  std::string source;        ///< the repository of the model that it was made from; empty where it is not said
};

/// Reads the first megabyte at most. Nothing if the file does not begin as GGUF files do.
/// Source: ggml, docs/gguf.md.
std::optional<GgufSummary> read_gguf(const std::filesystem::path& file);

}  // namespace lethe
