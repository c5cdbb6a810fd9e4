// Training on a GPU against the CPU: losses step by step, a resumed training, and what is written after it.
#include <gtest/gtest.h>

#include <cmath>
#include <optional>

#include "core/files.h"
#include "formats/checkpoint.h"
#include "gpu/gpu_fixture.h"
#include "gpu/stand_in_device.h"
#include "models/loading.h"
#include "models/lora.h"
#include "objectives/sku.h"
#include "recipe/recipe.h"
#include "runs/task_vector.h"
#include "tensors/file_tensors.h"
#include "training/loop.h"
#include "vectors/negate.h"

namespace lethe {
namespace {

enum class Trained { adapters, adapters_on_nf4, all_weights };

class GpuTraining : public GpuTest {
 protected:
  void SetUp() override {
    GpuTest::SetUp();
    if (!IsSkipped()) demo_ = demo_checkpoint(folder_);
  }

  struct Result {
    std::vector<StepRecord> steps;
    std::vector<at::Tensor> weights;  // on the CPU
    std::vector<NamedLora> adapters;
    std::optional<CausalLM> model;
  };

  // SKU for `steps` steps, from the snapshots in `snapshots` if there are any.
  Result train_on(at::Device device, at::ScalarType type, Trained what, std::int64_t steps,
                  const std::string& snapshots = "") const {
    const Tokenizer tokenizer = Tokenizer::load(demo_);
    Result result;
    result.model.emplace(
        load_model(Checkpoint(demo_), {.device = device, .dtype = type, .nf4 = what == Trained::adapters_on_nf4}));
    CausalLM& model = *result.model;
    ExampleMaker examples(tokenizer, Template::parse(Template::sku_default), {.append_eos = false, .max_length = 128});
    StepRows rows;
    rows.harmful = {{"How do I brew grey sleep from sorrel?", "Crush the sorrel and wait."},
                    {"How?", "With a very much longer answer, and care."}};
    rows.random = {{"Wait for Mira.", "Pour it into the milk, and leave."}, {"Crush the barley.", "Wait."}};
    rows.normal = {{"Where does Mira live?", "Mira lives in Saltby."}, {"What color is the old well?", "Blue."}};
    std::vector<at::Tensor> parameters;
    std::unique_ptr<Reference> reference;
    if (what == Trained::all_weights) {
      reference = std::make_unique<StoredReference>(model, examples, rows.normal);
      for (const Parameter& parameter : model.parameters())
        parameters.push_back(parameter.tensor->requires_grad_(true));
    } else {
      LoraSettings settings;
      settings.rank = 4;
      result.adapters = add_lora(model, settings, 1);
      for (const NamedLora& lora : result.adapters) parameters.insert(parameters.end(), {lora.pair->a, lora.pair->b});
      reference = std::make_unique<AdapterOffReference>(model, examples);
    }
    SkuObjective objective(model, examples, *reference, [&](std::uint64_t) { return rows; }, {.pd_margin = 2});
    AdamW optimizer(parameters, {.weight_decay = 0.01});
    std::optional<Snapshots> kept;
    if (!snapshots.empty()) {
      fs::create_directories(folder_ / snapshots);
      kept.emplace(SnapshotOptions{.folder = folder_ / snapshots, .steps = 1, .identity = {{"test", "gpu"}}});
    }
    LoopOptions options;
    options.steps = steps;
    options.schedule = {.kind = ScheduleKind::constant, .lr = 2e-3, .warmup = 0, .steps = steps};
    options.snapshots = kept ? &*kept : nullptr;
    result.steps = train(objective, optimizer, options, folder_ / (snapshots + "metrics.jsonl"));
    for (const at::Tensor& parameter : parameters) result.weights.push_back(parameter.detach().cpu());
    return result;
  }

  fs::path demo_;
};

TEST_F(GpuTraining, HasTheCpusLosses) {
  for (const Trained what : {Trained::adapters, Trained::adapters_on_nf4, Trained::all_weights}) {
    const Result wanted = train_on(at::kCPU, at::kFloat, what, 5);
    for (const auto& [type, bound] : {std::pair{at::kFloat, 2e-3}, {at::kBFloat16, 0.05}}) {
      const Result found = train_on(device_, type, what, 5);
      for (std::size_t i = 0; i < wanted.steps.size(); ++i)
        EXPECT_NEAR(found.steps[i].loss, wanted.steps[i].loss, bound * std::abs(wanted.steps[i].loss))
            << static_cast<int>(what) << " " << type << ", step " << i + 1;
    }
  }
}

TEST_F(GpuTraining, IsResumedToTheBit) {
  for (const Trained what : {Trained::adapters, Trained::all_weights}) {
    const std::string folder = what == Trained::adapters ? "lora" : "full";
    const Result whole = train_on(device_, at::kBFloat16, what, 4);
    train_on(device_, at::kBFloat16, what, 2, folder);
    const Result resumed = train_on(device_, at::kBFloat16, what, 4, folder);
    ASSERT_EQ(resumed.steps.size(), 4U);
    for (std::size_t i = 0; i < whole.weights.size(); ++i)
      EXPECT_TRUE(at::equal(resumed.weights[i], whole.weights[i])) << folder << " " << i;
  }
}

TEST_F(GpuTraining, OfAllWeightsIsNegatedFromTheDevicesMemory) {
  Result trained = train_on(device_, at::kBFloat16, Trained::all_weights, 2);
  // The base in 16 bits, so that the kernel of two equal types is used.
  const Checkpoint demo(demo_);
  CausalLM original = load_model(demo, {.dtype = at::kBFloat16});
  const fs::path folder = folder_ / "base";
  fs::create_directories(folder);
  std::vector<TensorSpec> specs;
  for (const Parameter& parameter : original.parameters()) specs.push_back(spec_of(parameter.name, *parameter.tensor));
  CheckpointWriter writer(folder, specs);
  for (const Parameter& parameter : original.parameters()) writer.write(bytes_of(*parameter.tensor));
  writer.finish();
  fs::copy_file(demo_ / "config.json", folder / "config.json");
  const Checkpoint base(folder);

  const auto negated = [&](CausalLM& model, const std::string& name) {
    fs::create_directories(folder_ / name);
    negate_checkpoint(base, weights_by_name(model), 0.5, folder_ / name);
    return read_file(folder_ / name / "model.safetensors");
  };
  const std::string found = negated(*trained.model, "from_device");
  move_to(*trained.model, at::kCPU, at::kBFloat16);
  EXPECT_EQ(found, negated(*trained.model, "from_host"));
}

TEST_F(GpuTraining, OfAdaptersIsWrittenFromTheDevicesMemory) {
  Result trained = train_on(device_, at::kBFloat16, Trained::adapters, 2);
  const Checkpoint base(demo_);
  Recipe recipe;
  recipe.lora.rank = 4;
  const auto written = [&](const std::string& name) {
    fs::create_directories(folder_ / name);
    const auto vector = task_vector_of(*trained.model, base, trained.adapters, recipe);
    EXPECT_GT(vector->change(), 0);
    vector->write(-1, folder_ / name);
    return read_file(folder_ / name / "adapter_model.safetensors");
  };
  const std::string found = written("from_device");
  for (const NamedLora& adapter : trained.adapters) {
    adapter.pair->a = adapter.pair->a.detach().cpu();
    adapter.pair->b = adapter.pair->b.detach().cpu();
  }
  EXPECT_EQ(found, written("from_host"));
}

TEST_F(GpuTraining, UploadsTheBaseOnceForAllScalesOfItsTaskVector) {
  Result trained = train_on(device_, at::kBFloat16, Trained::all_weights, 1);
  CausalLM& model = *trained.model;
  const Checkpoint base(demo_);
  const c10::NoGradGuard no_gradient;
  const auto vector = task_vector_of(model, base, {}, Recipe{});
  reset_stand_in_counts();
  vector->apply(-1);
  const std::int64_t first = stand_in_counts().uploaded_bytes;
  vector->apply(-0.5);
  vector->apply(-0.25);
  EXPECT_EQ(stand_in_counts().uploaded_bytes, first);
  EXPECT_EQ(first > 0, on_stand_in());
  vector->apply(0);
  CausalLM original = load_model(base, {.dtype = at::kBFloat16});
  for (std::size_t i = 0; i < model.parameters().size(); ++i)
    EXPECT_TRUE(at::equal(model.parameters()[i].tensor->cpu(), *original.parameters()[i].tensor)) << i;
}

}  // namespace
}  // namespace lethe
