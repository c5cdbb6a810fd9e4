#include "data/readers.h"

#include <algorithm>

#include "core/error.h"
#include "core/input_file.h"
#include "core/interrupt.h"
#include "data/bytes.h"
#include "data/foreign_files.h"
#include "data/row_source.h"

namespace lethe {
namespace {

std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return text;
}

// A pipe, `<(…)` or standard input, has no name to go by.
std::unique_ptr<RowSource> open_pipe(const std::filesystem::path& path, const ReadOptions& options) {
  ByteSource bytes(path, options);
  int first = bytes.get();
  while (first == ' ' || first == '\t' || first == '\r' || first == '\n') first = bytes.get();
  if (first == '{' || first == '[') return open_json(path, options, true);
  const bool parquet = first == 'P' && bytes.get() == 'A' && bytes.get() == 'R' && bytes.get() == '1';
  return parquet ? open_parquet(path, options) : open_csv(path, options, ',');
}

std::unique_ptr<RowSource> open(const std::filesystem::path& path, const ReadOptions& options) {
  std::string name = lower_case(path.filename().string());
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  const auto ends_in = [&](std::initializer_list<const char*> endings) {
    return std::any_of(endings.begin(), endings.end(), [&](const char* ending) { return name.ends_with(ending); });
  };
  const bool is_lines = ends_in({".jsonl", ".ndjson", ".jsonlines"});
  const bool is_known = is_lines || ends_in({".json", ".csv", ".tsv", ".parquet"});
  // /dev/stdin names no format, even if it is a file. Other non-files are not opened yet.
  const bool is_descriptor = descriptor_named_by(path) >= 0;
  std::error_code none;
  refuse_foreign(path, !is_known && !is_descriptor && std::filesystem::is_regular_file(path, none));
  const bool is_nameless = is_descriptor || readable_path(path) != path;
  if (is_nameless && !is_known) return open_pipe(path, options);
  if (is_lines) return open_json(path, options, true);
  if (ends_in({".json"})) return open_json(path, options, false);
  if (ends_in({".csv"})) return open_csv(path, options, ',');
  if (ends_in({".tsv"})) return open_csv(path, options, '\t');
  if (ends_in({".parquet"})) return open_parquet(path, options);
  throw bad_input("cannot read " + path.string())
      .wanted(".jsonl, .json, .csv or .tsv, plain or with .gz after it, or .parquet")
      .found("a file with another name")
      .hint("rename it after what it holds");
}

}  // namespace

RowReader::RowReader(const std::filesystem::path& path, const ReadOptions& options)
    : path_(path), source_(open(path, options)) {}
RowReader::~RowReader() = default;
RowReader::RowReader(RowReader&&) noexcept = default;

std::optional<Row> RowReader::next() {
  stop_if_interrupted();
  return source_->next(report_);
}

const std::vector<std::string>& RowReader::columns() const {
  return source_->columns;
}

}  // namespace lethe
