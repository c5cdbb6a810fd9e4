#include "vectors/rewrite.h"

#include <set>

#include "core/files.h"
#include "core/json.h"
#include "core/terminal.h"
#include "formats/tensor_names.h"
#include "formats/tied_pair.h"
#include "tensors/file_tensors.h"

namespace lethe {
namespace {

// transformers does not load a checkpoint with names wrapped by torch.compile or a data-parallel trainer. If two
// tensors would get the same name, all keep theirs.
std::vector<TensorSpec> specs_to_write(const std::vector<WrittenTensor>& tensors) {
  std::vector<TensorSpec> plain, as_in_base;
  std::set<std::string> names;
  for (const WrittenTensor& tensor : tensors) {
    as_in_base.push_back(tensor.spec);
    plain.push_back(tensor.spec);
    plain.back().name = without_wrappers(tensor.spec.name);
    names.insert(plain.back().name);
  }
  return names.size() == plain.size() ? plain : as_in_base;
}

void say_untied(const std::filesystem::path& config, Access access) {
  OrderedJson json = OrderedJson::parse(read_file(config));
  json["tie_word_embeddings"] = false;
  write_file(config, dump_json(json, 2) + "\n", access);
}

}  // namespace

std::vector<WrittenTensor> tensors_to_write(const Checkpoint& base, bool unties_head) {
  std::vector<WrittenTensor> list;
  for (const StoredTensor* tensor : base.tensors()) list.push_back({*tensor, tensor});
  if (!unties_head) return list;
  const TiedPair& pair = tied_pair(base);
  for (const auto& [name, source] : {std::pair(&pair.embedding_name, pair.embedding), {&pair.head_name, pair.head}}) {
    if (base.find(*name) != nullptr) continue;
    list.push_back({*source, source});
    list.back().spec.name = *name;
  }
  return list;
}

void rewrite_checkpoint(const Checkpoint& base, const std::filesystem::path& folder, const ChangeTensor& change,
                        const RewriteOptions& options) {
  const WriteTensor write = [&](const TensorSpec& tensor, const StoredTensor&, const at::Tensor& value,
                                CheckpointWriter& writer) {
    const at::Tensor changed = change(tensor, value);
    const at::Tensor& written = changed.defined() ? changed : value;
    if (!is_buffer(tensor))
      require_finite(written, tensor.name, "cannot change the weights of " + base.folder().string());
    writer.write(bytes_of(written));
  };
  rewrite_checkpoint(base, folder, write, options);
}

void rewrite_checkpoint(const Checkpoint& base, const std::filesystem::path& folder, const WriteTensor& write,
                        const RewriteOptions& options) {
  refuse_packed_weights(base);
  const std::vector<WrittenTensor> tensors = tensors_to_write(base, options.unties_head);
  std::uint64_t bytes = 0, done = 0;
  for (const WrittenTensor& tensor : tensors) bytes += tensor.spec.bytes();
  CheckpointWriter writer(folder, specs_to_write(tensors), options.shards);
  Progress progress("writing " + folder.filename().string(), bytes, "bytes");
  for (const auto& [spec, source] : tensors) {
    write(spec, *source, tensor_over(*source, base.values(*source)), writer);
    base.release(*source);
    progress.update(done += spec.bytes());
  }
  writer.finish();
  copy_side_files(base.folder(), folder, options.shards.access);
  if (options.unties_head || tied_pair(base).contradicts_config)
    say_untied(folder / "config.json", options.shards.access);
}

void rewrite_adapter(const Adapter& adapter, const std::filesystem::path& folder, const std::string& doing,
                     const std::function<at::Tensor(const StoredTensor& tensor, const at::Tensor& value)>& change,
                     Access access) {
  std::vector<const StoredTensor*> tensors;
  std::vector<TensorSpec> specs;
  for (const StoredTensor& tensor : adapter.file().tensors()) {
    const std::string* name = adapter.name_in_peft(tensor);
    if (name == nullptr) continue;
    tensors.push_back(&tensor);
    specs.push_back(tensor);
    specs.back().name = *name;
  }
  SafetensorsWriter writer(folder / "adapter_model.safetensors", specs, {{"format", "pt"}}, access);
  for (const StoredTensor* tensor : tensors) {
    const at::Tensor value = change(*tensor, tensor_over(*tensor, adapter.file().values(*tensor)));
    require_finite(value, tensor->name, doing);
    writer.write(bytes_of(value));
  }
  writer.close();
}

at::Tensor combine_rounded(const at::Tensor& a, const at::Tensor& b,
                           const std::function<at::Tensor(const at::Tensor&, const at::Tensor&)>& f) {
  constexpr std::int64_t kPiece = 1 << 22;
  const at::ScalarType compute = a.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  at::Tensor result = at::empty_like(a);
  const at::Tensor flat_a = a.reshape(-1), flat_b = b.reshape(-1), flat_result = result.view(-1);
  for (std::int64_t at = 0; at < a.numel(); at += kPiece) {
    const std::int64_t end = std::min(a.numel(), at + kPiece);
    flat_result.slice(0, at, end).copy_(f(flat_a.slice(0, at, end).to(compute), flat_b.slice(0, at, end).to(compute)));
  }
  return result;
}

}  // namespace lethe
