#include "core/output_place.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/error.h"
#include "core/input_file.h"
#include "core/write_in_place.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

Error cannot_write(const fs::path& path, const fs::path& folder, const std::string& reason) {
  return bad_input("cannot write to " + excerpt(path.string(), 1000))
      .with("folder", excerpt(folder.string(), 1000))
      .with("reason", reason)
      .hint("a place where you may write, such as a folder of your own");
}

fs::path parent_of(const fs::path& path) {
  return output_place(path).parent_path();
}

bool is_mount_point(const fs::path& folder) {
  struct statx status {};
  return ::statx(AT_FDCWD, folder.c_str(), AT_SYMLINK_NOFOLLOW, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

}  // namespace

fs::path output_place(const fs::path& given) {
  std::error_code failed;
  fs::path place = fs::absolute(given, failed);
  if (!place.has_filename()) place = place.parent_path();  // "out/"
  const bool named = place.filename() != "." && place.filename() != "..";
  const fs::path parent = fs::weakly_canonical(named ? place.parent_path() : place, failed);
  if (failed) return place.lexically_normal();
  fs::path whole = named ? parent / place.filename() : parent;
  return whole.has_filename() ? whole : whole.parent_path();
}

fs::path checked_output_folder(const fs::path& path) {
  fs::path final = path;
  const std::string given = path.string();
  if (given.empty()) throw bad_usage("no output folder was given");
  if (final.filename().empty()) final = final.parent_path();  // "out/"
  std::error_code ignored;
  if (fs::is_symlink(final, ignored) && !fs::is_directory(final, ignored)) {
    throw bad_input("cannot write to " + given)
        .found("a link that leads nowhere")
        .hint("name a folder that does not exist yet");
  }
  if (fs::exists(final, ignored) && (!fs::is_directory(final) || fs::is_symlink(final) || !fs::is_empty(final))) {
    throw bad_input("cannot write to " + given)
        .found(fs::is_symlink(final)     ? "a link to " + fs::weakly_canonical(final).string()
               : fs::is_directory(final) ? "a folder that already holds something"
                                         : "a file of that name")
        .hint("name a folder that does not exist yet, or remove this one yourself");
  }
  if (is_mount_point(final)) {
    throw bad_input("cannot write to " + given)
        .found("a mount point, which no finished folder can replace")
        .hint("name a new folder within it");
  }
  return final;
}

void check_parent_folder(const fs::path& path) {
  for (fs::path folder = parent_of(path);; folder = folder.parent_path()) {
    std::error_code problem;
    const fs::file_status status = fs::status(folder, problem);
    if (status.type() == fs::file_type::not_found && folder.has_relative_path()) {
      if (fs::is_symlink(fs::symlink_status(folder, problem)))
        throw cannot_write(path, folder, "a link that leads nowhere");
      continue;
    }
    // "Not a directory": a parent is a file, which the next iterations find.
    if (problem == std::errc::not_a_directory && folder.has_relative_path()) continue;
    if (problem) throw cannot_write(path, folder, problem.message());
    if (!fs::is_directory(status)) throw cannot_write(path, folder, "a file, not a folder");
    if (::access(folder.c_str(), W_OK | X_OK) != 0) throw cannot_write(path, folder, std::strerror(errno));
    return;
  }
}

void check_output_file(const std::string& given, const std::string& input) {
  if (given.empty() || given == "-") return;
  const fs::path target = output_target(given);
  if (descriptor_named_by(target) >= 0) return;  // it is open already
  const std::string path = target.string();
  std::error_code none;
  if (!input.empty() && fs::is_regular_file(input, none) && fs::equivalent(path, input, none))
    throw bad_input("cannot write " + excerpt(path, 1000)).found("the input itself").hint("another --output");
  std::error_code problem;
  const fs::file_status status = fs::status(path, problem);
  if (fs::is_directory(status))
    throw bad_input("cannot write " + excerpt(path, 1000)).wanted("the name of a file").found("a folder");
  if (const fs::path folder = parent_of(path); !fs::exists(folder, problem)) {
    check_parent_folder(path);
    throw bad_input("cannot write " + excerpt(path, 1000))
        .with("folder", excerpt(folder.string(), 1000))
        .found("no such folder")
        .hint("mkdir -p, or another path");
  }
  if (!fs::exists(status)) return check_parent_folder(path);
  if (::access(path.c_str(), W_OK) != 0)
    throw bad_input("cannot write " + excerpt(path, 1000)).with("reason", std::strerror(errno));
  if (fs::is_regular_file(status)) check_parent_folder(path);  // a new file replaces it
}

void make_parent_folders(const fs::path& path) {
  check_parent_folder(path);
  std::error_code problem;
  const fs::path parent = parent_of(path);
  fs::create_directories(parent, problem);
  std::error_code ignored;
  if (!problem || fs::is_directory(parent, ignored)) return;
  // In /proc and the like, the parent folder exists but the error is "No such file or directory".
  const bool takes_none = problem == std::errc::no_such_file_or_directory;
  throw cannot_write(path, parent, takes_none ? "not permitted: no folder can be made there" : problem.message());
}

}  // namespace lethe
