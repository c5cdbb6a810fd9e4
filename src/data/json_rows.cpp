// Rows of .jsonl and .json files.
#include "core/error.h"
#include "data/row_source.h"

namespace lethe {
namespace {

constexpr int max_depth = 16;

bool is_blank(int byte) {
  return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/// Parses one row's text; what cannot be used goes into the report.
std::optional<Row> make_row(const std::string& text, std::uint64_t line, ReadReport& report,
                            std::vector<std::string>& columns) {
  ++report.rows;
  try {
    Row row{line, parse_json(text, "the row", max_depth)};
    if (row.fields.is_string()) row.fields = Json{{"text", std::move(row.fields)}};
    if (row.fields.is_object()) {
      if (columns.empty()) {
        for (const auto& field : row.fields.items()) columns.push_back(field.key());
      }
      return row;
    }
    report.add_bad(line, "wanted an object, found a JSON " + std::string(row.fields.type_name()));
  } catch (const Error& error) {
    // "cannot read the row as JSON\n  found  why": what follows the label is the reason.
    const std::string what = error.what();
    const auto at = what.find("found  ");
    report.add_bad(line, "no JSON: " + (at == std::string::npos ? what : what.substr(at + 7)));
  }
  return std::nullopt;
}

class JsonLines : public RowSource {
 public:
  JsonLines(const std::filesystem::path& path, const ReadOptions& options) : bytes_(path, options), options_(options) {}

  std::optional<Row> next(ReadReport& report) override {
    while (true) {
      const std::uint64_t line = bytes_.line();
      bool cut = false;
      if (!bytes_.read_line(text_, options_.max_row_bytes, cut)) return std::nullopt;
      if (cut) {
        ++report.rows;
        report.add_bad(line, "longer than " + with_commas(options_.max_row_bytes) + " bytes");
        continue;
      }
      if (text_.find_first_not_of(" \t\r") == std::string::npos) continue;
      if (auto row = make_row(text_, line, report, columns)) return row;
    }
  }

 private:
  ByteSource bytes_;
  ReadOptions options_;
  std::string text_;
};

/// Values one behind the other, or inside one array. A value's end is found by counting brackets outside strings, so
/// that only one value at a time is in memory, and a value that is no JSON spoils only itself.
class JsonValues : public RowSource {
 public:
  JsonValues(const std::filesystem::path& path, const ReadOptions& options) : bytes_(path, options), options_(options) {
    skip_blanks();
    array_ = bytes_.peek() == '[';
    if (array_) bytes_.get();
  }

  std::optional<Row> next(ReadReport& report) override {
    while (!done_) {
      skip_blanks();
      const int byte = bytes_.peek();
      if (array_) {
        if (byte == ']') {
          finish_array();
          break;
        }
        if (byte < 0) throw broken("an array that does not end");
        if (!first_) {
          if (byte != ',') throw broken("no comma between two rows");
          bytes_.get();
          skip_blanks();
        }
        first_ = false;
      } else if (byte < 0) {
        break;
      }
      const std::uint64_t line = bytes_.line();
      read_value();
      if (auto row = make_row(text_, line, report, columns)) return row;
    }
    done_ = true;
    return std::nullopt;
  }

 private:
  void skip_blanks() {
    while (is_blank(bytes_.peek())) bytes_.get();
  }

  Error broken(const std::string& found) const {
    return bad_input("cannot read " + bytes_.path().string())
        .with("line", with_commas(bytes_.line()))
        .wanted("a JSON array of rows, or a row a line")
        .found(found);
  }

  void finish_array() {
    bytes_.get();
    skip_blanks();
    if (bytes_.peek() >= 0) throw broken("more text behind the end of the array");
  }

  void read_value() {
    text_.clear();
    std::size_t depth = 0;
    bool in_string = false;
    while (true) {
      const int byte = bytes_.peek();
      if (byte < 0) {
        if (depth > 0 || in_string || text_.empty()) throw broken("a row that does not end");
        return;
      }
      if (!in_string && depth == 0) {
        const bool ends_scalar = byte == ',' || byte == ']' || byte == '}' || is_blank(byte);
        if (ends_scalar && !text_.empty()) return;
        if (ends_scalar) throw broken("'" + std::string(1, static_cast<char>(byte)) + "' where a row should begin");
      }
      if (text_.size() >= options_.max_row_bytes) {
        throw broken("a row longer than " + with_commas(options_.max_row_bytes) + " bytes");
      }
      text_ += static_cast<char>(bytes_.get());
      if (in_string) {
        if (byte == '\\') {
          const int escaped = bytes_.get();
          if (escaped >= 0) text_ += static_cast<char>(escaped);
        } else if (byte == '"') {
          in_string = false;
          if (depth == 0) return;
        }
      } else if (byte == '"') {
        in_string = true;
      } else if (byte == '{' || byte == '[') {
        ++depth;
      } else if (byte == '}' || byte == ']') {
        if (--depth == 0) return;
      }
    }
  }

  ByteSource bytes_;
  ReadOptions options_;
  std::string text_;
  bool array_ = false, first_ = true, done_ = false;
};

}  // namespace

std::unique_ptr<RowSource> open_json_lines(const std::filesystem::path& path, const ReadOptions& options) {
  return std::make_unique<JsonLines>(path, options);
}

std::unique_ptr<RowSource> open_json(const std::filesystem::path& path, const ReadOptions& options) {
  // A first line that is a whole object means JSON lines: there a broken row cannot swallow the next one.
  ByteSource probe(path, options);
  std::string text;
  bool cut = false;
  while (probe.read_line(text, options.max_row_bytes, cut)) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == std::string::npos) continue;
    if (text[begin] == '{' && !cut && Json::accept(text)) return open_json_lines(path, options);
    break;
  }
  return std::make_unique<JsonValues>(path, options);
}

}  // namespace lethe
