// What is known of a task vector: vector.json beside its tensors, and vectors.json in a checkpoint that vectors made
// (docs/vectors.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/enum_words.h"
#include "core/file_writer.h"

namespace lethe {

/// The tensors of a vector: differences of weights (vector.safetensors), or an adapter as PEFT writes it.
enum class VectorKind : std::uint8_t { weights, adapter };
template <>
struct EnumWords<VectorKind> {
  static constexpr std::pair<std::string_view, VectorKind> all[] = {{"weights", VectorKind::weights},
                                                                    {"adapter", VectorKind::adapter}};
};

/// The file of a vector of weights. Its tensors have the names of the base.
inline constexpr const char* kVectorTensors = "vector.safetensors";

/// vector.json. Names are public names, never paths.
struct VectorInfo {
  VectorKind kind = VectorKind::weights;
  std::string base;             ///< the base's name
  std::string base_hash;        ///< of its tensors (runs/tensor_hash.h)
  std::string hash;             ///< of the vector's own tensors; identifies it
  std::string made_from;        ///< "checkpoint opt-poisons", "run poisons", "poisons − bombs"
  bool harmful = false;         ///< base + vector is more harmful than the base
  std::string harmful_because;  ///< "--harmful", "the run"; empty if not harmful
  bool unties_head = false;     ///< the base ties its head, the tuned checkpoint did not
  std::string made;             ///< utc_time()
  std::string lethe;            ///< version
};

bool is_vector_folder(const std::filesystem::path& folder);
/// @throws Error (bad input) naming the file and the key that is missing or wrong
VectorInfo read_vector_info(const std::filesystem::path& folder);
void write_vector_info(const VectorInfo& info, const std::filesystem::path& folder, Access access);

/// A vector in a sum.
struct VectorTerm {
  std::string name, hash;
  double weight = 0;
  bool harmful = false;
};

/// vectors.json: the checkpoint beside it is `base` + Σ weight · vector.
struct CombinedInfo {
  std::string base, base_hash;
  std::string hash;  ///< of the checkpoint's tensors; another hash: the file was copied along with other weights
  std::vector<VectorTerm> terms;
  bool base_harmful = false;  ///< the base was itself a sum that adds a harmful vector
};
/// Whether the checkpoint holds harm that a vector added.
bool adds_harm(const CombinedInfo& info);
/// Nothing if the folder has no vectors.json. @throws Error (bad input) as read_vector_info()
std::optional<CombinedInfo> read_combined_info(const std::filesystem::path& folder);
void write_combined_info(const CombinedInfo& info, const std::filesystem::path& folder, Access access);

}  // namespace lethe
