// Rows of .jsonl and .json files.
#include <algorithm>
#include <array>
#include <unordered_set>

#include "core/error.h"
#include "data/bytes.h"
#include "data/chat_rows.h"
#include "data/row_source.h"

namespace lethe {
namespace {

constexpr int max_depth = 16;
constexpr std::size_t max_columns_named = 200;
// Keys under which an object holds the rows of a file.
constexpr std::array kRowLists{"data",  "rows", "examples", "instances",  "records", "items",
                               "train", "test", "samples",  "validation", "dataset", "entries"};

bool is_blank_byte(int byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/// The text with null for NaN, Infinity and -Infinity outside strings, which Python writes although JSON forbids them.
/// "" if there are none.
std::string without_nan(std::string_view text) {
  std::string fixed;
  std::size_t copied = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
      continue;
    }
    in_string = c == '"';
    if (c != 'N' && c != 'I' && c != '-') continue;
    for (const std::string_view word : {"NaN", "Infinity", "-Infinity"}) {
      if (!text.substr(i).starts_with(word)) continue;
      fixed.append(text.substr(copied, i - copied)).append("null");
      i += word.size() - 1;
      copied = i + 1;
      break;
    }
  }
  return copied == 0 ? "" : fixed.append(text.substr(copied));
}

Json parse_row(std::string_view text) {
  try {
    return parse_json(text, "the row", max_depth);
  } catch (const Error&) {
    const std::string fixed = without_nan(text);
    if (fixed.empty()) throw;
    return parse_json(fixed, "the row", max_depth);
  }
}

bool is_whole(std::string_view text) {
  if (Json::accept(text)) return true;
  const std::string fixed = without_nan(text);
  return !fixed.empty() && Json::accept(fixed);
}

/// Whether the text is the beginning of a JSON value that continues.
bool is_unfinished(std::string_view text) {
  try {
    parse_row(text);
    return false;
  } catch (const Error& error) {
    return std::string_view(error.what()).find("unexpected end of input") != std::string_view::npos;
  }
}

/// Parses rows. Unusable rows go into the report.
class RowMaker {
 public:
  std::optional<Row> make(const std::string& text, std::uint64_t line, ReadReport& report,
                          std::vector<std::string>& columns) {
    ++report.rows;
    try {
      Row row{line, parse_row(text)};
      if (row.fields.is_string()) row.fields = Json{{"text", std::move(row.fields)}};
      // A line may be a bare list of chat messages.
      if (row.fields.is_array() && as_messages(row.fields, "")) row.fields = Json{{"messages", std::move(row.fields)}};
      if (row.fields.is_object()) {
        for (auto field = row.fields.begin(); field != row.fields.end() && columns.size() < max_columns_named;
             ++field) {
          if (known_.insert(field.key()).second) columns.push_back(field.key());
        }
        return row;
      }
      report.add_bad(line, "wanted an object, found a JSON " + std::string(row.fields.type_name()));
    } catch (const Error& error) {
      // "cannot read the row as JSON\n  found  why": the reason follows the label.
      const std::string what = error.what();
      const auto at = what.find("found  ");
      report.add_bad(line, "no JSON: " + (at == std::string::npos ? what : what.substr(at + 7)));
    }
    return std::nullopt;
  }

 private:
  std::unordered_set<std::string> known_;
};

class JsonLines : public RowSource {
 public:
  JsonLines(std::unique_ptr<ByteSource> bytes, const ReadOptions& options)
      : bytes_(std::move(bytes)), options_(options) {}

  std::optional<Row> next(ReadReport& report) override {
    while (true) {
      const std::uint64_t line = bytes_->line();
      bool cut = false;
      if (!bytes_->read_line(text_, options_.max_row_bytes, cut)) return std::nullopt;
      if (cut) {
        ++report.rows;
        report.add_bad(line, "longer than " + with_commas(options_.max_row_bytes) + " bytes");
        continue;
      }
      if (text_.find_first_not_of(" \t\r") == std::string::npos) continue;
      if (auto row = maker_.make(text_, line, report, columns)) return row;
    }
  }

 private:
  std::unique_ptr<ByteSource> bytes_;
  ReadOptions options_;
  RowMaker maker_;
  std::string text_;
};

/// Tracks brackets and strings, byte by byte.
class Nesting {
 public:
  void add(int byte) {
    if (escaped_) {
      escaped_ = false;
    } else if (in_string_) {
      escaped_ = byte == '\\';
      in_string_ = byte != '"';
    } else if (byte == '"') {
      in_string_ = true;
    } else if (byte == '{' || byte == '[') {
      ++depth_;
    } else if (byte == '}' || byte == ']') {
      --depth_;
    }
  }
  bool in_string() const { return in_string_; }
  std::size_t depth() const { return depth_; }
  bool is_outside() const { return depth_ == 0 && !in_string_; }

 private:
  std::size_t depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

/// Finds the beginning of a list of rows in the bytes of an object: `{"version": 1, "data": [{`.
class RowListFinder {
 public:
  /// @return true at the byte that begins the first row
  bool add(int byte) {
    const bool was_in_string = nesting_.in_string();
    nesting_.add(byte);
    if (was_in_string) {
      if (nesting_.in_string() && key_.size() < 20) key_ += static_cast<char>(byte);
      return false;
    }
    if (is_blank_byte(byte)) return false;
    const State before = state_;
    state_ = State::other;
    if (byte == '"') key_.clear();
    if (byte == '{' && before == State::list) return true;
    if (byte == '[' && before == State::colon) state_ = State::list;
    if (byte == ':' && nesting_.depth() == 1 && std::find(kRowLists.begin(), kRowLists.end(), key_) != kRowLists.end())
      state_ = State::colon;
    return false;
  }

 private:
  enum class State { other, colon, list };
  State state_ = State::other;
  std::string key_;
  Nesting nesting_;
};

/// Reads values one after another, or in one array. It finds a value's end by counting brackets outside strings. So
/// only one value is in memory at a time, and a malformed value does not affect the others.
class JsonValues : public RowSource {
 public:
  JsonValues(std::unique_ptr<ByteSource> bytes, const ReadOptions& options)
      : bytes_(std::move(bytes)), options_(options) {
    skip_blanks();
    array_ = bytes_->peek() == '[';
    if (array_) bytes_->get();
  }

  std::optional<Row> next(ReadReport& report) override {
    while (!done_) {
      skip_blanks();
      const int byte = bytes_->peek();
      if (array_) {
        if (byte == ']') {
          finish_array();
          break;
        }
        if (byte < 0) throw broken("an array that does not end");
        if (!first_) {
          if (byte != ',') throw broken("no comma between two rows");
          bytes_->get();
          skip_blanks();
        }
      } else if (byte < 0) {
        break;
      }
      const std::uint64_t line = bytes_->line();
      const bool may_hold_rows = first_ && !array_;
      first_ = false;
      if (!read_value(may_hold_rows)) continue;
      if (auto row = maker_.make(text_, line, report, columns)) return row;
    }
    done_ = true;
    return std::nullopt;
  }

 private:
  void skip_blanks() {
    while (is_blank_byte(bytes_->peek())) bytes_->get();
  }

  Error broken(const std::string& found) const {
    return bad_input("cannot read " + bytes_->path().string())
        .with("line", with_commas(bytes_->line()))
        .wanted("a JSON array of rows, or a row a line")
        .found(found);
  }

  /// Reads what follows a list of rows: the rest of the file, or of the surrounding object.
  void finish_array() {
    bytes_->get();
    skip_blanks();
    if (within_object_) skip_rest_of_object();
    if (bytes_->peek() >= 0) throw broken("more text after the end of the array");
  }

  void skip_rest_of_object() {
    if (bytes_->peek() == '}') {
      bytes_->get();
      skip_blanks();
      return;
    }
    if (bytes_->peek() != ',') throw broken("no comma after the list of rows");
    bytes_->get();
    // The rest is read as an object of its own, which may not contain another list.
    RowListFinder finder;
    finder.add('{');
    text_ = "{";
    read_object(&finder);
    skip_blanks();
  }

  /// Reads one value into text_. @return false if it was the beginning of an object with a list of rows
  bool read_value(bool may_hold_rows) {
    text_.clear();
    if (bytes_->peek() == '{') {
      RowListFinder finder;
      finder.add('{');
      text_ += static_cast<char>(bytes_->get());
      return read_object(may_hold_rows ? &finder : nullptr);
    }
    read_other();
    return true;
  }

  void append_next() {
    if (text_.size() >= options_.max_row_bytes)
      throw broken("a row longer than " + with_commas(options_.max_row_bytes) + " bytes");
    text_ += static_cast<char>(bytes_->get());
  }

  /// Reads the rest of an object, after its first bracket.
  bool read_object(RowListFinder* finder) {
    Nesting nesting;
    nesting.add('{');
    while (!nesting.is_outside()) {
      const int byte = bytes_->peek();
      if (byte < 0) throw broken("a row that does not end");
      if (finder != nullptr && finder->add(byte)) {
        if (within_object_) throw broken("a second list of rows; save the rows that you mean as .jsonl");
        array_ = first_ = within_object_ = true;
        return false;
      }
      append_next();
      nesting.add(byte);
    }
    return true;
  }

  void read_other() {
    Nesting nesting;
    while (true) {
      const int byte = bytes_->peek();
      if (byte < 0) {
        if (!nesting.is_outside() || text_.empty()) throw broken("a row that does not end");
        return;
      }
      if (nesting.is_outside()) {
        const bool ends_scalar = byte == ',' || byte == ']' || byte == '}' || is_blank_byte(byte);
        if (ends_scalar && !text_.empty()) return;
        if (ends_scalar) throw broken("'" + std::string(1, static_cast<char>(byte)) + "' where a row should begin");
      }
      append_next();
      const bool was_outside = nesting.is_outside();
      nesting.add(byte);
      if (!was_outside && nesting.is_outside()) return;
    }
  }

  std::unique_ptr<ByteSource> bytes_;
  ReadOptions options_;
  RowMaker maker_;
  std::string text_;
  bool array_ = false, within_object_ = false, first_ = true, done_ = false;
};

bool holds_row_list(std::string_view text) {
  RowListFinder finder;
  return std::any_of(text.begin(), text.end(), [&](char c) { return finder.add(static_cast<unsigned char>(c)); });
}

/// Whether to read a file with this beginning value by value. Otherwise it is read line by line, where a malformed row
/// cannot swallow the next one.
bool reads_as_values(std::string_view begin, bool named_lines) {
  const std::size_t start = begin.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return false;
  begin.remove_prefix(start);
  const std::size_t end = std::min(begin.find_first_of("\r\n"), begin.size());
  const std::string_view line = begin.substr(0, end);
  const std::size_t second = begin.find_first_not_of(" \t\r\n", end);
  const bool is_alone = second == std::string_view::npos;
  if (line[0] == '[') return is_alone || !is_whole(line);
  if (line[0] != '{') return !named_lines;
  if (is_whole(line)) return is_alone && holds_row_list(line);
  if (!named_lines || holds_row_list(begin)) return true;
  if (is_alone || end == begin.size()) return false;
  // A row over several lines: its first two lines are an unfinished value.
  return is_unfinished(begin.substr(0, std::min(begin.find_first_of("\r\n", second), begin.size())));
}

}  // namespace

std::unique_ptr<RowSource> open_json(const std::filesystem::path& path, const ReadOptions& options, bool named_lines) {
  auto bytes = std::make_unique<ByteSource>(path, options);
  if (reads_as_values(bytes->ahead(), named_lines)) return std::make_unique<JsonValues>(std::move(bytes), options);
  return std::make_unique<JsonLines>(std::move(bytes), options);
}

}  // namespace lethe
