#include "core/folder_names.h"

#include <system_error>

#include "core/error.h"
#include "core/output_place.h"

namespace lethe {
namespace fs = std::filesystem;

fs::path unfinished_name(const fs::path& final_path) {
  const fs::path place = output_place(final_path);
  return place.parent_path() / (place.filename().string() + ".unfinished");
}

void refuse_unfinished(const fs::path& run, const std::string& doing) {
  if (run.empty()) return;
  constexpr std::string_view kEnding = ".unfinished";
  std::error_code none;
  const fs::path given = fs::absolute(run / "").lexically_normal().parent_path();
  const std::string name = given.filename().string();
  const bool is_work = name.ends_with(kEnding) && fs::is_regular_file(given / ".lock", none);
  if (!is_work && (fs::exists(given, none) || !fs::is_directory(unfinished_name(given), none))) return;
  std::string out = (run.has_filename() ? run : run.parent_path()).string();
  if (is_work) out.resize(out.size() - kEnding.size());
  throw bad_input(doing)
      .wanted("a finished run")
      .found("an unfinished one, " + unfinished_name(out).string())
      .hint("finish it: lethe unlearn --resume " + out + " (of finetune: lethe finetune --resume " + out + ")");
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
