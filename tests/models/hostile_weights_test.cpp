// Unusable weights and token ids are named before anything is computed.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/error.h"
#include "core/files.h"
#include "folder_test.h"
#include "models/encoder_loading.h"
#include "models/loading.h"
#include "models/stop_tokens.h"
#include "vectors/apply_adapter.h"

namespace lethe {
namespace {

const fs::path kPlain = fs::path(LETHE_FIXTURES) / "models/llama_plain";

// A copy of a fixture in which one float32 weight has one other value.
fs::path copy_with(const fs::path& from, const std::string& tensor, float value) {
  const fs::path folder = fs::path(testing::TempDir()) / "lethe_hostile_weights";
  fs::remove_all(folder);
  fs::create_directories(folder);
  write_file(folder / "config.json", read_file(from / "config.json"));
  const SafetensorsFile file(from / "model.safetensors");
  std::vector<TensorSpec> specs(file.tensors().begin(), file.tensors().end());
  SafetensorsWriter writer(folder / "model.safetensors", specs);
  for (const StoredTensor& stored : file.tensors()) {
    const auto values = file.values(stored);
    std::vector<std::byte> bytes(values.begin(), values.end());
    if (stored.name == tensor) std::memcpy(bytes.data() + bytes.size() - sizeof value, &value, sizeof value);
    writer.write(bytes);
  }
  writer.close();
  return folder;
}

TEST(HostileModelWeights, ThatAreNanOrInfiniteAreNamedWhenTheModelIsLoaded) {
  const std::string tensor = "model.layers.1.mlp.down_proj.weight";
  EXPECT_EQ(refusal_of([&] { load_model(Checkpoint(copy_with(kPlain, tensor, 1.5F))); }), "no error");
  for (const float value : {NAN, INFINITY, -INFINITY}) {
    for (const bool mapped : {false, true}) {
      const std::string text =
          refusal_of([&] { load_model(Checkpoint(copy_with(kPlain, tensor, value)), {.mapped = mapped}); });
      EXPECT_NE(text.find(tensor), std::string::npos) << text;
      EXPECT_NE(text.find("NaN or infinity"), std::string::npos) << text;
    }
  }
  // Finite in the file, infinite in the type of arithmetic.
  const fs::path large = copy_with(kPlain, tensor, 1e30F);
  LoadOptions half;
  half.dtype = at::kHalf;
  EXPECT_NE(refusal_of([&] { load_model(Checkpoint(large), half); }).find(tensor), std::string::npos);
}

TEST(HostileModelWeights, OfAnEncoderAreNamedToo) {
  const fs::path bert = fs::path(LETHE_FIXTURES) / "encoders/bert_bare";
  const std::string tensor = SafetensorsFile(bert / "model.safetensors").tensors()[0].name;
  EXPECT_EQ(refusal_of([&] { load_encoder(Checkpoint(copy_with(bert, tensor, 1.5F))); }), "no error");
  EXPECT_NE(refusal_of([&] { load_encoder(Checkpoint(copy_with(bert, tensor, NAN))); }).find(tensor),
            std::string::npos);
}

TEST(HostileTokenIds, BeyondTheVocabularyAreRefusedByTheModel) {
  const CausalLM model = load_model(Checkpoint(kPlain));
  const auto hidden = [&](int id) {
    PackBuilder pack;
    pack.add({0, id});
    return refusal_of([&] { model.hidden(pack.build()); });
  };
  const int size = static_cast<int>(model.spec().vocabulary);
  EXPECT_EQ(hidden(size - 1), "no error");
  for (const int id : {size, size + 1, std::numeric_limits<int>::max(), -1})
    EXPECT_NE(hidden(id).find("vocab_size"), std::string::npos) << id;
}

TEST(HostileTokenIds, OfStopTokensAreNotCutDownToOthers) {
  const fs::path folder = fs::path(testing::TempDir()) / "lethe_hostile_stop";
  fs::create_directories(folder);
  fs::remove(folder / "generation_config.json");
  write_file(folder / "generation_config.json", R"({"eos_token_id": [2, 4294967299, -1, 18446744073709551615, 2.5]})");
  EXPECT_EQ(stop_tokens(folder), (std::vector<int>{2}));
}

}  // namespace
}  // namespace lethe
