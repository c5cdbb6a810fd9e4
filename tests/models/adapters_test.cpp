// PEFT's adapters give PEFT's results, also merged and negated, on the fixtures of tools/fixtures/adapters.py.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "formats/tensor_names.h"
#include "formats/tied_pair.h"
#include "models/loading.h"
#include "tensors/file_tensors.h"
#include "vectors/apply_adapter.h"
#include "vectors/negate.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

const fs::path kAdapters = fs::path(LETHE_FIXTURES) / "adapters";

struct AdapterCase {
  Json json;
  Checkpoint base;
  std::vector<Adapter> adapters;
  std::vector<WeightedAdapter> weighted;
};

std::vector<AdapterCase> adapter_cases() {
  std::vector<AdapterCase> cases;
  const Json listed = read_json(kAdapters / "cases.json");
  for (const Json& json : listed["cases"]) {
    AdapterCase made{json, Checkpoint(fs::path(LETHE_FIXTURES) / "models" / json["base"].get<std::string>()), {}, {}};
    for (const Json& entry : json["adapters"]) made.adapters.emplace_back(kAdapters / entry[0].get<std::string>());
    cases.push_back(std::move(made));
  }
  for (AdapterCase& made : cases) {
    for (std::size_t i = 0; i < made.adapters.size(); ++i)
      made.weighted.push_back({&made.adapters[i], made.json["adapters"][i][1].get<double>()});
  }
  return cases;
}

void expect_logprobs(const Checkpoint& checkpoint, const AppliedAdapters& applied, const Json& wanted,
                     const std::string& name, const fs::path& expected = {}) {
  const CausalLM model = load_model(checkpoint, {.adapters = &applied});
  const Json rows = read_json(expected.empty() ? checkpoint.folder() / "expected.json" : expected)["rows"];
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto ids = rows[row].get<std::vector<int>>();
    PackBuilder pack;
    pack.add(ids);
    const at::Tensor logprobs = model.head().logits(model.hidden(pack.build())).log_softmax(-1);
    for (std::size_t j = 0; j + 1 < ids.size(); ++j) {
      ASSERT_NEAR(logprobs[static_cast<std::int64_t>(j)][ids[j + 1]].item<double>(), wanted[row][j].get<double>(), 2e-4)
          << name << " row " << row << " token " << j;
    }
  }
}

fs::path fresh(const std::string& name) {
  const fs::path folder = fs::path(testing::TempDir()) / ("lethe_adapters_" + name);
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

TEST(PeftAdapters, ComputeWhatPeftComputes) {
  const auto cases = adapter_cases();
  ASSERT_GE(cases.size(), 31U);
  for (const AdapterCase& made : cases) {
    const AppliedAdapters applied(made.base, made.weighted);
    expect_logprobs(made.base, applied, made.json["logprobs"], made.json["name"].get<std::string>());
  }
}

TEST(PeftAdapters, AreMergedIntoTheWeightsThatPeftMergesThemInto) {
  for (const AdapterCase& made : adapter_cases()) {
    const fs::path folder = fresh("merged_" + made.json["name"].get<std::string>());
    merge_adapters(made.base, made.weighted, folder);
    const Checkpoint merged(folder);
    std::size_t changed = 0, compared = 0;
    std::map<std::string, Json> weights;  // files and PEFT have different prefixes
    for (const auto& [name, some] : made.json["weights"].items()) weights[canonical_name(name)] = some;
    const AppliedAdapters applied(made.base, made.weighted);
    for (const StoredTensor* tensor : merged.tensors()) {
      const StoredTensor& stored = applied.base_tensor(tensor->name);
      const at::Tensor value = tensor_over(*tensor, merged.values(*tensor)),
                       before = tensor_over(stored, made.base.values(stored));
      changed += at::equal(value, before) ? 0 : 1;
      const auto some = weights.find(canonical_name(tensor->name));
      if (some == weights.end()) {
        EXPECT_TRUE(at::equal(value, before)) << made.json["name"] << " " << tensor->name;
        continue;
      }
      for (const auto& [at, wanted] : some->second.items()) {
        EXPECT_NEAR(value.flatten()[std::stol(at)].item<double>(), wanted.get<double>(), 1e-5)
            << made.json["name"] << " " << tensor->name;
      }
      ++compared;
    }
    EXPECT_GE(compared + 1, made.json["weights"].size()) << made.json["name"];  // a tied head is stored once
    EXPECT_GE(changed, 1U);
    expect_logprobs(merged, AppliedAdapters(merged, {}), made.json["logprobs"], made.json["name"].get<std::string>(),
                    made.base.folder() / "expected.json");
    EXPECT_EQ(merged.config().value("tie_word_embeddings", Json()) == false || !tied_pair(made.base).tied,
              !tied_pair(merged).tied)
        << made.json["name"];
  }
}

TEST(PeftAdapters, AreNegatedExactlyAsAdaptersOrRefusedWithAdviceToMerge) {
  const double alpha = read_json(kAdapters / "cases.json")["alpha"].get<double>();
  std::size_t refused = 0, negated = 0;
  for (const AdapterCase& made : adapter_cases()) {
    if (made.json["negated"].is_null()) continue;
    const auto name = made.json["name"].get<std::string>();
    const AppliedAdapters merged(made.base, {{&made.adapters[0], -alpha}});
    expect_logprobs(made.base, merged, made.json["negated"], name);
    const fs::path folder = fresh("negated_" + name);
    if (made.adapters[0].is_dora()) {
      try {
        negate_adapter(made.base, made.adapters[0], alpha, folder);
        ADD_FAILURE() << name;
      } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("--merge"), std::string::npos) << error.what();
      }
      ++refused;
      continue;
    }
    negate_adapter(made.base, made.adapters[0], alpha, folder);
    const Adapter opposite(folder);
    expect_logprobs(made.base, AppliedAdapters(made.base, {{&opposite, 1.0}}), made.json["negated"], name);
    ++negated;
  }
  EXPECT_GE(refused, 2U);
  EXPECT_GE(negated, 10U);
}

// One adapter with one key changed to something that alters the arithmetic.
TEST(PeftAdapters, OfOtherArithmeticAreRefusedByTheNameOfTheKey) {
  const fs::path source = kAdapters / "llama_query_value", folder = fresh("refused");
  fs::copy_file(source / "adapter_model.safetensors", folder / "adapter_model.safetensors");
  const OrderedJson config = OrderedJson::parse(read_file(source / "adapter_config.json"));
  const std::vector<std::pair<std::string, OrderedJson>> changes = {
      {"peft_type", "IA3"},
      {"use_dora", true},
      {"r", 5},
      {"rank_pattern", {{"q_proj", 7}}},
      {"layer_replication", {{0, 1}, {0, 2}}},
      {"target_parameters", {"experts.up"}},
      {"trainable_token_indices", {1, 2}},
      {"alora_invocation_tokens", {3}},
      {"megatron_config", {{"x", 1}}},
      {"init_lora_weights", "pissa_niter_4"},
      {"init_lora_weights", "olora"},
      {"init_lora_weights", "corda"},
      {"init_lora_weights", "loftq"},
      {"use_qalora", true},
  };
  for (const auto& [key, value] : changes) {
    OrderedJson changed = config;
    changed[key] = value;
    write_file(folder / "adapter_config.json", dump_json(changed));
    try {
      const Adapter adapter(folder);
      ADD_FAILURE() << "accepted " << key;
    } catch (const Error& error) {
      const std::string text = error.what();
      const bool named = text.find(key) != std::string::npos || text.find("rank") != std::string::npos;
      EXPECT_TRUE(named) << text;
      EXPECT_EQ(error.code(), ExitCode::bad_input);
    }
  }
  for (const auto& [key, value] : std::vector<std::pair<std::string, OrderedJson>>{{"init_lora_weights", "gaussian"},
                                                                                   {"init_lora_weights", "eva"},
                                                                                   {"init_lora_weights", false},
                                                                                   {"unknown_key", 3}}) {
    OrderedJson changed = config;
    changed[key] = value;
    write_file(folder / "adapter_config.json", dump_json(changed));
    EXPECT_NO_THROW(Adapter{folder}) << key;
  }
}

TEST(PeftAdapters, OfAnEnlargedOrRetrainedEmbeddingAreRefused) {
  const Checkpoint other(fs::path(LETHE_FIXTURES) / "models/llama_linear");  // the same shapes, other values
  const Adapter adapter(kAdapters / "llama_embedding");
  ASSERT_FALSE(adapter.unchanged().empty());
  try {
    AppliedAdapters(other, {{&adapter, 1.0}});
    FAIL() << "applied";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("embed_tokens"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace lethe
