#include "core/standard_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <iostream>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/write_in_place.h"

namespace lethe {
namespace {

bool output_was_closed = false;
StandardOutput* standing = nullptr;

}  // namespace

void open_standard_streams() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (::fcntl(number, F_GETFD) >= 0 || errno != EBADF) continue;
    if (number == STDOUT_FILENO) output_was_closed = true;
    // open() returns the lowest free number, which is this one. A closed input stays unreadable instead of empty.
    if (::open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDWR) < 0) (void)::open("/", O_RDONLY | O_DIRECTORY);
  }
  std::signal(SIGPIPE, SIG_IGN);
}

StandardOutput::StandardOutput() : before_(std::cout.rdbuf(this)), live_(::isatty(STDOUT_FILENO) != 0) {
  standing = this;
}

StandardOutput::~StandardOutput() {
  sync();
  std::cout.rdbuf(before_);
  standing = nullptr;
}

std::streamsize StandardOutput::xsputn(const char* text, std::streamsize size) {
  const std::streamsize taken = std::streambuf::xsputn(text, size);
  if (live_ && std::memchr(text, '\n', static_cast<std::size_t>(size)) != nullptr && sync() != 0) return 0;
  return taken;
}

StandardOutput::int_type StandardOutput::overflow(int_type character) {
  if (sync() != 0) return traits_type::eof();
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  if (!traits_type::eq_int_type(character, traits_type::eof())) sputc(traits_type::to_char_type(character));
  return traits_type::not_eof(character);
}

int StandardOutput::sync() {
  const std::string_view text(pbase(), static_cast<std::size_t>(pptr() - pbase()));
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  try {
    if (failed_ == 0) failed_ = write_pieces(STDOUT_FILENO, text);
  } catch (const Error&) {  // the user interrupted: finish() reports it
    failed_ = EINTR;
  }
  return failed_ == 0 ? 0 : -1;
}

void StandardOutput::finish() {
  std::cout.flush();
  if (failed_ == 0 || failed_ == EPIPE) return;
  if (failed_ == EINTR) stop_if_interrupted();
  throw Error("cannot write to standard output").with("reason", std::strerror(failed_));
}

void print_result(std::string_view text) {
  if (output_was_closed) throw Error("cannot write to standard output").found("that it is closed");
  std::cout << text << std::flush;
  if (standing != nullptr) standing->finish();
}

}  // namespace lethe
