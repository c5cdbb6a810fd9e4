#include "demo/demo_assets.h"

#include <array>

extern "C" {
extern const char lethe_demo_config[], lethe_demo_config_end[];
extern const char lethe_demo_tokenizer[], lethe_demo_tokenizer_end[];
extern const char lethe_demo_tokenizer_config[], lethe_demo_tokenizer_config_end[];
extern const char lethe_demo_weights[], lethe_demo_weights_end[];
extern const char lethe_demo_recipe[], lethe_demo_recipe_end[];
extern const char lethe_demo_model_recipe[], lethe_demo_model_recipe_end[];
}

namespace lethe {

std::span<const DemoAsset> demo_model_files() {
  static const std::array<DemoAsset, 4> files = {
      {{"config.json", std::string_view(lethe_demo_config, lethe_demo_config_end)},
       {"tokenizer.json", std::string_view(lethe_demo_tokenizer, lethe_demo_tokenizer_end)},
       {"tokenizer_config.json", std::string_view(lethe_demo_tokenizer_config, lethe_demo_tokenizer_config_end)},
       {"model.safetensors", std::string_view(lethe_demo_weights, lethe_demo_weights_end)}}};
  return files;
}

std::string_view demo_recipe() {
  return {lethe_demo_recipe, lethe_demo_recipe_end};
}
std::string_view demo_model_recipe() {
  return {lethe_demo_model_recipe, lethe_demo_model_recipe_end};
}

}  // namespace lethe
