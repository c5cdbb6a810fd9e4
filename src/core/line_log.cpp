#include "core/line_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/error.h"
#include "core/file_error.h"
#include "core/terminal.h"

namespace lethe {
LineLog::LineLog(std::filesystem::path path) : path_(std::move(path)) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw file_error("write", path_, errno);
}

LineLog::~LineLog() {
  try {
    if (const int problem = write_waiting(); problem != 0)
      warn("the last " + with_commas(waiting_.size()) + " bytes of " + path_.string() +
           " are lost: " + std::strerror(problem));
  } catch (...) {  // no memory for the message: the training's result matters more
  }
  ::close(descriptor_);
}

int LineLog::write_waiting() {
  std::size_t done = 0;
  int problem = 0;
  while (done < waiting_.size() && problem == 0) {
    const ssize_t written = ::write(descriptor_, waiting_.data() + done, waiting_.size() - done);
    if (written >= 0) done += static_cast<std::size_t>(written);
    if (written < 0 && errno != EINTR) problem = errno;
  }
  waiting_.erase(0, done);
  return problem;
}

void LineLog::append(std::string_view line) {
  append_bytes(std::string(line) + '\n');
}

void LineLog::append_bytes(std::string_view bytes) {
  waiting_ += bytes;
  const int problem = write_waiting();
  if (problem == 0) return;
  if (waiting_.size() > most_waiting) throw file_error("write", path_, problem);
  if (!std::exchange(warned_, true))
    warn("cannot write " + path_.string() + " (" + std::strerror(problem) +
         "): the training goes on, and the lines are written once that is possible");
}

}  // namespace lethe
