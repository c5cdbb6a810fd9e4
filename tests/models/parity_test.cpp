// Logits, log-probabilities, gradients of every parameter and greedy tokens equal transformers' (float64), on the
// fixtures of tools/fixtures/models.py.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "nn/token_losses.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> fixture_names() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(fs::path(LETHE_FIXTURES) / "models"))
    names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

class ModelParity : public testing::TestWithParam<std::string> {
 protected:
  fs::path folder() const { return fs::path(LETHE_FIXTURES) / "models" / GetParam(); }
  Json expected() const { return read_json(folder() / "expected.json"); }
};

TEST_P(ModelParity, LogitsAndLogProbabilities) {
  const CausalLM model = load_model(Checkpoint(folder()));
  const Json wanted = expected();
  for (std::size_t row = 0; row < wanted["rows"].size(); ++row) {
    const auto ids = wanted["rows"][row].get<std::vector<int>>();
    PackBuilder pack;
    pack.add(ids);
    const at::Tensor logits = model.head().logits(model.hidden(pack.build()));
    const auto last = wanted["logits"][row].get<std::vector<double>>();
    EXPECT_TRUE(at::allclose(logits[-1].to(at::kDouble), at::tensor(last, at::kDouble), 1e-4, 1e-4))
        << GetParam() << " row " << row;
    const at::Tensor logprobs = logits.log_softmax(-1);
    for (std::size_t j = 0; j + 1 < ids.size(); ++j) {
      EXPECT_NEAR(logprobs[static_cast<std::int64_t>(j)][ids[j + 1]].item<double>(),
                  wanted["logprobs"][row][j].get<double>(), 2e-4);
    }
  }
}

TEST_P(ModelParity, GradientsOfEveryParameterOfAPackOfBothRows) {
  CausalLM model = load_model(Checkpoint(folder()));
  const Json wanted = expected();
  for (const Parameter& parameter : model.parameters()) parameter.tensor->requires_grad_(true);
  at::Tensor total;
  std::int64_t count = 0;
  for (const Json& row : wanted["rows"]) {  // length-dependent angles go by row, so each row is a pack of its own
    const auto ids = row.get<std::vector<int>>();
    PackBuilder pack;
    pack.add(ids);
    const at::Tensor hidden = model.hidden(pack.build());
    const auto n = static_cast<std::int64_t>(ids.size()) - 1;
    const at::Tensor targets = at::tensor(std::vector<std::int64_t>(ids.begin() + 1, ids.end()), at::kLong);
    const TokenLoss loss = cross_entropy(hidden.slice(0, 0, n), model.head(), targets, at::ones({n}));
    total = total.defined() ? total + loss.total : loss.total;
    count += n;
  }
  const at::Tensor loss = total / static_cast<double>(count);
  EXPECT_NEAR(loss.item<double>(), wanted["loss"].get<double>(), 1e-4);
  loss.backward();
  std::size_t compared = 0;
  for (const Parameter& parameter : model.parameters()) {
    ASSERT_TRUE(wanted["gradients"].contains(parameter.name)) << parameter.name;
    const Json& gradient = wanted["gradients"][parameter.name];
    const at::Tensor flat = parameter.tensor->grad().flatten().to(at::kDouble);
    const double norm = gradient["norm"].get<double>();
    EXPECT_NEAR(flat.norm().item<double>(), norm, 1e-3 * norm + 1e-6) << parameter.name;
    for (const auto& [at, value] : gradient["entries"].items()) {
      EXPECT_NEAR(flat[std::stol(at)].item<double>(), value.get<double>(), 1e-3 * norm + 1e-6)
          << parameter.name << "[" << at << "]";
    }
    ++compared;
  }
  EXPECT_EQ(compared, wanted["gradients"].size());
}

TEST_P(ModelParity, APackOfShortAndLongRowsAndASharedPromptEqualsEachRowAlone) {
  const CausalLM model = load_model(Checkpoint(folder()));
  const Json wanted = expected();
  const auto alone = [&](const std::vector<int>& ids) {
    PackBuilder pack;
    pack.add(ids);
    return model.hidden(pack.build());
  };
  const auto shorter = wanted["rows"][0].get<std::vector<int>>(), longer = wanted["rows"][1].get<std::vector<int>>();
  const std::vector<int> first{1, 9, 20, 31, 7, 8, 11, 40, 13}, second{1, 9, 20, 31, 44};  // alike for four tokens
  PackBuilder pack;
  pack.add(longer);
  pack.add(shorter);
  const int prompt = pack.add(first, 0, 4, -1);
  pack.add(first, 4, first.size(), prompt);
  pack.add(second, 4, second.size(), prompt);
  const at::Tensor packed = model.hidden(pack.build());
  const at::Tensor separate = at::cat({alone(longer), alone(shorter), alone(first), alone(second).slice(0, 4)});
  EXPECT_LT((packed - separate).abs().max().item<double>(), 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ModelParity, testing::ValuesIn(fixture_names()),
                         [](const auto& info) { return info.param; });

TEST(TinyStories, EqualsItsIndependentFloat64Oracle) {
  const fs::path folder = fs::path(LETHE_SHARED) / "data/models/TinyStories-656K";
  if (!fs::exists(folder)) GTEST_SKIP() << "../shared/data is not there";
  const CausalLM model = load_model(Checkpoint(folder));
  const Json wanted = read_json(folder / "ref_python_float64.json");
  PackBuilder pack;
  pack.add(wanted["prompt_ids"].get<std::vector<int>>());
  const at::Tensor logits = model.head().logits(model.hidden(pack.build()))[-1];
  EXPECT_TRUE(at::allclose(logits.to(at::kDouble),
                           at::tensor(wanted["logits_last"].get<std::vector<double>>(), at::kDouble), 1e-4, 1e-4));
}

TEST(Loading, NamesATensorThatIsMissingAndOneTooMany) {
  const fs::path source = fs::path(LETHE_FIXTURES) / "models/llama_plain";
  const fs::path folder = fs::path(testing::TempDir()) / "other_layers";
  fs::create_directories(folder);
  fs::copy_file(source / "model.safetensors", folder / "model.safetensors", fs::copy_options::overwrite_existing);
  Json config = read_json(source / "config.json");
  for (const auto& [layers, tensor] : {std::pair{3, "model.layers.2."}, {1, "model.layers.1."}}) {
    config["num_hidden_layers"] = layers;
    write_file(folder / "config.json", dump_json(config));
    try {
      load_model(Checkpoint(folder));
      FAIL() << "loaded";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_input);
      EXPECT_NE(std::string(error.what()).find(tensor), std::string::npos) << error.what();
    }
  }
}

TEST(Loading, RefusesAnUnknownArchitecture) {
  Json config = {{"model_type", "no_such_model"}, {"architectures", {"NoSuchModel"}}};
  EXPECT_THROW(decoder_spec(config, "config.json"), Error);
}

}  // namespace
}  // namespace lethe
