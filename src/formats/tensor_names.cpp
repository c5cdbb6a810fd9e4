#include "formats/tensor_names.h"

#include <algorithm>
#include <array>

namespace lethe {
namespace {

bool ends_as_component(std::string_view name, std::string_view ending) {
  if (!name.ends_with(ending)) return false;
  return name.size() == ending.size() || name[name.size() - ending.size() - 1] == '.';
}

}  // namespace

std::string without_wrappers(std::string_view name) {
  static constexpr std::array anywhere = {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module"};
  static constexpr std::array in_front = {"module", "_forward_module"};
  const auto is_one_of = [](const auto& list, std::string_view part) {
    return std::find(list.begin(), list.end(), part) != list.end();
  };
  std::string plain;
  while (!name.empty()) {
    const std::size_t dot = name.find('.');
    const std::string_view part = name.substr(0, dot);
    // The last component is the tensor's own.
    const bool wrapper =
        dot != std::string_view::npos && (is_one_of(anywhere, part) || (plain.empty() && is_one_of(in_front, part)));
    if (!wrapper) (plain += plain.empty() ? "" : ".") += part;
    if (dot == std::string_view::npos) break;
    name.remove_prefix(dot + 1);
  }
  return plain;
}

std::string canonical_name(std::string_view name) {
  std::string plain = without_wrappers(name);
  for (const std::string_view prefix : {"model.", "transformer.", "gpt_neox."}) {
    if (!plain.starts_with(prefix)) continue;
    plain.erase(0, prefix.size());
    break;
  }
  // GPT-NeoX: its name in files, and the one inside transformers 5.
  constexpr std::string_view in_files = "embed_out.";
  return plain.starts_with(in_files) ? "lm_head." + plain.substr(in_files.size()) : plain;
}

bool is_buffer(const TensorSpec& tensor) {
  for (const char* table : {"rotary_emb.inv_freq", "rotary_emb.cos_cached", "rotary_emb.sin_cached", "position_ids",
                            "attn.masked_bias", "attention.masked_bias"}) {
    if (ends_as_component(tensor.name, table)) return true;
  }
  if (tensor.shape.size() != 4) return false;  // [1, 1, n, n]: a causal mask, where a bias has one axis
  for (const char* mask : {"attn.bias", "attention.bias", "crossattention.bias"}) {
    if (ends_as_component(tensor.name, mask)) return true;
  }
  return false;
}

}  // namespace lethe
