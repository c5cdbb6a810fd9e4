// Rows of .csv files (RFC 4180): quoted fields may hold separators, quotes ("") and newlines. As in spreadsheet
// exports, the separator may also be ';', a tab or '|', and lines may end in CR.
#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "core/error.h"
#include "core/trimmed.h"
#include "data/bytes.h"
#include "data/fields.h"
#include "data/row_source.h"
#include "data/words.h"

namespace lethe {
namespace {

constexpr std::size_t max_columns = 10'000;

class CsvRows : public RowSource {
 public:
  CsvRows(const std::filesystem::path& path, const ReadOptions& options, char separator)
      : bytes_(path, options), options_(options), separator_(separator) {
    if (!options.columns.empty()) {
      columns = options.columns;
      cr_ends_ = false;
      return;
    }
    choose_separator();
    if (!read_record()) {
      throw bad_input("cannot read " + path.string()).wanted("a line of column names").found("an empty file");
    }
    if (!problem_.empty()) throw bad_header(problem_);
    std::set<std::string> seen;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      std::string name(trimmed(fields_[i]));
      if (name.empty()) name = "column " + std::to_string(i + 1);
      if (!is_utf8(name)) throw bad_header("a name that is no UTF-8: " + excerpt(printable(name)));
      if (!seen.insert(name).second) throw bad_header("the name \"" + excerpt(name) + "\" twice");
      columns.push_back(std::move(name));
    }
    cr_ends_ = ended_by_cr_;
  }

  std::optional<Row> next(ReadReport& report) override {
    while (read_record()) {
      ++report.rows;
      // Spreadsheets write separators after the last field.
      while (fields_.size() > columns.size() && fields_.back().empty()) fields_.pop_back();
      if (problem_.empty() && fields_.size() != columns.size()) {
        problem_ = "wanted " + std::to_string(columns.size()) + " fields, found " + std::to_string(fields_.size());
      }
      Row row{begin_, Json::object()};
      for (std::size_t i = 0; i < fields_.size() && problem_.empty(); ++i) {
        if (!is_utf8(fields_[i])) problem_ = "no UTF-8 in column '" + excerpt(columns[i]) + "'";
        row.fields[columns[i]] = std::move(fields_[i]);
      }
      if (problem_.empty()) return row;
      report.add_bad(begin_, problem_);
    }
    return std::nullopt;
  }

 private:
  Error bad_header(const std::string& found) const {
    return bad_input("cannot read the column names of " + bytes_.path().string())
        .wanted("names separated by '" + (separator_ == '\t' ? std::string("\\t") : std::string(1, separator_)) + "'")
        .found(found);
  }
  static std::string printable(std::string text) {
    for (char& c : text) {
      if (static_cast<unsigned char>(c) >= 0x80) c = '?';
    }
    return text;
  }

  /// Takes the separator from a first line "sep=;" (Excel), or the most frequent one in the header.
  void choose_separator() {
    const std::string_view begin = bytes_.ahead();
    if (begin.size() > 5 && begin.starts_with("sep=") && (begin[5] == '\n' || begin[5] == '\r')) {
      separator_ = static_cast<unsigned char>(begin[4]);
      std::string line;
      bool cut = false;
      bytes_.read_line(line, 100, cut);
      return;
    }
    std::map<char, std::size_t> counts;
    bool quoted = false;
    const std::size_t first = std::min(begin.find_first_not_of("\r\n"), begin.size());
    for (const char c : begin.substr(first)) {
      if (c == '"') quoted = !quoted;
      if (quoted) continue;
      if (c == '\n' || c == '\r') break;
      ++counts[c];
    }
    char most = static_cast<char>(separator_);
    for (const char candidate : {',', ';', '\t', '|'}) {
      if (counts[candidate] > counts[most]) most = candidate;
    }
    separator_ = static_cast<unsigned char>(most);
  }

  /// Reads one record into fields_; an error goes into problem_. False at the end of the file.
  bool read_record() {
    while (bytes_.peek() == '\n' || bytes_.peek() == '\r') bytes_.get();  // skips empty lines
    if (bytes_.peek() < 0) return false;
    begin_ = bytes_.line();
    fields_.clear();
    problem_.clear();
    std::size_t size = 0;
    while (true) {
      std::string field;
      const int stop = read_field(field, size);
      if (fields_.size() < max_columns) {
        fields_.push_back(std::move(field));
      } else {
        problem_ = "more than " + with_commas(max_columns) + " fields";
      }
      if (stop != separator_) return true;
    }
  }

  /// Reads one field. @return what ends it: the separator, '\n', or -1
  int read_field(std::string& field, std::size_t& size) {
    bool quoted = bytes_.peek() == '"';
    if (quoted) bytes_.get();
    while (true) {
      const int byte = bytes_.get();
      if (byte < 0) {
        if (quoted) problem_ = "a quoted field that does not end before the end of the file";
        return -1;
      }
      if (++size > options_.max_row_bytes) {
        throw bad_input("cannot read " + bytes_.path().string())
            .with("line", with_commas(begin_))
            .wanted("at most " + with_commas(options_.max_row_bytes) + " bytes a row")
            .found("more")
            .hint("look for a quotation mark that is never closed");
      }
      if (quoted) {
        if (byte != '"') {
          field += static_cast<char>(byte);
        } else if (bytes_.peek() == '"') {
          field += '"';
          bytes_.get();
        } else {
          quoted = false;
          const int after = bytes_.peek();
          if (after >= 0 && after != separator_ && after != '\n' && after != '\r') {
            problem_ = "text after the closing quotation mark of a field";
          }
        }
        continue;
      }
      if (byte == separator_) return byte;
      if (byte == '\n') {
        ended_by_cr_ = false;
        return byte;
      }
      if (byte == '\r') {
        const int after = bytes_.peek();
        if (after == '\n' || after < 0) continue;
        if (cr_ends_) {
          ended_by_cr_ = true;
          return '\n';
        }
      }
      field += static_cast<char>(byte);
    }
  }

  ByteSource bytes_;
  ReadOptions options_;
  int separator_;
  bool cr_ends_ = true, ended_by_cr_ = false;  // a lone CR ends a line if it ends the header
  std::uint64_t begin_ = 1;
  std::vector<std::string> fields_;
  std::string problem_;
};

}  // namespace

std::unique_ptr<RowSource> open_csv(const std::filesystem::path& path, const ReadOptions& options, char separator) {
  return std::make_unique<CsvRows>(path, options, separator);
}

}  // namespace lethe
