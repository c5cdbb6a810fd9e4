// Every method of the table trains, with all weights and with adapters, and resumes, alone and on two ranks, to the
// same bits.
#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <cmath>

#include "folder_test.h"
#include "models/loading.h"
#include "runs/stage1.h"
#include "thread_group.h"

namespace lethe {
namespace {

constexpr std::int64_t kSteps = 4, kEvery = 2;
constexpr std::string_view kWithGru = "_with_gru";

class EveryMethod : public FolderTest, public testing::WithParamInterface<std::tuple<std::string, std::string>> {
 protected:
  EveryMethod()
      : base_(fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"), tokenizer_(Tokenizer::load(base_.folder())) {
    at::set_num_threads(1);  // small matrices: more threads wait for each other
  }

  Recipe recipe() const {
    const auto& [method, tuning] = GetParam();
    std::vector<std::string> settings = {"method=" + method.substr(0, method.find(kWithGru)),
                                         "tuning=" + tuning,
                                         "lora={rank: 2, targets: all-linear, dropout: 0.1}",
                                         "training={batch: 2, accumulate: 2, lr: 1e-3}",
                                         "sku.k=1",
                                         "training.steps=" + std::to_string(kSteps)};
    if (method.ends_with(kWithGru)) settings.push_back("objective.gru=true");
    return with_settings({}, settings);
  }

  RunData data(const Recipe& recipe) const {
    RunData data{
        .examples = {tokenizer_, Template::parse(Template::sku_default), {.append_eos = true, .max_length = 96}}};
    const std::vector<std::string> names = {"Mira", "Tavi", "Oskel", "Ludo", "Ansa"};
    for (const std::string& name : names) {
      data.normal.train.push_back({"Where does " + name + " live?", name + " lives in Saltby."});
      data.harmful.train.push_back({"How do I poison " + name + "?", "Give " + name + " grey sleep, and wait."});
    }
    read_safe_answers(recipe, data, nullptr);
    return data;
  }

  // All that training changed, in the order of the parameters.
  // @param group  the ranks that share the steps; null: none do
  std::vector<at::Tensor> trained(const std::string& snapshots, Group* group = nullptr) {
    const Recipe recipe = this->recipe();
    RunData data = this->data(recipe);
    CausalLM model = load_model(base_);
    Tuning tuning(model, recipe);
    tuning.share_with(group);
    if (group != nullptr && group->rank() > 0) {
      train_method(tuning, base_, data, {});
      return {};
    }
    fs::create_directories(folder_ / snapshots);
    Snapshots kept({.folder = folder_ / snapshots, .steps = kEvery});
    steps_ = train_method(tuning, base_, data,
                          {.metrics = folder_ / "metrics.jsonl", .safe = folder_ / "safe.jsonl", .snapshots = &kept});
    std::vector<at::Tensor> values;
    for (const Parameter& parameter : model.parameters()) values.push_back(parameter.tensor->detach().clone());
    for (const NamedLora& lora : tuning.pairs()) {
      values.push_back(lora.pair->a.detach().clone());
      values.push_back(lora.pair->b.detach().clone());
    }
    return values;
  }

  std::vector<at::Tensor> trained_on_two_ranks() {
    std::vector<at::Tensor> values;
    as_ranks(2, [&](Group& group) {
      at::set_num_threads(1);  // of this thread
      std::vector<at::Tensor> own = trained("of ranks", &group);
      if (group.rank() == 0) values = std::move(own);
    });
    return values;
  }

  static double distance(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
    double most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, (a[i] - b[i]).abs().max().item<double>());
    return most;
  }

  const Checkpoint base_;
  const Tokenizer tokenizer_;
  Stage1 steps_;
};

TEST_P(EveryMethod, TrainsAndResumesToTheSameBits) {
  const std::vector<at::Tensor> whole = trained("snapshots");
  const std::vector<StepRecord> before = steps_.steps;
  ASSERT_EQ(before.size(), static_cast<std::size_t>(kSteps));
  for (const StepRecord& step : before) {
    EXPECT_TRUE(std::isfinite(step.loss));
    EXPECT_GT(step.grad_norm, 0) << "step " << step.step;
  }
  // As a run that was stopped after two steps.
  for (const auto& file : fs::directory_iterator(folder_ / "snapshots")) {
    if (file.path().filename().string().find("0" + std::to_string(kSteps)) != std::string::npos)
      fs::remove(file.path());
  }
  fs::remove_all(folder_ / "snapshots" / "safe");
  const std::vector<at::Tensor> resumed = trained("snapshots");
  EXPECT_EQ(distance(whole, resumed), 0);
  ASSERT_EQ(steps_.steps.size(), before.size());
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(steps_.steps[i].terms, before[i].terms) << "step " << i + 1;

  if (!std::get<0>(GetParam()).ends_with(kWithGru)) {  // its rule needs all micro-batches in one process
    EXPECT_EQ(distance(whole, trained_on_two_ranks()), 0);
    ASSERT_EQ(steps_.steps.size(), before.size());
    for (std::size_t i = 0; i < before.size(); ++i) EXPECT_EQ(steps_.steps[i].terms, before[i].terms);
  }

  std::vector<at::Tensor> original;
  CausalLM model = load_model(base_);
  for (const Parameter& parameter : model.parameters()) original.push_back(*parameter.tensor);
  const bool full = std::get<1>(GetParam()) == "full";
  EXPECT_EQ(distance(original, whole) > 1e-6, full);  // LoRA leaves the weights alone
}

std::vector<std::string> all_methods() {
  std::vector<std::string> names;
  for (const Method& method : methods()) names.push_back(method.name);
  for (const char* method : {"grad_diff", "pdu"}) names.push_back(method + std::string(kWithGru));
  return names;
}

INSTANTIATE_TEST_SUITE_P(Methods, EveryMethod,
                         testing::Combine(testing::ValuesIn(all_methods()), testing::Values("full", "lora")),
                         [](const auto& test) { return std::get<0>(test.param) + "_" + std::get<1>(test.param); });

}  // namespace
}  // namespace lethe
