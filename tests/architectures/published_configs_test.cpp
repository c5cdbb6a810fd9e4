// config.json files as they are published on the Hub, written down from memory (tests/fixtures/published_configs.json:
// `set` over the file named by `like`, without `remove`). transformers 5.23 takes each of them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>

#include "architectures/decoder_spec.h"
#include "core/error.h"

namespace lethe {
namespace {

const Json& published() {
  static const Json configs = read_json(std::filesystem::path(LETHE_FIXTURES) / "published_configs.json");
  return configs;
}

std::vector<std::string> published_names() {
  std::vector<std::string> names;
  for (const auto& [name, entry] : published().items()) names.push_back(name);
  return names;
}

class PublishedConfig : public testing::TestWithParam<std::string> {};

TEST_P(PublishedConfig, LoadsAndOnlyKeysThatTransformersDoesNotReadAreIgnored) {
  const Json& entry = published()[GetParam()];
  Json config = entry.contains("like") ? published()[entry["like"].get<std::string>()]["set"] : Json::object();
  config.update(entry["set"]);
  for (const Json& key : entry.value("remove", Json::array())) config.erase(key.get<std::string>());
  try {
    const DecoderSpec spec = decoder_spec(config, "config.json");
    EXPECT_EQ(spec.ignored_keys, entry.value("ignored", Json::array()).get<std::vector<std::string>>());
    EXPECT_GT(spec.layers, 0);
  } catch (const Error& error) {
    ADD_FAILURE() << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(Hub, PublishedConfig, testing::ValuesIn(published_names()), [](const auto& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

TEST(PublishedConfigs, CoverEveryFamily) {
  std::set<std::string> families;
  for (const auto& [name, entry] : published().items())
    if (entry["set"].contains("model_type")) families.insert(entry["set"]["model_type"].get<std::string>());
  const auto known = known_families();
  EXPECT_EQ(families, std::set<std::string>(known.begin(), known.end()));
}

}  // namespace
}  // namespace lethe
