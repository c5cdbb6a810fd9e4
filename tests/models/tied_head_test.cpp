// A head that only the configuration declares tied to the embedding: in the model, trained, and written.
#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "architectures/decoder_spec.h"
#include "core/files.h"
#include "folder_test.h"
#include "formats/tied_pair.h"
#include "models/loading.h"
#include "models/lora.h"
#include "tensors/file_tensors.h"

namespace lethe {
namespace {

const fs::path kModels = fs::path(LETHE_FIXTURES) / "models";

class TiedHeads : public FolderTest {
 protected:
  // A fixture whose names have a prefix, with a stored head: the embedding's values, times a factor.
  Checkpoint with_head(const std::string& fixture, float factor, const std::string& prefix = "") {
    const Checkpoint source(kModels / fixture);
    const fs::path folder = folder_ / (fixture + std::to_string(++made_));
    fs::create_directories(folder);
    write_file(folder / "config.json", read_file(kModels / fixture / "config.json"));
    std::vector<TensorSpec> specs;
    std::vector<at::Tensor> values;
    for (const StoredTensor* tensor : source.tensors()) {
      specs.push_back(*tensor);
      specs.back().name = prefix + tensor->name;
      values.push_back(tensor_over(*tensor, source.values(*tensor)));
    }
    const TiedPair& pair = tied_pair(source);
    specs.push_back(*pair.embedding);
    specs.back().name = prefix + pair.head_name;
    values.push_back(tensor_over(*pair.embedding, source.values(*pair.embedding)) * factor);
    CheckpointWriter writer(folder, specs);
    for (const at::Tensor& value : values) writer.write(bytes_of(value));
    writer.finish();
    return Checkpoint(folder);
  }
  static at::Tensor logits(const CausalLM& model) {
    PackBuilder pack;
    pack.add(std::vector<int>{3, 14, 15, 9, 2, 6});
    return model.head().logits(model.hidden(pack.build()));
  }
  int made_ = 0;
};

TEST_F(TiedHeads, StoredWithOtherValuesIsAWeightOfItsOwn) {
  for (const std::string fixture : {"llama_grouped_tied", "gpt2_plain", "opt_before", "opt_after_projected",
                                    "gemma_multi_query", "qwen3_tied", "granite_tied"}) {
    const CausalLM tied = load_model(Checkpoint(kModels / fixture));
    ASSERT_TRUE(tied.spec().tied_head) << fixture;
    const CausalLM equal = load_model(with_head(fixture, 1));
    EXPECT_TRUE(equal.spec().tied_head) << fixture;
    EXPECT_TRUE(at::equal(logits(equal), logits(tied))) << fixture;
    for (const std::string prefix : {"", "_orig_mod.", "module."}) {
      const CausalLM own = load_model(with_head(fixture, 2, prefix));
      EXPECT_FALSE(own.spec().tied_head) << fixture;
      EXPECT_TRUE(at::allclose(logits(own), 2 * logits(tied), 1e-4, 1e-5)) << fixture << prefix;
    }
  }
}

TEST_F(TiedHeads, OfItsOwnIsTrainedAndWrittenAsOne) {
  const Checkpoint base = with_head("llama_grouped_tied", 2);
  ASSERT_EQ(base.config().at("tie_word_embeddings"), true);
  CausalLM model = load_model(base);
  bool trained = false;
  for (const Parameter& parameter : model.parameters()) {
    if (parameter.name != "lm_head.weight") continue;
    *parameter.tensor = *parameter.tensor + 1;
    trained = true;
  }
  EXPECT_TRUE(trained);
  for (const std::string how : {"trained", "negated"}) {
    const fs::path out = folder_ / how;
    fs::create_directories(out);
    if (how == "trained")
      write_like(base, model, out);
    else
      negate_checkpoint(base, weights_by_name(model), 1, out);
    const Checkpoint result(out);
    EXPECT_EQ(result.config().at("tie_word_embeddings"), false);
    const auto values = [](const Checkpoint& of, const char* name) {
      return tensor_over(*of.find(name), of.values(*of.find(name))).clone();
    };
    EXPECT_TRUE(at::allclose(values(result, "lm_head.weight"),
                             values(base, "lm_head.weight") + (how == "trained" ? 1 : -1), 1e-5, 1e-5));
    EXPECT_TRUE(at::equal(values(result, "model.embed_tokens.weight"), values(base, "model.embed_tokens.weight")));
  }
}

TEST_F(TiedHeads, AreWhatTheFamilyTakesWhereTheKeyIsMissing) {
  std::size_t families = 0;
  for (const auto& entry : fs::directory_iterator(kModels)) {
    Json config = read_config(entry.path());
    config.erase("tie_word_embeddings");
    ASSERT_TRUE(says_tied(config).has_value()) << entry.path();
    EXPECT_EQ(*says_tied(config), decoder_spec(config, "config.json").tied_head) << entry.path();
    ++families;
  }
  EXPECT_GE(families, 30U);
  for (const std::string& family : known_families())
    EXPECT_TRUE(says_tied({{"model_type", family}}).has_value()) << family;
}

TEST_F(TiedHeads, AndPairsThatBecomeNoNumbersAreNotWritten) {
  CausalLM model = load_model(Checkpoint(kModels / "llama_plain"));
  LoraSettings settings;
  settings.rank = 2;
  const std::vector<NamedLora> pairs = add_lora(model, settings, 1);
  for (const NamedLora& lora : pairs) lora.pair->b.detach().fill_(1);
  write_adapter(pairs, settings, "base", folder_, -0.5);
  for (const double factor : {-1e300, 1e39, std::numeric_limits<double>::infinity()}) {
    const std::string text = refusal_of([&] { write_adapter(pairs, settings, "base", folder_, factor); });
    EXPECT_NE(text.find("q_proj.lora_B.weight"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace lethe
