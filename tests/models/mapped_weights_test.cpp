// Memory-mapped weights give the same results as copied weights.
#include <gtest/gtest.h>

#include <cstring>
#include <memory>

#include "core/files.h"
#include "folder_test.h"
#include "models/loading.h"

namespace lethe {
namespace {

const fs::path kCheckpoint = fs::path(LETHE_FIXTURES) / "models/llama_plain";
const std::string kTensor = "model.layers.1.mlp.down_proj.weight";

at::Tensor& weight_of(CausalLM& model, const std::string& name) {
  for (const Parameter& parameter : model.parameters()) {
    if (parameter.name == name) return *parameter.tensor;
  }
  throw Error("no parameter " + name);
}

at::Tensor hidden_of(const CausalLM& model) {
  PackBuilder pack;
  pack.add({1, 5, 9, 2});
  return model.hidden(pack.build());
}

// A copy of the fixture whose header is longer by some blanks, so that its values begin at another address.
fs::path with_longer_header(const fs::path& folder, std::size_t blanks) {
  write_file(folder / "config.json", read_file(kCheckpoint / "config.json"));
  const std::string file = read_file(kCheckpoint / "model.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  const std::uint64_t longer = length + blanks;
  write_file(folder / "model.safetensors", std::string(reinterpret_cast<const char*>(&longer), sizeof longer) +
                                               file.substr(8, length) + std::string(blanks, ' ') +
                                               file.substr(8 + length));
  return folder;
}

using MappedWeights = FolderTest;

TEST_F(MappedWeights, LieInTheFileAndOutliveTheCheckpoint) {
  CausalLM copied = load_model(Checkpoint(kCheckpoint));
  auto checkpoint = std::make_unique<Checkpoint>(kCheckpoint);
  CausalLM mapped = load_model(*checkpoint, {.mapped = true});
  EXPECT_EQ(weight_of(mapped, kTensor).const_data_ptr(),
            static_cast<const void*>(checkpoint->values(*checkpoint->find(kTensor)).data()));
  checkpoint.reset();
  EXPECT_TRUE(at::equal(hidden_of(mapped), hidden_of(copied)));
}

TEST_F(MappedWeights, AreCopiedByDefaultSoThatTheyMayBeTrained) {
  const Checkpoint checkpoint(kCheckpoint);
  CausalLM model = load_model(checkpoint), again = load_model(checkpoint);
  weight_of(model, kTensor).fill_(7);
  EXPECT_FALSE(at::equal(weight_of(model, kTensor), weight_of(again, kTensor)));
}

TEST_F(MappedWeights, OfAnotherTypeAreConverted) {
  const Checkpoint checkpoint(kCheckpoint);
  CausalLM copied = load_model(checkpoint, {.dtype = at::kBFloat16}),
           mapped = load_model(checkpoint, {.dtype = at::kBFloat16, .mapped = true});
  EXPECT_EQ(weight_of(mapped, kTensor).scalar_type(), at::kBFloat16);
  EXPECT_TRUE(at::equal(weight_of(mapped, kTensor), weight_of(copied, kTensor)));
}

TEST_F(MappedWeights, AtAnyAddressGiveTheSameNumbers) {
  const at::Tensor expected = hidden_of(load_model(Checkpoint(kCheckpoint)));
  for (const std::size_t blanks : {1, 4, 8, 60}) {
    const CausalLM model = load_model(Checkpoint(with_longer_header(folder_, blanks)), {.mapped = true});
    EXPECT_TRUE(at::allclose(hidden_of(model), expected, 1e-5, 1e-6)) << blanks;
    fs::remove(folder_ / "model.safetensors");
    fs::remove(folder_ / "config.json");
  }
}

}  // namespace
}  // namespace lethe
