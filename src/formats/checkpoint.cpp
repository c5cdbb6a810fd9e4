#include "formats/checkpoint.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "core/error.h"
#include "core/files.h"
#include "formats/not_a_checkpoint.h"
#include "formats/tensor_names.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

bool is_plain_name(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\0", 2)) == std::string::npos;
}

// Maps each shard file to its tensors.
std::map<std::string, std::set<std::string>> read_index(const fs::path& file) {
  const Json index = read_json(file);
  const Json map = index.is_object() ? index.value("weight_map", Json()) : Json();
  if (!map.is_object() || map.empty())
    throw bad_input("cannot load " + file.string()).wanted("a weight_map {tensor: file}");
  std::map<std::string, std::set<std::string>> shards;
  for (const auto& [tensor, shard] : map.items()) {
    if (!shard.is_string() || !is_plain_name(shard.get<std::string>())) {
      throw bad_input("cannot load " + file.string())
          .with("tensor", excerpt(tensor))
          .wanted("the name of a file in the same folder")
          .found(excerpt(dump_json(shard)));
    }
    shards[shard.get<std::string>()].insert(tensor);
  }
  return shards;
}

// Whether a file is a blob of a Hugging Face cache: of a repository, or of the store that huggingface_hub shares
// between repositories (blobs/12/1234…).
bool is_cached_blob(const fs::path& file) {
  const fs::path folder = file.parent_path();
  if (folder.filename() == "blobs") return folder.parent_path().filename().string().starts_with("models--");
  return folder.parent_path().filename() == "blobs" && file.filename().string().size() == 64 &&
         file.filename().string().starts_with(folder.filename().string()) &&
         fs::exists(folder.parent_path() / ".huggingface-shared-blobs");
}

}  // namespace

std::vector<std::string> shards_of(const fs::path& index) {
  std::vector<std::string> files;
  for (const auto& [file, tensors] : read_index(index)) files.push_back(file);
  return files;
}

void refuse_links_out_of(const fs::path& folder) {
  std::error_code none;
  const fs::path home = fs::canonical(folder, none);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    if (!entry.is_symlink(none)) continue;
    const fs::path target = fs::canonical(entry.path(), none);
    if (none) continue;  // a broken link is reported when the file is needed
    const bool within = std::mismatch(home.begin(), home.end(), target.begin(), target.end()).first == home.end();
    if (within || is_cached_blob(target)) continue;
    throw bad_input("cannot use the folder " + folder.string())
        .with("file", excerpt(entry.path().filename().string(), 200))
        .wanted("files of the folder itself")
        .found("a link to " + excerpt(target.string(), 200))
        .hint("put a copy of the file in place of the link, if the link is yours");
  }
}

Json read_config(const fs::path& folder) {
  Json config = read_json(folder / "config.json");
  if (!config.is_object()) throw bad_input("cannot read " + (folder / "config.json").string()).wanted("a JSON object");
  return config;
}

Checkpoint::Checkpoint(const fs::path& folder) : folder_(folder) {
  if (!fs::is_directory(folder))
    throw bad_input("cannot open the checkpoint " + folder.string()).wanted("a folder").found("none");
  refuse_links_out_of(folder);
  if (!fs::exists(folder / "config.json")) throw not_a_checkpoint_folder(folder);
  config_ = read_config(folder);
  const fs::path single = folder / "model.safetensors", index = folder / "model.safetensors.index.json";
  std::map<std::string, std::set<std::string>> shards;
  if (fs::exists(single)) {
    shards["model.safetensors"] = {};
  } else if (fs::exists(index)) {
    shards = read_index(index);
  } else {
    throw no_weights(folder);
  }
  for (const auto& [file, wanted] : shards) {
    files_.push_back(std::make_unique<SafetensorsFile>(folder / file));
    for (const std::string& name : wanted) {
      if (files_.back()->find(name) == nullptr) {
        throw bad_input("cannot open the checkpoint " + folder.string())
            .with("tensor", excerpt(name))
            .wanted("in " + file + ", as the index says")
            .found("not there");
      }
    }
    for (const StoredTensor& tensor : files_.back()->tensors()) {
      if (!wanted.empty() && !wanted.contains(tensor.name)) continue;
      if (!place_.emplace(tensor.name, files_.size() - 1).second) {
        throw bad_input("cannot open the checkpoint " + folder.string())
            .with("tensor", excerpt(tensor.name))
            .found("in two files");
      }
      tensors_.push_back(&tensor);
      same_[canonical_name(tensor.name)].push_back(&tensor);
    }
  }
}

void refuse_packed_weights(const Checkpoint& checkpoint) {
  const auto refuse = [&](const std::string& found) {
    return bad_input("cannot compute with the weights of " + checkpoint.folder().string())
        .wanted("weights in F32, F16, BF16 or F64")
        .found(found)
        .hint("take the checkpoint that it was made from, or dequantize it with transformers and save_pretrained()");
  };
  const Json quantization = checkpoint.config().value("quantization_config", Json());
  if (quantization.is_object())
    throw refuse("weights packed as " + excerpt(dump_json(quantization.value("quant_method", Json("?")))) +
                 " (quantization_config)");
  for (const StoredTensor* tensor : checkpoint.tensors()) {
    if (tensor->type == DType::f8_e4m3 || tensor->type == DType::f8_e5m2)
      throw refuse(excerpt(tensor->name, 200) + ", " + tensor->text() + ": fp8, whose scales stand elsewhere");
    for (const char* ending : {".qweight", ".weight_packed", ".absmax", ".SCB"}) {
      if (tensor->name.ends_with(ending)) throw refuse(excerpt(tensor->name, 200) + ": quantized weights");
    }
  }
}

const StoredTensor* Checkpoint::find(const std::string& name) const {
  const auto found = place_.find(name);
  return found == place_.end() ? nullptr : files_[found->second]->find(name);
}

const StoredTensor* Checkpoint::find_same(const std::string& name) const {
  if (const StoredTensor* tensor = find(name)) return tensor;
  const auto found = same_.find(canonical_name(name));
  if (found == same_.end()) return nullptr;
  if (found->second.size() > 1) {
    throw bad_input("cannot use the checkpoint " + folder_.string())
        .with("tensor", excerpt(found->second[0]->name, 200))
        .wanted("one tensor of this meaning")
        .found("a second one, " + excerpt(found->second[1]->name, 200));
  }
  return found->second[0];
}

std::uint64_t Checkpoint::bytes() const {
  std::uint64_t total = 0;
  for (const StoredTensor* tensor : tensors_) total += tensor->bytes();
  return total;
}

CheckpointWriter::CheckpointWriter(fs::path folder, std::vector<TensorSpec> tensors, const ShardOptions& options)
    : folder_(std::move(folder)), options_(options) {
  std::uint64_t filled = 0;
  shards_.emplace_back();
  for (TensorSpec& tensor : tensors) {
    if (filled > 0 && filled + tensor.bytes() > options_.largest_bytes) {
      shards_.emplace_back();
      filled = 0;
    }
    filled += tensor.bytes();
    shards_.back().push_back(std::move(tensor));
  }
  open_next();
}

namespace {
std::string shard_name(std::size_t number, std::size_t count) {
  if (count == 1) return "model.safetensors";
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", number + 1, count);
  return name;
}
}  // namespace

void CheckpointWriter::open_next() {
  writer_ = std::make_unique<SafetensorsWriter>(folder_ / shard_name(shard_, shards_.size()), shards_[shard_],
                                                std::map<std::string, std::string>{{"format", "pt"}}, options_.access);
  written_ = 0;
}

void CheckpointWriter::write(std::span<const std::byte> values) {
  room(values.size()).write(0, values);
  if (!writer_->at_boundary()) throw Error("internal error: too few bytes for a tensor of " + folder_.string());
}

Room CheckpointWriter::room(std::uint64_t bytes) {
  if (written_ == shards_[shard_].size()) {
    writer_->close();
    ++shard_;
    open_next();
  }
  const Room room = writer_->room(bytes);
  written_ += writer_->at_boundary();
  return room;
}

void CheckpointWriter::finish() {
  if (shard_ + 1 != shards_.size()) throw Error("internal error: fewer tensors written than announced");
  writer_->close();
  if (shards_.size() == 1) return;
  OrderedJson map = OrderedJson::object();
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    for (const TensorSpec& tensor : shards_[i]) {
      map[tensor.name] = shard_name(i, shards_.size());
      total += tensor.bytes();
    }
  }
  const OrderedJson index = {{"metadata", {{"total_size", total}}}, {"weight_map", map}};
  write_file(folder_ / "model.safetensors.index.json", dump_json(index, 2) + "\n", options_.access);
}

void copy_side_files(const fs::path& from, const fs::path& to, Access access) {
  static const std::set<std::string> weights = {".safetensors", ".bin",  ".pt",   ".pth", ".h5",
                                                ".msgpack",     ".gguf", ".onnx", ".ot",  ".ckpt"};
  // Not part of a model: config.json may be in a folder of experiment files.
  static const std::set<std::string> other = {".jsonl", ".csv", ".tsv", ".parquet", ".arrow", ".gz",
                                              ".zip",   ".tar", ".log", ".yaml",    ".yml"};
  // They describe the tensors beside them.
  static const std::set<std::string> descriptions = {"README.md", "vector.json", "vectors.json"};
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    const std::string name = entry.path().filename(), ending = entry.path().extension();
    if (!entry.is_regular_file() || name.starts_with(".") || descriptions.contains(name)) continue;
    if (weights.contains(ending) || other.contains(ending) || name.ends_with(".index.json")) continue;
    // Copies the content, not the file: a cache's entries are links, and its files may be read-only.
    write_file(to / name, read_file(entry.path()), access);
  }
}

bool stored_transposed(const Checkpoint& checkpoint, const std::string& weight) {
  if (checkpoint.config().value("model_type", Json()) != "gpt2") return false;
  const std::string name = canonical_name(weight);
  return name != "lm_head.weight" && name != "wte.weight";
}

}  // namespace lethe
