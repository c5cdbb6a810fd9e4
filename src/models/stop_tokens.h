// Which tokens end an answer.
#pragma once

#include <filesystem>
#include <vector>

namespace lethe {

/// eos_token_id of generation_config.json (one id or a list), else of config.json. Sorted.
std::vector<int> stop_tokens(const std::filesystem::path& folder);

}  // namespace lethe
