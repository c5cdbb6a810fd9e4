// Names of an adapter's tensors: those of save_pretrained(), and those of a whole state_dict.
#include <gtest/gtest.h>

#include "core/files.h"
#include "folder_test.h"
#include "formats/adapter.h"

namespace lethe {
namespace {

class AdapterNames : public FolderTest {
 protected:
  // A [2, 4], B [6, 2], vectors of 6. All zero, or of each tensor other values.
  Adapter adapter(const std::vector<std::string>& names, Json config = Json::object(), bool differ = false) {
    const fs::path folder = folder_ / std::to_string(++made_);
    fs::create_directories(folder);
    config.update({{"peft_type", "LORA"}, {"r", 2}});
    write_file(folder / "adapter_config.json", dump_json(config));
    std::vector<TensorSpec> specs;
    for (const std::string& name : names) {
      const bool a = name.find("lora_A") != std::string::npos || name.find("embedding_A") != std::string::npos;
      const bool vector = name.ends_with("bias") || name.find("magnitude") != std::string::npos;
      specs.push_back({name, DType::f32, {a ? 2 : 6, a ? 4 : 2}});
      if (vector) specs.back().shape = {6};
    }
    SafetensorsWriter writer(folder / "adapter_model.safetensors", specs);
    for (std::size_t i = 0; i < specs.size(); ++i)
      writer.write(std::vector<std::byte>(specs[i].bytes(), static_cast<std::byte>(differ ? i : 0)));
    writer.close();
    return Adapter(folder);
  }
  int made_ = 0;
};

TEST_F(AdapterNames, MayHoldTheAdaptersOwnNameAndWhatTrainingWrapsAround) {
  for (const std::string prefix : {"base_model.model.", "", "base_model.model.base_model.model.", "module.",
                                   "base_model.model._orig_mod.", "_orig_mod.base_model.model."}) {
    for (const std::string name : {"", ".default", ".harm"}) {
      const std::string module = prefix + "model.layers.0.q_proj.";
      const Adapter found = adapter({module + "lora_A" + name + ".weight", module + "lora_B" + name + ".weight",
                                     module + "lora_B" + name + ".bias"});
      ASSERT_EQ(found.modules().size(), 1U) << module << name;
      EXPECT_EQ(found.modules()[0].module, "model.layers.0.q_proj");
      EXPECT_NE(found.modules()[0].bias, nullptr);
    }
  }
  const Adapter embedding = adapter({"base_model.model.model.embed_tokens.lora_embedding_A.default",
                                     "base_model.model.model.embed_tokens.lora_embedding_B.default"});
  EXPECT_TRUE(embedding.modules()[0].embedding);
  for (const std::string magnitude : {"", ".weight", ".default", ".default.weight"}) {
    const Adapter dora =
        adapter({"q.lora_A.weight", "q.lora_B.weight", "q.lora_magnitude_vector" + magnitude}, {{"use_dora", true}});
    EXPECT_NE(dora.modules()[0].magnitude, nullptr) << magnitude;
  }
}

TEST_F(AdapterNames, OfSavedModulesLoseTheirWrapper) {
  for (const std::string wrapper : {"", "modules_to_save.", "modules_to_save.default."}) {
    const Adapter saved = adapter({"base_model.model.lm_head." + wrapper + "weight"});
    ASSERT_EQ(saved.saved().size(), 1U);
    EXPECT_EQ(saved.saved()[0].name, "lm_head.weight") << wrapper;
  }
  // Under the name of the pairs.
  const Adapter named =
      adapter({"q.lora_A.harm.weight", "q.lora_B.harm.weight", "head.modules_to_save.harm.dense.weight"});
  EXPECT_EQ(named.saved()[0].name, "head.dense.weight");
  const Adapter whole = adapter({"q.lora_A.default.weight", "q.lora_B.default.weight", "q.base_layer.weight",
                                 "q.base_layer.bias", "lm_head.original_module.weight"});
  EXPECT_EQ(whole.unchanged().size(), 2U);
  EXPECT_EQ(whole.unchanged()[1].name, "lm_head.weight");
  EXPECT_EQ(whole.saved()[0].name, "q.bias");
}

TEST_F(AdapterNames, AreKnownInTheFormThatPeftSaves) {
  const std::vector<std::pair<std::string, std::string>> names = {
      {"module.q.lora_A.harm.weight", "q.lora_A.weight"},
      {"base_model.model._orig_mod.q.lora_B.harm.weight", "q.lora_B.weight"},
      {"q.lora_B.harm.bias", "q.lora_B.bias"},
      {"base_model.model.base_model.model.q.base_layer.bias", "q.base_layer.bias"},
      {"wte.lora_embedding_A.harm", "wte.lora_embedding_A"},
      {"wte.lora_embedding_B.harm", "wte.lora_embedding_B"},
      {"base_model.model.wte.base_layer.weight", "wte.base_layer.weight"},
      {"lm_head.modules_to_save.harm.weight", "lm_head.weight"}};
  std::vector<std::string> stored;
  for (const auto& [name, saved] : names) stored.push_back(name);
  const Adapter found = adapter(stored);
  for (const auto& [name, saved] : names)
    EXPECT_EQ(*found.name_in_peft(*found.file().find(name)), "base_model.model." + saved);
}

// PEFT's save_embedding_layers=True writes a module of modules_to_save twice, and also the module it copies.
TEST_F(AdapterNames, OfOnePartTwiceAreTakenWhereTheValuesAreEqual) {
  const std::vector<std::string> names = {"lm_head.weight", "lm_head.modules_to_save.weight",
                                          "lm_head.original_module.weight"};
  const Adapter found = adapter(names);
  ASSERT_EQ(found.saved().size(), 1U);
  EXPECT_EQ(found.saved()[0].name, "lm_head.weight");
  EXPECT_EQ(found.unchanged().size(), 1U);
  int named = 0;
  for (const std::string& name : names) named += found.name_in_peft(*found.file().find(name)) != nullptr ? 1 : 0;
  EXPECT_EQ(named, 2);
  const std::string differ = refusal_of([&] { adapter(names, {}, /*differ=*/true); });
  EXPECT_NE(differ.find("lm_head.weight"), std::string::npos) << differ;
}

TEST_F(AdapterNames, OfTwoAdaptersOrOfOnePartTwiceAreRefused) {
  const std::string two = refusal_of([&] {
    adapter({"q.lora_A.good.weight", "q.lora_B.good.weight", "v.lora_A.bad.weight", "v.lora_B.bad.weight"});
  });
  EXPECT_NE(two.find("bad and good"), std::string::npos) << two;
  const std::string twice = refusal_of([&] {
    adapter({"q.lora_A.weight", "q.lora_B.weight", "q.lora_A.default.weight"}, {}, /*differ=*/true);
  });
  EXPECT_NE(twice.find("q.lora_A"), std::string::npos) << twice;
  EXPECT_NE(refusal_of([&] { adapter({"q.lora_C.weight"}); }).find("q.lora_C.weight"), std::string::npos);
  EXPECT_NE(refusal_of([&] { adapter({"q.lora_A.a.b.weight", "q.lora_B.weight"}); }), "no error");
}

TEST_F(AdapterNames, SayWhichModulesAreCopiesAndWhatStaysTied) {
  const std::vector<std::string> head = {"lm_head.weight"};
  const auto ensured = [&](Json config) {
    config["ensure_weight_tying"] = true;
    return adapter(head, config).ensured_tying();
  };
  EXPECT_EQ(ensured({{"modules_to_save", {"model.embed_tokens"}}}), EnsuredTying::saved);
  EXPECT_EQ(ensured({{"target_modules", {"q_proj", "lm_head"}}}), EnsuredTying::targets);
  EXPECT_EQ(ensured({{"target_modules", ".*(q_proj|embed_tokens)"}}), EnsuredTying::targets);
  EXPECT_EQ(ensured({{"target_modules", {"q_proj", "wte"}}}), EnsuredTying::none);  // a name that PEFT does not know
  EXPECT_EQ(adapter(head, {{"target_modules", {"lm_head"}}}).ensured_tying(), EnsuredTying::none);
  EXPECT_TRUE(adapter(head, {{"modules_to_save", {"lm_head"}}}).saves_module_of("lm_head.weight"));
  EXPECT_TRUE(adapter(head, {{"modules_to_save", {"embed_tokens"}}}).saves_module_of("model.embed_tokens.weight"));
  EXPECT_FALSE(adapter(head, {{"modules_to_save", {"embed_tokens"}}}).saves_module_of("lm_head.weight"));
  EXPECT_FALSE(adapter(head).saves_module_of("lm_head.weight"));
}

}  // namespace
}  // namespace lethe
