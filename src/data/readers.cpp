#include "data/readers.h"

#include <algorithm>

#include "core/error.h"
#include "core/input_file.h"
#include "data/bytes.h"
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
  if (first == '{' || first == '[') return open_json(path, options);
  const bool parquet = first == 'P' && bytes.get() == 'A' && bytes.get() == 'R' && bytes.get() == '1';
  return parquet ? open_parquet(path, options) : open_csv(path, options, ',');
}

std::unique_ptr<RowSource> open(const std::filesystem::path& path, const ReadOptions& options) {
  std::string name = lower_case(path.filename().string());
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  if (name.ends_with(".jsonl") || name.ends_with(".ndjson")) return open_json_lines(path, options);
  if (name.ends_with(".json")) return open_json(path, options);
  if (name.ends_with(".csv")) return open_csv(path, options, ',');
  if (name.ends_with(".tsv")) return open_csv(path, options, '\t');
  if (name.ends_with(".parquet")) return open_parquet(path, options);
  if (readable_path(path) != path) return open_pipe(path, options);
  Error error = bad_input("cannot read " + path.string());
  error.wanted(".jsonl, .json, .csv or .tsv, plain or with .gz behind it, or .parquet");
  for (const char* packed : {".zst", ".xz", ".bz2", ".zip"}) {
    if (name.ends_with(packed)) throw error.found("a file packed as " + std::string(packed)).hint("unpack it first");
  }
  throw error.found("a file with another name").hint("rename it after what it holds");
}

}  // namespace

void ReadReport::add_bad(std::uint64_t line, std::string why) {
  ++bad_rows;
  if (bad.size() < kept) bad.push_back({line, std::move(why)});
}

RowReader::RowReader(const std::filesystem::path& path, const ReadOptions& options)
    : path_(path), source_(open(path, options)) {}
RowReader::~RowReader() = default;
RowReader::RowReader(RowReader&&) noexcept = default;

std::optional<Row> RowReader::next() {
  return source_->next(report_);
}

const std::vector<std::string>& RowReader::columns() const {
  return source_->columns;
}

}  // namespace lethe
