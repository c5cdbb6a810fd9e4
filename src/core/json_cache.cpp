#include "core/json_cache.h"

#include "core/error.h"
#include "core/files.h"
#include "core/numbers.h"
#include "core/random.h"

namespace lethe {
namespace fs = std::filesystem;

fs::path JsonCache::path_of(const std::string& asked) const {
  const std::string name = hex_text(stable_hash(asked)) + hex_text(stable_hash(asked, 1)) + ".json";
  return folder_ / name.substr(0, 2) / name;
}

std::optional<Json> JsonCache::find(const Json& asked) const {
  if (folder_.empty()) return std::nullopt;
  const std::string text = dump_json(asked);
  const fs::path path = path_of(text);
  std::error_code missing;
  if (!fs::exists(path, missing)) return std::nullopt;
  try {
    const Json entry = read_json(path);
    if (dump_json(entry.at("asked")) != text) return std::nullopt;  // another text with the same hash
    Json value = entry;
    value.erase("asked");
    return value;
  } catch (const Error&) {
  } catch (const nlohmann::json::exception&) {
  }
  return std::nullopt;
}

void JsonCache::keep(const Json& asked, const Json& value) const {
  if (folder_.empty()) return;
  const fs::path path = path_of(dump_json(asked));
  fs::create_directories(path.parent_path());
  Json entry = value;
  entry["asked"] = asked;
  write_file(path, dump_json(entry) + "\n", Access::owner_only);
}

}  // namespace lethe
