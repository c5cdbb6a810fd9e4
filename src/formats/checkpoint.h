// A Hugging Face checkpoint folder: config.json, and weights in one safetensors file or in shards with an index.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/json.h"
#include "formats/safetensors.h"

namespace lethe {

/// Returns a folder as given. Otherwise resolves a name such as "facebook/opt-2.7b" (its main revision) or
/// "facebook/opt-2.7b@REVISION" (a branch, a tag, a commit) in the local Hugging Face cache (HF_HUB_CACHE, HF_HOME,
/// XDG_CACHE_HOME, ~/.cache/huggingface/hub). @throws Error (bad input) naming the folders it searched
std::filesystem::path resolve_model_folder(const std::string& name);

/// Refuses links that lead out of a folder: a hostile folder could link to the user's files, which would be read and
/// later published. Allows links within the folder, and to the blobs of a Hugging Face cache (…/models--NAME/blobs/…,
/// and its store of shared blobs).
/// @throws Error (bad input) naming a link that leads elsewhere
void refuse_links_out_of(const std::filesystem::path& folder);

/// The weight files that a model.safetensors.index.json names, all in its own folder.
/// @throws Error (bad input) if it is missing or broken, or names a file elsewhere
std::vector<std::string> shards_of(const std::filesystem::path& index);

/// The folder's config.json. @throws Error (bad input) if it is missing or not a JSON object
Json read_config(const std::filesystem::path& folder);

struct TiedPair;

class Checkpoint {
 public:
  /// Opens model.safetensors, or all shards named in model.safetensors.index.json.
  /// @throws Error (bad input) for a missing or broken file, or a tensor that occurs twice or is not where the index
  ///         says
  explicit Checkpoint(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  const Json& config() const { return config_; }
  /// All tensors, file by file, in the order of their values.
  const std::vector<const StoredTensor*>& tensors() const { return tensors_; }
  /// nullptr if there is none
  const StoredTensor* find(const std::string& name) const;
  /// Like find(), for any equivalent name (formats/tensor_names.h).
  /// @throws Error (bad input) if several tensors have such names, but none has this one
  const StoredTensor* find_same(const std::string& name) const;
  std::span<const std::byte> values(const StoredTensor& tensor) const { return file_of(tensor).values(tensor); }
  /// Keeps the tensor's values in memory after this object is destroyed.
  std::shared_ptr<const void> owner(const StoredTensor& tensor) const { return file_of(tensor).owner(); }
  void prefetch(const StoredTensor& tensor) const { file_of(tensor).prefetch(tensor); }
  void release(const StoredTensor& tensor) const { file_of(tensor).release(tensor); }
  /// Releases these bytes of the tensor.
  void release(const StoredTensor& tensor, std::uint64_t begin, std::uint64_t end) const {
    file_of(tensor).release(tensor, begin, end);
  }
  /// The file that holds a tensor, for messages.
  const std::filesystem::path& path_of(const StoredTensor& tensor) const { return file_of(tensor).path(); }
  /// Bytes of all values.
  std::uint64_t bytes() const;

 private:
  friend const TiedPair& tied_pair(const Checkpoint& checkpoint);
  const SafetensorsFile& file_of(const StoredTensor& tensor) const { return *files_[place_.at(tensor.name)]; }
  std::filesystem::path folder_;
  Json config_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::vector<const StoredTensor*> tensors_;
  std::unordered_map<std::string, std::size_t> place_;                      // name -> file
  std::unordered_map<std::string, std::vector<const StoredTensor*>> same_;  // canonical name -> stored under it
  mutable std::shared_ptr<const TiedPair> tied_;                            // formats/tied_pair.h
};

/// @throws Error (bad input) naming weights whose stored values cannot be used directly: fp8, quantized
void refuse_packed_weights(const Checkpoint& checkpoint);

struct ShardOptions {
  std::uint64_t largest_bytes = 5'000'000'000;  ///< values per file; larger checkpoints are split into shards
  Access access = Access::normal;
};

/// Writes the weights of a checkpoint folder: one file, or shards (filled in the order given) with an index.
class CheckpointWriter {
 public:
  /// @param folder  must exist (usually a StagedFolder's)
  CheckpointWriter(std::filesystem::path folder, std::vector<TensorSpec> tensors, const ShardOptions& options = {});

  /// The values of the next tensor, in the order announced.
  void write(std::span<const std::byte> values);
  /// Room for `bytes` of them (safetensors.h).
  Room room(std::uint64_t bytes);
  /// Closes the last file; writes the index.
  void finish();

 private:
  void open_next();
  std::filesystem::path folder_;
  std::vector<std::vector<TensorSpec>> shards_;
  ShardOptions options_;
  std::unique_ptr<SafetensorsWriter> writer_;
  std::size_t shard_ = 0, written_ = 0;  // tensors of the open shard
};

/// Copies the other files of a checkpoint folder (config.json, tokenizer, chat template, licence) unchanged. Skips
/// README.md, vector.json and vectors.json, which describe other tensors, and data, logs and archives.
void copy_side_files(const std::filesystem::path& from, const std::filesystem::path& to,
                     Access access = Access::normal);

/// Whether the linear map of this name is stored [in, out], as GPT-2's Conv1D does.
bool stored_transposed(const Checkpoint& checkpoint, const std::string& weight);

}  // namespace lethe
