#include "runs/original_cache.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <sys/stat.h>
#include <torch/version.h>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <tuple>
#include <vector>

#include "core/cache_folder.h"
#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "core/utc_time.h"
#include "runs/sha256.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

std::int64_t nanoseconds(const struct timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// What changes with a file's content, or when it is replaced.
Json state_of(const fs::path& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  return {{"bytes", found.st_size},
          {"modified", nanoseconds(found.st_mtim)},
          {"changed", nanoseconds(found.st_ctim)},
          {"inode", found.st_ino},
          {"device", found.st_dev}};
}

// A file that changed a moment ago may change again within the resolution of its times.
bool settled(const Json& state) {
  constexpr std::int64_t kSeconds = 2;
  const auto changed = std::max(state.at("modified").get<std::int64_t>(), state.at("changed").get<std::int64_t>());
  return std::time(nullptr) - changed / 1'000'000'000 > kSeconds;
}

std::optional<std::string> known_hash(const fs::path& entry, const Json& state) {
  std::error_code none;
  if (!fs::exists(entry, none)) return std::nullopt;
  try {
    const Json json = read_json(entry);
    if (json.at("state") == state) return json.at("sha256").get<std::string>();
  } catch (const Error&) {
  } catch (const nlohmann::json::exception&) {
  }
  return std::nullopt;
}

// @param hashes  folder; empty: none are kept
std::string hash_of(const fs::path& path, const fs::path& hashes) {
  const Json state = state_of(path);
  const fs::path entry = hashes / (sha256(fs::absolute(path).lexically_normal().string()) + ".json");
  if (!hashes.empty() && state.is_object()) {
    if (auto known = known_hash(entry, state)) return *known;
  }
  std::string hash = sha256_of_file(path);
  if (hashes.empty() || !state.is_object() || state != state_of(path) || !settled(state)) return hash;
  try {
    write_file(entry, dump_json(Json{{"state", state}, {"sha256", hash}}) + "\n", Access::owner_only);
  } catch (const Error&) {  // no space: it is computed again next time
  }
  return hash;
}

std::vector<fs::path> files_in(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The first line that begins so; "" without one.
std::string line_of(const fs::path& path, const std::string& beginning) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(beginning)) return line;
  }
  return "";
}

// The processor that computes: other ones round differently.
Json processor(const at::Device& device) {
  Json lines = {line_of("/proc/cpuinfo", "model name"), at::get_cpu_capability()};
  std::error_code none;
  if (!device.is_cpu()) {
    lines.push_back(line_of("/proc/driver/nvidia/version", "NVRM"));
    for (const auto& gpu : fs::directory_iterator("/proc/driver/nvidia/gpus", none))
      lines.push_back(line_of(gpu.path() / "information", "Model"));
  }
  return lines;
}

// The file that holds this code, so that another build of the same version is another program.
Json program() {
  Dl_info info{};
  if (::dladdr(reinterpret_cast<const void*>(&model_identity), &info) == 0 || info.dli_fname == nullptr) return {};
  Json state = state_of(info.dli_fname);
  if (state.is_object()) state["file"] = fs::path(info.dli_fname).filename().string();
  return state;
}

}  // namespace

Json model_identity(const fs::path& folder, const LoadOptions& load, const fs::path& hashes) {
  Json files = Json::array();
  std::uint64_t done = 0, all = 0;
  const std::vector<fs::path> paths = files_in(folder);
  for (const fs::path& path : paths) all += fs::file_size(path);
  Progress progress("hashing the original's files", all, "bytes");
  for (const fs::path& path : paths) {
    files.push_back({path.filename().string(), hash_of(path, hashes)});
    progress.update(done += fs::file_size(path));
  }
  return {{"files", std::move(files)},
          {"device", c10::DeviceTypeName(load.device.type(), true)},
          {"dtype", c10::toString(load.dtype)},
          {"nf4", load.nf4},
          {"mapped", load.mapped},
          {"threads", at::get_num_threads()},
          {"processor", processor(load.device)},
          {"lethe", LETHE_VERSION},
          {"torch", TORCH_VERSION},
          {"program", program()}};
}

OriginalCache::OriginalCache(Json identity, fs::path folder, std::uint64_t most_bytes)
    : identity_(std::move(identity)), folder_(std::move(folder)), most_bytes_(most_bytes) {}

// @throws a JSON exception for a text that is not UTF-8
fs::path OriginalCache::path_of(const Json& request) const {
  return folder_ / (sha256(Json{{"model", identity_}, {"request", request}}.dump()) + ".json");
}

std::optional<Json> OriginalCache::find(const Json& request) {
  try {
    const fs::path path = path_of(request);
    std::error_code none;
    if (!fs::exists(path, none)) return std::nullopt;
    Json entry = read_json(path);
    if (sha256(entry.at("result").dump()) != entry.at("sha256").get<std::string>()) return std::nullopt;
    const auto made = entry.at("made").get<std::string>();
    if (!own_.contains(path)) {
      saved_ += entry.at("seconds").get<double>();
      oldest_ = oldest_.empty() ? made : std::min(oldest_, made);
    }
    fs::last_write_time(path, fs::file_time_type::clock::now(), none);  // trim() removes others first
    return std::move(entry.at("result"));
  } catch (const Error&) {
  } catch (const nlohmann::json::exception&) {
  }
  return std::nullopt;
}

void OriginalCache::keep(const Json& request, const Json& result, double seconds) {
  try {
    const Json entry = {
        {"sha256", sha256(result.dump())}, {"made", utc_time()}, {"seconds", seconds}, {"result", result}};
    const fs::path path = path_of(request);
    const std::string text = entry.dump() + "\n";
    if (text.size() > most_bytes_) return;  // trim() would remove all others, and then this one
    write_file(path, text, Access::owner_only);
    own_.insert(path);
    trim();
  } catch (const Error& error) {
    if (error.code() == ExitCode::interrupted) throw;  // others: it is computed again next time
  } catch (const nlohmann::json::exception&) {
  } catch (const fs::filesystem_error&) {
  }
}

void OriginalCache::trim() const {
  std::vector<std::tuple<fs::file_time_type, std::uint64_t, fs::path>> files;
  std::uint64_t bytes = 0;
  std::error_code gone;  // another process may remove the same files
  for (const fs::path& path : files_in(folder_)) {
    const std::uint64_t size = fs::file_size(path, gone);
    if (gone) continue;
    const auto time = fs::last_write_time(path, gone);
    if (gone) continue;
    files.emplace_back(time, size, path);
    bytes += size;
  }
  std::sort(files.begin(), files.end());
  for (const auto& [time, size, path] : files) {
    if (bytes <= most_bytes_) return;
    fs::remove(path, gone);
    bytes -= size;
  }
}

std::string OriginalCache::text() const {
  if (oldest_.empty()) return "";
  return "the original's answers are those of " + oldest_ + ", from the cache (evaluation.cache=false computes them " +
         "again)";
}

std::shared_ptr<OriginalCache> original_cache(const EvaluationSettings& settings, const fs::path& folder,
                                              const LoadOptions& load) {
  if (!settings.cache) return nullptr;
  const fs::path answers = cache_folder("originals"), hashes = cache_folder("hashes");
  if (answers.empty()) return nullptr;
  try {
    for (const fs::path& part : {answers, hashes}) {
      if (make_private_folder(part)) continue;
      warn("the cache of the original's answers is not used: " + excerpt(part.string(), 1000) +
           " is a link, belongs to another user, or others can read it (chmod 700)");
      return nullptr;
    }
  } catch (const Error&) {  // a home that cannot be written to
    return nullptr;
  }
  const auto unreadable = [](const std::string& why) {
    warn("the cache of the original's answers is not used: " + excerpt(why, 300));
    return nullptr;
  };
  try {
    return std::make_shared<OriginalCache>(model_identity(folder, load, hashes), answers);
  } catch (const Error& error) {
    if (error.code() == ExitCode::interrupted) throw;
    return unreadable(error.what());
  } catch (const fs::filesystem_error& error) {
    return unreadable(error.what());
  }
}

}  // namespace lethe
