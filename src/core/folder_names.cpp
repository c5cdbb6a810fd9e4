#include "core/folder_names.h"

#include <system_error>

#include "core/output_place.h"

namespace lethe {
namespace fs = std::filesystem;

fs::path unfinished_name(const fs::path& final_path) {
  const fs::path place = output_place(final_path);
  return place.parent_path() / (place.filename().string() + ".unfinished");
}

fs::path free_name(const fs::path& name, const std::string& ending) {
  const std::string first = (name.has_filename() ? name : name.parent_path()).string() + ending;
  std::error_code none;
  const auto taken = [&](const fs::path& path) {
    return fs::exists(fs::symlink_status(path, none)) || fs::exists(fs::symlink_status(unfinished_name(path), none));
  };
  fs::path free = first;
  for (int number = 2; taken(free); ++number) free = first + "-" + std::to_string(number);
  return free;
}

}  // namespace lethe
