// A config.json with one key changed computes what transformers computes with it, or is refused: the changes, outcomes
// and log-probabilities of tools/fixtures/config_keys.py.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "formats/checkpoint.h"
#include "models/loading.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

const std::vector<int> kRow{1, 17, 30, 4, 22, 9, 41, 13, 8, 35, 5, 28, 19, 46, 11, 3, 25, 33, 7, 40, 14};

// Log-probabilities of the row's tokens after the first.
std::vector<double> row_logprobs(const fs::path& folder) {
  const CausalLM model = load_model(Checkpoint(folder));
  PackBuilder pack;
  pack.add(kRow);
  const at::Tensor logprobs = model.head().logits(model.hidden(pack.build())).log_softmax(-1);
  std::vector<double> result;
  for (std::size_t j = 0; j + 1 < kRow.size(); ++j)
    result.push_back(logprobs[static_cast<std::int64_t>(j)][kRow[j + 1]].item<double>());
  return result;
}

class ConfigKeys : public testing::TestWithParam<std::string> {};

TEST_P(ConfigKeys, EveryOneIsRightOrRefused) {
  at::set_num_threads(1);  // more would only wait for each other in models of this size
  const fs::path source = fs::path(LETHE_FIXTURES) / "models" / GetParam();
  const fs::path folder = fs::path(testing::TempDir()) / ("config_keys_" + GetParam());
  fs::create_directories(folder);
  fs::copy_file(source / "model.safetensors", folder / "model.safetensors", fs::copy_options::overwrite_existing);
  std::size_t checked = 0;
  for (const Json& entry : read_json(fs::path(LETHE_FIXTURES) / "config_keys.json")) {
    if (entry["model"] != GetParam()) continue;
    const std::string what = dump_json(entry["set"]) + " without " + dump_json(entry["remove"]);
    Json config = read_json(source / "config.json");
    config.update(entry["set"]);
    for (const Json& key : entry["remove"]) config.erase(key.get<std::string>());
    write_file(folder / "config.json", dump_json(config));
    ++checked;
    if (entry["outcome"] == "refused") {
      try {
        load_model(Checkpoint(folder));
        ADD_FAILURE() << "loaded with " << what;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ExitCode::bad_input) << what;
      }
      continue;
    }
    try {
      const std::vector<double> found = row_logprobs(folder);
      for (std::size_t j = 0; j < found.size(); ++j)
        ASSERT_NEAR(found[j], entry["logprobs"][j].get<double>(), 5e-5) << what << ", token " << j + 1;
    } catch (const Error& error) {
      ADD_FAILURE() << what << " was refused: " << error.what();
    }
  }
  EXPECT_GT(checked, 1U);
  fs::remove_all(folder);
}

std::vector<std::string> models_with_changes() {
  std::set<std::string> names;
  for (const Json& entry : read_json(fs::path(LETHE_FIXTURES) / "config_keys.json")) names.insert(entry["model"]);
  return {names.begin(), names.end()};
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ConfigKeys, testing::ValuesIn(models_with_changes()),
                         [](const auto& info) { return info.param; });

TEST(ConfigKeysOfAllFamilies, HaveAFixture) {
  std::set<std::string> families;
  for (const std::string& model : models_with_changes())
    families.insert(read_json(fs::path(LETHE_FIXTURES) / "models" / model / "config.json")["model_type"]);
  const auto known = known_families();
  EXPECT_EQ(families, std::set<std::string>(known.begin(), known.end()));
}

}  // namespace
}  // namespace lethe
