#include "core/file_error.h"

#include <cerrno>
#include <cstring>

#include "core/error.h"

namespace lethe {
namespace fs = std::filesystem;

Error file_error(const std::string& doing, const fs::path& path, int number) {
  auto error = number == ENOSPC || number == EIO || number == EDQUOT
                   ? Error("cannot " + doing + " " + path.string())
                   : bad_input("cannot " + doing + " " + path.string());
  error.with("reason", std::strerror(number));
  if (number == ENOENT) error.hint("check the path; relative paths start at " + fs::current_path().string());
  if (number == ENOSPC) error.hint("free some space, or write to another disk");
  return error;
}

}  // namespace lethe
