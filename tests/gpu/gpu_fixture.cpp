#include "gpu/gpu_fixture.h"

#include <cstdlib>
#include <limits>

#include "core/files.h"
#include "demo/demo_assets.h"
#include "gpu/stand_in_device.h"
#include "models/loading.h"
#include "tensors/device.h"

namespace lethe {

void GpuTest::SetUp() {
  FolderTest::SetUp();
  if (std::getenv("LETHE_STAND_IN") != nullptr) {
    use_stand_in();
    device_ = kStandIn;
    return;
  }
  device_ = choose_device("auto", this_machine());
  if (device_.is_cpu()) GTEST_SKIP() << "no GPU here; LETHE_STAND_IN=1 runs the tests on a stand-in";
}

const std::vector<std::string>& small_models() {
  static const std::vector<std::string> names{"llama", "opt", "gemma2"};
  return names;
}

CausalLM small_model(const std::string& name) {
  Json config = {{"vocab_size", 96},
                 {"hidden_size", 64},
                 {"num_hidden_layers", 2},
                 {"num_attention_heads", 4},
                 {"max_position_embeddings", 64},
                 {"initializer_range", 0.1},
                 {"bos_token_id", 1},
                 {"eos_token_id", 2}};
  if (name == "opt") {
    config.update({{"architectures", {"OPTForCausalLM"}},
                   {"model_type", "opt"},
                   {"ffn_dim", 128},
                   {"word_embed_proj_dim", 64},
                   {"do_layer_norm_before", true},
                   {"dropout", 0.0},
                   {"activation_function", "relu"},
                   {"init_std", 0.1}});
  } else {
    config.update({{"architectures", {"LlamaForCausalLM"}},
                   {"model_type", "llama"},
                   {"intermediate_size", 128},
                   {"num_key_value_heads", 2},
                   {"rms_norm_eps", 1e-6},
                   {"tie_word_embeddings", false},
                   {"hidden_act", "silu"}});
  }
  if (name == "gemma2") {
    config.update({{"architectures", {"Gemma2ForCausalLM"}},
                   {"model_type", "gemma2"},
                   {"tie_word_embeddings", true},
                   {"hidden_activation", "gelu_pytorch_tanh"},
                   {"head_dim", 16},
                   {"query_pre_attn_scalar", 16},
                   {"sliding_window", 4},
                   {"attn_logit_softcapping", 5.0},
                   {"final_logit_softcapping", 3.0}});
  }
  return random_model(config, name, 7);
}

void move_to(CausalLM& model, at::Device device, at::ScalarType type) {
  for (const Parameter& parameter : model.parameters()) *parameter.tensor = parameter.tensor->detach().to(device, type);
}

fs::path demo_checkpoint(const fs::path& folder) {
  const fs::path demo = folder / "demo_model";
  fs::create_directories(demo);
  for (const DemoAsset& file : demo_model_files()) write_file(demo / file.name, std::string(file.content));
  return demo;
}

double difference(const at::Tensor& found, const at::Tensor& wanted) {
  const at::Tensor exact = wanted.detach().to(at::kCPU, at::kDouble);
  const double share = (found.detach().to(at::kCPU, at::kDouble) - exact).norm().item<double>() /
                       std::max(exact.norm().item<double>(), 1e-30);
  return share >= 0 ? share : std::numeric_limits<double>::infinity();  // NaN
}

}  // namespace lethe
