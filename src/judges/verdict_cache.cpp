#include "judges/verdict_cache.h"

#include "core/cache_folder.h"

namespace lethe {

std::filesystem::path VerdictCache::default_folder() {
  return cache_folder("verdicts");
}

std::optional<Verdict> VerdictCache::find(const Json& asked) const {
  const std::optional<Json> kept = cache_.find(asked);
  if (!kept) return std::nullopt;
  try {
    return Verdict{kept->at("harm").get<double>(), kept->at("label").get<std::string>(),
                   kept->at("reason").get<std::string>()};
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // damaged: evaluated again and replaced
  }
}

void VerdictCache::keep(const Json& asked, const Verdict& verdict) const {
  if (!verdict.harm) return;
  cache_.keep(asked, {{"harm", *verdict.harm}, {"label", verdict.label}, {"reason", verdict.reason}});
}

}  // namespace lethe
