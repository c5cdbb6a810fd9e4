// Rows of .parquet files, through the optional component.
#include <array>

#include "core/component.h"
#include "core/error.h"
#include "core/input_file.h"
#include "data/parquet_component.h"
#include "data/row_source.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

const LetheParquet& component(const fs::path& wanted_by) {
  static const LetheParquet* loaded = nullptr;
  if (loaded != nullptr) return *loaded;
  const std::string missing =
      load_component("LETHE_PARQUET", "liblethe_parquet.so", "lethe_parquet", [](void*, void* entry) {
        const LetheParquet* offered = reinterpret_cast<const LetheParquet* (*)()>(entry)();
        if (offered->version == kParquetVersion) loaded = offered;
        return loaded != nullptr;
      });
  if (loaded != nullptr) return *loaded;
  throw bad_input("cannot read " + wanted_by.string())
      .with("needs", missing)
      .hint(
          "make parquet   (installs Apache Arrow, 60 MB, and builds the component); or convert the file: python -c "
          "\"import pandas; pandas.read_parquet('F.parquet').to_json('F.jsonl', orient='records', lines=True)\"");
}

class ParquetRows : public RowSource {
 public:
  ParquetRows(const fs::path& path, const ReadOptions& options)
      : path_(path), options_(options), component_(component(path)) {
    std::error_code none;
    if (fs::is_directory(path, none) || !fs::exists(path, none))
      throw bad_input("cannot read " + path.string())
          .wanted("a data file")
          .found(fs::exists(path) ? "a folder" : "none");
    std::array<char, 500> error{};
    const fs::path readable = readable_path(path);
    reader_ = Reader(component_.open(readable.c_str(), error.data(), error.size()), component_.close);
    if (reader_ == nullptr)
      throw bad_input("cannot read " + path.string()).wanted("a Parquet file").found(excerpt(error.data(), 300));
    for (const Json& name : parse_json(component_.columns(reader_.get()), path.string()))
      columns.push_back(name.get<std::string>());
  }

  std::optional<Row> next(ReadReport& report) override {
    const char* text = nullptr;
    std::size_t size = 0;
    while (true) {
      const int status = component_.next(reader_.get(), &text, &size);
      if (status == 0) return std::nullopt;
      if (status < 0) {
        throw bad_input("cannot read " + path_.string())
            .with("after", with_commas(row_) + " rows")
            .found(excerpt(component_.error(reader_.get()), 300))
            .hint("download the file again");
      }
      ++row_;
      ++report.rows;
      if (size > options_.max_row_bytes) {
        report.add_bad(row_, "a row of more than " + with_commas(options_.max_row_bytes) + " bytes");
        continue;
      }
      try {
        return Row{row_, parse_json({text, size}, "row " + std::to_string(row_))};
      } catch (const Error&) {
        report.add_bad(row_, "a text that is no UTF-8, or a column twice");
      }
    }
  }

 private:
  using Reader = std::unique_ptr<void, void (*)(void*)>;
  fs::path path_;
  ReadOptions options_;
  const LetheParquet& component_;
  Reader reader_{nullptr, nullptr};
  std::uint64_t row_ = 0;
};

}  // namespace

std::unique_ptr<RowSource> open_parquet(const fs::path& path, const ReadOptions& options) {
  return std::make_unique<ParquetRows>(path, options);
}

}  // namespace lethe
