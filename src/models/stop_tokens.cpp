#include "models/stop_tokens.h"

#include <algorithm>

#include "core/json.h"

namespace lethe {
namespace {

std::vector<int> ids_under_eos(const Json& config) {
  std::vector<int> ids;
  if (!config.is_object() || !config.contains("eos_token_id")) return ids;
  const Json& value = config.at("eos_token_id");
  for (const Json& id : value.is_array() ? value : Json::array({value})) {
    if (id.is_number_unsigned() && id.get<std::uint64_t>() <= 0x7FFFFFFF) ids.push_back(id.get<int>());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

std::vector<int> stop_tokens(const std::filesystem::path& folder) {
  for (const char* file : {"generation_config.json", "config.json"}) {
    if (!std::filesystem::exists(folder / file)) continue;
    std::vector<int> ids = ids_under_eos(read_json(folder / file));
    if (!ids.empty()) return ids;
  }
  return {};
}

}  // namespace lethe
