#include "runs/tensor_hash.h"

#include <algorithm>
#include <vector>

#include "core/files.h"
#include "core/join.h"
#include "core/terminal.h"
#include "runs/sha256.h"
#include "tensors/parallel.h"

namespace lethe {
namespace {

// Each tensor is hashed in pieces, and then the hashes of the pieces: pieces can be hashed by all threads.
template <class File>
std::string hash_of_tensors(const File& file, std::vector<const StoredTensor*> tensors, const std::string& name) {
  constexpr std::uint64_t kPiece = 1 << 20, kGroup = 64;  // bytes, pieces
  std::sort(tensors.begin(), tensors.end(),
            [](const StoredTensor* a, const StoredTensor* b) { return a->name < b->name; });
  std::uint64_t bytes = 0, done = 0;
  for (const StoredTensor* tensor : tensors) bytes += tensor->bytes();
  Progress progress("reading " + name, bytes, "bytes");
  std::string all;  // a line for each tensor
  for (const StoredTensor* tensor : tensors) {
    const std::span<const std::byte> values = file.values(*tensor);
    const std::uint64_t size = values.size(), pieces = (size + kPiece - 1) / kPiece;
    std::vector<std::string> hashes(pieces);
    for (std::uint64_t first = 0; first < pieces; first += kGroup) {
      const std::uint64_t count = std::min(kGroup, pieces - first), end = std::min(size, (first + count) * kPiece);
      in_parallel(static_cast<std::int64_t>(count), [&](std::int64_t i) {
        const std::uint64_t begin = (first + static_cast<std::uint64_t>(i)) * kPiece;
        const auto piece = values.subspan(begin, std::min(kPiece, size - begin));
        hashes[begin / kPiece] = sha256({reinterpret_cast<const char*>(piece.data()), piece.size()});
      });
      file.release(*tensor, first * kPiece, end);
      progress.update(done += end - first * kPiece);
    }
    all += tensor->name + "\n" + tensor->text() + "\n" + join(hashes, " ") + "\n";
  }
  return sha256(all);
}

}  // namespace

std::string tensor_hash(const Checkpoint& checkpoint, const std::string& name) {
  return hash_of_tensors(checkpoint, checkpoint.tensors(), name);
}

std::string hash_of_vector(const std::filesystem::path& folder, VectorKind kind, const std::string& name) {
  const bool is_adapter = kind == VectorKind::adapter;
  const SafetensorsFile file(folder / (is_adapter ? "adapter_model.safetensors" : kVectorTensors));
  std::vector<const StoredTensor*> tensors;
  for (const StoredTensor& tensor : file.tensors()) tensors.push_back(&tensor);
  const std::string hash = hash_of_tensors(file, tensors, name);
  return is_adapter ? sha256(hash + read_file(folder / "adapter_config.json")) : hash;
}

}  // namespace lethe
