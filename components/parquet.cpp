// The optional Parquet component: rows of a file as JSON, through Apache Arrow (from the PyPI wheel pyarrow).
#include <arrow/api.h>
#include <arrow/io/file.h>
#include <parquet/arrow/reader.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "data/parquet_component.h"

namespace {

void append_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

template <class Number>
void append_number(std::string& out, Number value) {
  char digits[64];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_value(std::string& out, const arrow::Array& array, std::int64_t at, int depth);

// A broken file may hold offsets outside its texts or lists; Arrow does not check each.
void check_range(std::int64_t begin, std::int64_t count, std::int64_t size) {
  if (begin < 0 || count < 0 || begin > size || count > size - begin) throw std::runtime_error("offsets out of range");
}

template <class Texts>
void append_text_at(std::string& out, const arrow::Array& array, std::int64_t at) {
  const auto& texts = static_cast<const Texts&>(array);
  const std::int64_t size = texts.value_data() == nullptr ? 0 : texts.value_data()->size();
  check_range(texts.value_offset(at), texts.value_length(at), size);
  append_text(out, texts.value_length(at) == 0 ? std::string_view() : texts.GetView(at));
}

template <class List>
void append_list(std::string& out, const arrow::Array& array, std::int64_t at, int depth) {
  const auto& list = static_cast<const List&>(array);
  const std::int64_t begin = list.value_offset(at), count = list.value_length(at);
  check_range(begin, count, list.values()->length());
  out += '[';
  for (std::int64_t i = begin; i < begin + count; ++i) {
    if (i > begin) out += ',';
    append_value(out, *list.values(), i, depth + 1);
  }
  out += ']';
}

void append_struct(std::string& out, const arrow::StructArray& array, std::int64_t at, int depth) {
  out += '{';
  for (int i = 0; i < array.num_fields(); ++i) {
    if (i > 0) out += ',';
    append_text(out, array.type()->field(i)->name());
    out += ':';
    append_value(out, *array.field(i), at, depth + 1);
  }
  out += '}';
}

void append_value(std::string& out, const arrow::Array& array, std::int64_t at, int depth) {
  using arrow::Type;
  if (array.IsNull(at) || depth > 50) {
    out += "null";
    return;
  }
#define WHOLE(id, Kind) \
  case Type::id:        \
    return append_number(out, static_cast<const arrow::Kind&>(array).Value(at))
#define REAL(id, Kind)                                                                  \
  case Type::id: {                                                                      \
    const auto value = static_cast<const arrow::Kind&>(array).Value(at);                \
    return std::isfinite(value) ? append_number(out, value) : (void)out.append("null"); \
  }
  switch (array.type_id()) {
    WHOLE(INT8, Int8Array);
    WHOLE(INT16, Int16Array);
    WHOLE(INT32, Int32Array);
    WHOLE(INT64, Int64Array);
    WHOLE(UINT8, UInt8Array);
    WHOLE(UINT16, UInt16Array);
    WHOLE(UINT32, UInt32Array);
    WHOLE(UINT64, UInt64Array);
    REAL(FLOAT, FloatArray)
    REAL(DOUBLE, DoubleArray)
    case Type::BOOL:
      out += static_cast<const arrow::BooleanArray&>(array).Value(at) ? "true" : "false";
      return;
    case Type::STRING:
      return append_text_at<arrow::StringArray>(out, array, at);
    case Type::LARGE_STRING:
      return append_text_at<arrow::LargeStringArray>(out, array, at);
    case Type::STRING_VIEW:
      return append_text(out, static_cast<const arrow::StringViewArray&>(array).GetView(at));
    case Type::LIST:
      return append_list<arrow::ListArray>(out, array, at, depth);
    case Type::LARGE_LIST:
      return append_list<arrow::LargeListArray>(out, array, at, depth);
    case Type::FIXED_SIZE_LIST:
      return append_list<arrow::FixedSizeListArray>(out, array, at, depth);
    case Type::STRUCT:
      return append_struct(out, static_cast<const arrow::StructArray&>(array), at, depth);
    case Type::DICTIONARY: {
      const auto& coded = static_cast<const arrow::DictionaryArray&>(array);
      check_range(coded.GetValueIndex(at), 1, coded.dictionary()->length());
      return append_value(out, *coded.dictionary(), coded.GetValueIndex(at), depth + 1);
    }
    case Type::BINARY:
    case Type::LARGE_BINARY:
    case Type::FIXED_SIZE_BINARY:
      out += "null";
      return;   // images and the like: no text
    default: {  // times, decimals: as Arrow prints them
      const auto scalar = array.GetScalar(at);
      return append_text(out, scalar.ok() ? (*scalar)->ToString() : "");
    }
  }
#undef WHOLE
#undef REAL
}

struct Reader {
  std::unique_ptr<parquet::arrow::FileReader> file;
  std::shared_ptr<arrow::RecordBatchReader> batches;
  std::shared_ptr<arrow::RecordBatch> batch;
  std::int64_t at = 0;
  std::string columns, row, error;
};

template <class T>
T taken(arrow::Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.status().ToString());
  return std::move(result).ValueUnsafe();
}

void* open_file(const char* path, char* error, std::size_t size) {
  try {
    auto reader = std::make_unique<Reader>();
    parquet::arrow::FileReaderBuilder builder;
    const arrow::Status opened = builder.Open(taken(arrow::io::ReadableFile::Open(path)));
    if (!opened.ok()) throw std::runtime_error(opened.ToString());
    parquet::ArrowReaderProperties properties;
    properties.set_batch_size(1024);
    properties.set_use_threads(false);
    builder.properties(properties);
    reader->file = taken(builder.Build());
    reader->batches = taken(reader->file->GetRecordBatchReader());
    reader->columns = "[";
    for (const auto& field : reader->batches->schema()->fields()) {
      if (reader->columns.size() > 1) reader->columns += ',';
      append_text(reader->columns, field->name());
    }
    reader->columns += "]";
    return reader.release();
  } catch (const std::exception& problem) {
    std::strncpy(error, problem.what(), size - 1);
    error[size - 1] = 0;
    return nullptr;
  }
}

const char* columns_of(void* reader) {
  return static_cast<Reader*>(reader)->columns.c_str();
}

int next_row(void* opaque, const char** text, std::size_t* size) {
  auto& reader = *static_cast<Reader*>(opaque);
  try {
    while (reader.batch == nullptr || reader.at == reader.batch->num_rows()) {
      reader.batch = taken(reader.batches->Next());
      reader.at = 0;
      if (reader.batch == nullptr) return 0;
      if (const arrow::Status status = reader.batch->Validate(); !status.ok())
        throw std::runtime_error(status.ToString());
    }
    reader.row = "{";
    for (int i = 0; i < reader.batch->num_columns(); ++i) {
      if (i > 0) reader.row += ',';
      append_text(reader.row, reader.batch->column_name(i));
      reader.row += ':';
      append_value(reader.row, *reader.batch->column(i), reader.at, 0);
    }
    reader.row += '}';
    ++reader.at;
    *text = reader.row.data();
    *size = reader.row.size();
    return 1;
  } catch (const std::exception& problem) {
    reader.error = problem.what();
    return -1;
  }
}

const char* error_of(void* reader) {
  return static_cast<Reader*>(reader)->error.c_str();
}
void close_file(void* reader) {
  delete static_cast<Reader*>(reader);
}

}  // namespace

extern "C" __attribute__((visibility("default"))) const LetheParquet* lethe_parquet() {
  static const LetheParquet offered = {lethe::kParquetVersion, open_file, columns_of, next_row, error_of, close_file};
  return &offered;
}
