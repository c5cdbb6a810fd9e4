#include "runs/run_folder.h"

#include <ATen/Parallel.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "core/error.h"
#include "core/random.h"
#include "core/terminal.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

std::string utc(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string hex(std::uint64_t value) {
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

}  // namespace

RunFolder::RunFolder(const Recipe& recipe, std::string command)
    : folder_(recipe.out), command_(std::move(command)), seed_(recipe.seed) {}

fs::path RunFolder::make(const std::string& name) const {
  fs::create_directory(path() / name);
  return path() / name;
}

void RunFolder::add_input(const std::string& role, const fs::path& input) {
  OrderedJson entry = {{"role", role}, {"path", input.string()}};
  if (fs::is_directory(input)) {
    std::vector<std::string> files;
    std::uint64_t bytes = 0;
    for (const auto& file : fs::directory_iterator(input)) {
      if (!file.is_regular_file()) continue;
      files.push_back(file.path().filename().string() + " " + std::to_string(file.file_size()));
      bytes += file.file_size();
    }
    std::sort(files.begin(), files.end());
    std::string list;
    for (const std::string& file : files) list += file + "\n";
    entry["bytes"] = bytes;
    entry["files_hash"] = hex(stable_hash(list));
  } else {
    const MappedFile file(input);
    const auto bytes = file.bytes();
    entry["bytes"] = bytes.size();
    entry["hash"] = hex(stable_hash({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  }
  inputs_.push_back(entry);
}

void RunFolder::write_results(const OrderedJson& results) const {
  write_file(path() / "results.json", dump_json(results, 2) + "\n");
}

OrderedJson RunFolder::describe() const {
  const auto now = std::chrono::system_clock::now();
  OrderedJson run = {{"command", command_},
                     {"lethe", LETHE_VERSION},
                     {"torch", TORCH_VERSION},
                     {"started", utc(start_)},
                     {"finished", utc(now)},
                     {"seconds", std::chrono::duration<double>(now - start_).count()},
                     {"seed", seed_},
                     {"threads", at::get_num_threads()},
                     {"peak_rss_bytes", peak_resident_bytes()},
                     {"inputs", inputs_}};
  for (const auto& [key, value] : facts_.items()) run[key] = value;
  return run;
}

void RunFolder::finish(const Recipe& recipe) {
  write_file(path() / "run.json", dump_json(describe(), 2) + "\n");
  write_file(path() / "recipe.yaml", to_yaml(recipe));
  folder_.commit();
  say("wrote " + final_path());
}

void print_settings(const Recipe& recipe, const std::string& command) {
  say("lethe " + command + " with");
  const std::string yaml = to_yaml(recipe);
  for (std::size_t at = 0; at < yaml.size();) {
    const std::size_t end = std::min(yaml.find('\n', at), yaml.size());
    if (end > at) say("  " + excerpt(std::string_view(yaml).substr(at, end - at), 160));
    at = end + 1;
  }
}

}  // namespace lethe
