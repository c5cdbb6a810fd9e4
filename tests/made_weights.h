// Shared by tests of task arithmetic: checkpoints and adapters made of tensors, and their values.
#pragma once

#include <map>
#include <string>

#include "core/files.h"
#include "folder_test.h"
#include "formats/adapter.h"
#include "formats/checkpoint.h"
#include "tensors/file_tensors.h"

namespace lethe {

using Tensors = std::map<std::string, at::Tensor>;

class TaskArithmetic : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    root_ = folder_;
    at::manual_seed(1);
  }
  // A checkpoint of these tensors, in shards of at most the given size.
  Checkpoint checkpoint(const std::string& name, const Tensors& tensors, const Json& config = Json::object(),
                        std::uint64_t shard = 1 << 30) {
    const fs::path folder = made(name);
    write_file(folder / "config.json", dump_json(config));
    std::vector<TensorSpec> specs;
    for (const auto& [tensor, value] : tensors) specs.push_back(spec_of(tensor, value));
    CheckpointWriter writer(folder, specs, {.largest_bytes = shard});
    for (const auto& [tensor, value] : tensors) writer.write(bytes_of(value));
    writer.finish();
    return Checkpoint(folder);
  }
  static void write_tensors(const fs::path& file, const Tensors& tensors) {
    std::vector<TensorSpec> specs;
    for (const auto& [tensor, value] : tensors) specs.push_back(spec_of(tensor, value));
    fs::remove(file);
    SafetensorsWriter writer(file, specs);
    for (const auto& [tensor, value] : tensors) writer.write(bytes_of(value));
    writer.close();
  }
  fs::path adapter(const std::string& name, const Tensors& tensors, Json config) {
    const fs::path folder = made(name);
    config["peft_type"] = "LORA";
    write_file(folder / "adapter_config.json", dump_json(config));
    write_tensors(folder / "adapter_model.safetensors", tensors);
    return folder;
  }
  fs::path made(const std::string& name) {
    fs::create_directories(root_ / name);
    return root_ / name;
  }
  static at::Tensor values(const Checkpoint& checkpoint, const std::string& name) {
    const StoredTensor& tensor = *checkpoint.find(name);
    return tensor_over(tensor, checkpoint.values(tensor)).clone();
  }
  fs::path root_;
  int made_ = 0;
};

const at::TensorOptions kHalf = at::TensorOptions().dtype(at::kHalf), kWide = at::TensorOptions().dtype(at::kFloat);

}  // namespace lethe
