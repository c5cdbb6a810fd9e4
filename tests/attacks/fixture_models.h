// Shared by tests of attacks on weights: the tiny models of every family in float64, and their fixture.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "core/json.h"
#include "formats/checkpoint.h"
#include "models/loading.h"

namespace lethe {

/// One of tests/fixtures/models, and its entry of tools/fixtures/attacks.py.
class FixtureModel : public testing::TestWithParam<std::string> {
 protected:
  FixtureModel()
      : model_(load_model(Checkpoint(folder(GetParam())), {.dtype = at::kDouble})),
        wanted_(read_json(std::filesystem::path(LETHE_FIXTURES) / "attacks.json").at(GetParam())),
        layers_(static_cast<std::size_t>(model_.spec().layers)) {
    const Json expected = read_json(folder(GetParam()) / "expected.json");
    for (const Json& row : expected["rows"]) rows_.push_back(row.get<std::vector<int>>());
    std::iota(layers_.begin(), layers_.end(), 0);
  }
  static std::filesystem::path folder(const std::string& name) {
    return std::filesystem::path(LETHE_FIXTURES) / "models" / name;
  }
  static at::Tensor values(const Json& list) { return at::tensor(list.get<std::vector<double>>(), at::kDouble); }
  static PackedBatch pack(const std::vector<int>& row) {
    PackBuilder builder;
    builder.add(row);
    return builder.build();
  }

  CausalLM model_;
  Json wanted_;
  std::vector<std::int64_t> layers_;  // all of them
  std::vector<std::vector<int>> rows_;
};

inline std::vector<std::string> fixture_models() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(LETHE_FIXTURES) / "models"))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

inline std::string fixture_name(const testing::TestParamInfo<std::string>& info) {
  return info.param;
}

}  // namespace lethe
