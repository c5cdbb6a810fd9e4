#include "cli/side_by_side.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>

#include "core/plain_text.h"
#include "core/utf8.h"

namespace lethe {
namespace {

std::size_t columns_of(std::string_view character) {
  return static_cast<std::size_t>(
      std::max(0, utf8proc_charwidth(static_cast<utf8proc_int32_t>(code_point(character)))));
}

}  // namespace

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view character = text.substr(at, character_length(text[at]));
    at += character.size();
    width += columns_of(character);
  }
  return width;
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  const std::string plain = terminal_text(text);
  std::vector<std::string> lines(1);
  std::size_t used = 0;  // columns of the last line
  for (std::size_t at = 0; at < plain.size();) {
    std::string_view character = std::string_view(plain).substr(at, character_length(plain[at]));
    at += character.size();
    if (character == "\n") {
      lines.emplace_back();
      used = 0;
      continue;
    }
    if (character == "\t") character = " ";
    const std::size_t columns = columns_of(character);
    if (used + columns > width && used > 0) {
      std::string& line = lines.back();
      const std::size_t space = line.rfind(' ');
      std::string carried;
      if (character != " " && space != std::string::npos && space > 0) {
        carried = line.substr(space + 1);
        line.erase(space);
      }
      lines.push_back(carried);
      used = display_width(carried);
      if (character == " ") continue;
    }
    lines.back() += character;
    used += columns;
  }
  return lines;
}

std::string side_by_side(std::string_view left, std::string_view right, std::size_t width) {
  const std::size_t column = width > 3 ? (width - 3) / 2 : 1;
  const std::vector<std::string> a = wrapped(left, column), b = wrapped(right, column);
  std::string text;
  for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i) {
    const std::string here = i < a.size() ? a[i] : "";
    text += here + std::string(column - std::min(column, display_width(here)), ' ') + " │ " +
            (i < b.size() ? b[i] : "") + "\n";
  }
  return text;
}

std::size_t terminal_width() {
  struct winsize size {};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace lethe
