// Checkpoint folders in all their forms: shards, the Hugging Face cache and its links, and formats that are refused by
// name.
#include "formats/checkpoint.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "core/error.h"
#include "core/files.h"
#include "folder_test.h"
#include "formats/adapter.h"

namespace lethe {
namespace {

class CheckpointFolders : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    for (const char* name : {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"}) unsetenv(name);
  }
  void TearDown() override {
    SetUp();  // restores the variables
    FolderTest::TearDown();
  }

  // Weights and config.json, all zero.
  static void write_model(const fs::path& folder, const std::vector<TensorSpec>& tensors,
                          std::uint64_t shard = 1 << 30) {
    fs::create_directories(folder);
    write_file(folder / "config.json", R"({"model_type": "llama"})");
    CheckpointWriter writer(folder, tensors, {.largest_bytes = shard});
    for (const TensorSpec& tensor : tensors) writer.write(std::vector<std::byte>(tensor.bytes()));
    writer.finish();
  }
  // The layout of a huggingface_hub download: blobs, and a snapshot of relative links to them.
  void cached(const fs::path& cache, const std::string& repository, const std::string& commit, const std::string& ref) {
    const fs::path folder = cache / repository, blobs = folder / "blobs", snapshot = folder / "snapshots" / commit;
    fs::create_directories(blobs);
    fs::create_directories(snapshot);
    write_model(folder_ / "made", {{"a.weight", DType::f32, {2}}});
    for (const auto& file : fs::directory_iterator(folder_ / "made")) {
      const std::string name = file.path().filename(), blob = commit.substr(0, 8) + name;
      fs::rename(file.path(), blobs / blob);
      fs::create_symlink(fs::path("../../blobs") / blob, snapshot / name);
    }
    if (ref.empty()) return;
    fs::create_directories((folder / "refs" / ref).parent_path());
    write_file(folder / "refs" / ref, commit);
  }
};

TEST_F(CheckpointFolders, HoldAnyNumberOfShards) {
  std::vector<TensorSpec> tensors;
  for (int i = 0; i < 40; ++i) tensors.push_back({"layer." + std::to_string(i) + ".weight", DType::f16, {3, 5}});
  write_model(folder_ / "model", tensors, 30);
  EXPECT_TRUE(fs::exists(folder_ / "model/model-00040-of-00040.safetensors"));
  const Checkpoint checkpoint(folder_ / "model");
  EXPECT_EQ(checkpoint.tensors().size(), 40U);
  EXPECT_EQ(checkpoint.path_of(*checkpoint.find("layer.7.weight")).filename(), "model-00008-of-00040.safetensors");
  fs::remove(folder_ / "model/model-00023-of-00040.safetensors");
  EXPECT_NE(refusal_of([&] { Checkpoint{folder_ / "model"}; }).find("model-00023"), std::string::npos);
}

// huggingface_hub 2 links blobs of large files to a store of the whole cache, which a marker file names.
TEST_F(CheckpointFolders, MayLinkToTheSharedBlobsOfTheCache) {
  const std::string commit = "0123456789abcdef0123456789abcdef01234567", hash(64, 'a');
  const fs::path cache = folder_ / "cache", store = cache / "blobs/aa", blobs = cache / "models--gpt/blobs";
  cached(cache, "models--gpt", commit, "main");
  fs::create_directories(store);
  const fs::path blob = blobs / (commit.substr(0, 8) + "model.safetensors");
  fs::rename(blob, store / hash);
  fs::create_symlink(fs::path("../../blobs/aa") / hash, blob);
  const fs::path snapshot = cache / "models--gpt/snapshots" / commit;
  EXPECT_NE(refusal_of([&] { Checkpoint{snapshot}; }).find("a link to"), std::string::npos);
  write_file(cache / "blobs/.huggingface-shared-blobs", "1\n");
  EXPECT_EQ(Checkpoint(snapshot).tensors().size(), 1U);
}

TEST_F(CheckpointFolders, OfTheHuggingFaceCacheAreFoundByNameAndRevision) {
  const std::string first = "0123456789abcdef0123456789abcdef01234567",
                    second = "fedcba9876543210fedcba9876543210fedcba98";
  const fs::path cache = folder_ / "home/hub";
  cached(cache, "models--some--model", first, "main");
  cached(cache, "models--some--model", second, "refs/pr/1");
  setenv("HF_HOME", (folder_ / "home").c_str(), 1);
  const fs::path snapshots = cache / "models--some--model/snapshots";
  EXPECT_EQ(resolve_model_folder("some/model"), snapshots / first);
  EXPECT_EQ(resolve_model_folder("some/model@main"), snapshots / first);
  EXPECT_EQ(resolve_model_folder("some/model@" + second), snapshots / second);
  EXPECT_EQ(resolve_model_folder("some/model@fedcba98"), snapshots / second);
  EXPECT_EQ(resolve_model_folder("some/model@refs/pr/1"), snapshots / second);
  EXPECT_EQ(Checkpoint(resolve_model_folder("some/model")).tensors().size(), 1U);  // through the links

  EXPECT_NE(refusal_of([] { resolve_model_folder("some/model@v2"); }).find("main"), std::string::npos);
  EXPECT_NE(refusal_of([] { resolve_model_folder("some/other"); }).find("lethe pull some/other"), std::string::npos);
  for (const char* out : {"some/model@../../..", "../model", "some/model@/etc", "some/model@"}) {
    EXPECT_NE(refusal_of([&] { resolve_model_folder(out); }), "no error") << out;
  }
}

TEST_F(CheckpointFolders, AreLookedForWhereTheEnvironmentSays) {
  const std::string commit = "0123456789abcdef0123456789abcdef01234567";
  const std::vector<std::pair<const char*, fs::path>> places = {
      {"XDG_CACHE_HOME", "huggingface/hub"}, {"HF_HOME", "hub"}, {"HF_HUB_CACHE", ""}};
  for (const auto& [variable, below] : places) {  // each goes before the ones above it
    const fs::path place = folder_ / variable;
    cached(place / below, "models--gpt", commit, "main");
    setenv(variable, place.c_str(), 1);
    EXPECT_EQ(resolve_model_folder("gpt"), place / below / "models--gpt/snapshots" / commit) << variable;
  }
}

TEST_F(CheckpointFolders, OfOtherFormatsAreRefusedByNameWithWhatToDo) {
  const auto with_file = [&](const std::string& name) {
    const fs::path folder = folder_ / ("with_" + name);
    fs::create_directories(folder);
    write_file(folder / "config.json", "{}");
    write_file(folder / name, "x");
    return refusal_of([&] { Checkpoint{folder}; });
  };
  for (const char* pickled : {"pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "consolidated.00.pth"}) {
    EXPECT_NE(with_file(pickled).find(std::string(pickled) + ", a pickle"), std::string::npos);
    EXPECT_NE(with_file(pickled).find("save_pretrained"), std::string::npos);
  }
  EXPECT_NE(with_file("model.q4.gguf").find("llama.cpp"), std::string::npos);
  EXPECT_NE(with_file("tf_model.h5").find("TensorFlow"), std::string::npos);
  EXPECT_NE(with_file("readme.txt").find("neither"), std::string::npos);

  const fs::path adapter = folder_ / "adapter";
  fs::create_directories(adapter);
  write_file(adapter / "adapter_config.json", R"({"peft_type": "LORA"})");
  EXPECT_NE(refusal_of([&] { Adapter{adapter}; }).find("adapter_model.safetensors"), std::string::npos);
  write_file(adapter / "adapter_model.bin", "x");
  EXPECT_NE(refusal_of([&] { Adapter{adapter}; }).find("adapter_model.bin, a pickle"), std::string::npos);
}

TEST_F(CheckpointFolders, OfPackedWeightsAreRefusedByName) {
  write_model(folder_ / "fp8", {{"a.weight", DType::f8_e4m3, {4, 4}}, {"a.weight_scale_inv", DType::f32, {1, 1}}});
  const Checkpoint fp8(folder_ / "fp8");  // its headers can be read
  EXPECT_NE(refusal_of([&] { refuse_packed_weights(fp8); }).find("a.weight, F8_E4M3 [4, 4]"), std::string::npos);
  write_model(folder_ / "gptq", {{"a.qweight", DType::i32, {4, 4}}});
  write_file(folder_ / "gptq/config.json", R"({"quantization_config": {"quant_method": "gptq"}})");
  EXPECT_NE(refusal_of([&] { refuse_packed_weights(Checkpoint(folder_ / "gptq")); }).find("gptq"), std::string::npos);
  write_model(folder_ / "plain", {{"a.weight", DType::bf16, {4, 4}}});
  EXPECT_NO_THROW(refuse_packed_weights(Checkpoint(folder_ / "plain")));
}

TEST_F(CheckpointFolders, NameALinkIntoTheCacheWhoseFileIsGone) {
  fs::create_directories(folder_ / "cut");
  write_file(folder_ / "cut/config.json", "{}");
  fs::create_symlink("../blobs/missing", folder_ / "cut/model.safetensors");
  EXPECT_NE(refusal_of([&] { Checkpoint{folder_ / "cut"}; }).find("model.safetensors, a link"), std::string::npos);
}

}  // namespace
}  // namespace lethe
