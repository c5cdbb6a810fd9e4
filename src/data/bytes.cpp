#include "data/bytes.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/error.h"
#include "core/input_file.h"
#include "data/foreign_files.h"

namespace lethe {
namespace {

constexpr std::size_t kLargestPiece = std::size_t{1} << 18;

// Bytes to read at a time. Small files get a small buffer, compressed or not.
std::size_t piece_of(const std::filesystem::path& path) {
  std::error_code none;
  const auto size = std::filesystem::file_size(path, none);
  return none ? kLargestPiece : std::clamp<std::uintmax_t>(8 * size, 1 << 12, kLargestPiece);
}

/// The encoding, such as "UTF-16 (byte order mark)"; "" for single-byte text.
std::string wide_encoding(std::string_view begin) {
  using namespace std::string_view_literals;
  if (begin.starts_with("\xFF\xFE\0\0"sv) || begin.starts_with("\0\0\xFE\xFF"sv)) return "UTF-32 (byte order mark)";
  if (begin.starts_with("\xFF\xFE"sv) || begin.starts_with("\xFE\xFF"sv)) return "UTF-16 (byte order mark)";
  // Without a byte order mark: in UTF-16, most letters have a zero byte, always in the same half.
  const std::size_t pairs = std::min<std::size_t>(begin.size(), 512) / 2;
  std::size_t zeros[2] = {0, 0};
  for (std::size_t i = 0; i < 2 * pairs; ++i) zeros[i % 2] += begin[i] == '\0';
  if (pairs < 4) return "";
  if (3 * zeros[1] > pairs && zeros[0] * 20 < pairs) return "UTF-16LE (every other byte is zero)";
  if (3 * zeros[0] > pairs && zeros[1] * 20 < pairs) return "UTF-16BE (every other byte is zero)";
  return "";
}

gzFile as_gz(void* file) {
  return static_cast<gzFile>(file);
}

}  // namespace

void ByteSource::Close::operator()(void* file) const {
  gzclose(as_gz(file));
}

ByteSource::ByteSource(const std::filesystem::path& path, const ReadOptions& options)
    : path_(path), options_(options), buffer_(piece_of(path)) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    throw bad_input("cannot read " + path.string()).wanted("a data file").found("a folder");
  }
  const std::filesystem::path readable = readable_path(path);  // a pipe is copied, so that it can be read repeatedly
  errno = 0;
  file_.reset(gzopen(readable.c_str(), "rb"));
  if (!file_) throw bad_input("cannot read " + path.string()).found(errno ? std::strerror(errno) : "out of memory");
  gzbuffer(as_gz(file_.get()), static_cast<unsigned>(buffer_.size()));
  if (!fill()) return;
  if (end_ >= 3 && buffer_[0] == 0xEF && buffer_[1] == 0xBB && buffer_[2] == 0xBF) at_ = 3;
  if (const std::string encoding = wide_encoding(ahead()); !encoding.empty()) {
    throw bad_input("cannot read " + path.string())
        .wanted("UTF-8")
        .found(encoding)
        .hint("iconv -f " + encoding.substr(0, encoding.find(' ')) + " -t UTF-8 FILE > FILE.utf8");
  }
  // Checks the decompressed bytes.
  if (const auto foreign = foreign_by_content(ahead().substr(0, kTellingBytes), path)) {
    Error error = bad_input("cannot read " + path.string());
    error.wanted("rows of text").found(foreign->what);
    if (!foreign->advice.empty()) error.hint(foreign->advice);
    throw error;
  }
}

ByteSource::~ByteSource() = default;

bool ByteSource::fill() {
  const gzFile file = as_gz(file_.get());
  const int got = gzread(file, buffer_.data(), static_cast<unsigned>(buffer_.size()));
  int status = Z_OK;
  const char* why = gzerror(file, &status);
  if (got < 0 || (status != Z_OK && status != Z_STREAM_END)) {
    Error error = bad_input("cannot read " + path_.string());
    if (status == Z_ERRNO) throw error.found(std::strerror(errno));
    throw error.with("after", with_commas(total_) + " bytes of text")
        .found(status == Z_BUF_ERROR ? "compressed data that end too early" : "broken compressed data: " + excerpt(why))
        .hint("download the file again");
  }
  at_ = 0;
  end_ = static_cast<std::size_t>(got);
  total_ += end_;
  if (!gzdirect(file) && total_ > options_.expansion_free) {
    const z_off_t in = gzoffset(file);
    if (in > 0 && static_cast<double>(total_) > options_.max_expansion * static_cast<double>(in)) {
      throw bad_input("cannot read " + path_.string())
          .wanted("at most " + std::to_string(static_cast<int>(options_.max_expansion)) +
                  " bytes of text for a byte of gzip")
          .found(with_commas(total_) + " bytes out of " + with_commas(static_cast<std::uint64_t>(in)))
          .hint("if this is really your data, uncompress it first");
    }
  }
  return end_ > 0;
}

bool ByteSource::read_line(std::string& text, std::size_t limit, bool& cut) {
  text.clear();
  cut = false;
  if (peek() < 0) return false;
  while (at_ < end_ || fill()) {
    const unsigned char* begin = buffer_.data() + at_;
    const auto find = [&](char byte, std::size_t within) {
      const void* found = std::memchr(begin, byte, within);
      return found ? static_cast<std::size_t>(static_cast<const unsigned char*>(found) - begin) : within;
    };
    const std::size_t left = end_ - at_;
    const std::size_t length = find('\r', find('\n', left));
    const std::size_t room = limit - text.size();
    text.append(reinterpret_cast<const char*>(begin), std::min(length, room));
    cut = cut || length > room;
    at_ += length;
    if (length == left) continue;
    const int end = get();
    if (end == '\r' && peek() == '\n') get();
    break;
  }
  return true;
}

}  // namespace lethe
