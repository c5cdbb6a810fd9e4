// Files of assets/demo and recipes/ that are embedded in the program (demo_assets.S).
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace lethe {

struct DemoAsset {
  std::string_view name;  ///< "model.safetensors"
  std::string_view content;
};
/// config.json, tokenizer.json, tokenizer_config.json, model.safetensors
std::span<const DemoAsset> demo_model_files();
std::string_view demo_recipe();
std::string_view demo_model_recipe();

}  // namespace lethe
