#include "formats/safetensors.h"

#include <algorithm>
#include <cstring>

#include "core/error.h"
#include "core/json.h"

namespace lethe {
namespace {

constexpr std::uint64_t kLargestHeader = 100'000'000;
constexpr std::uint64_t kLargestTensor = std::uint64_t{1} << 60;

Error broken(const std::filesystem::path& path) {
  return bad_input("cannot load " + path.string());
}

std::string range_text(std::uint64_t begin, std::uint64_t end) {
  return "bytes " + with_commas(begin) + " … " + with_commas(end);
}

StoredTensor read_entry(const std::filesystem::path& path, const std::string& name, const Json& entry) {
  const auto wrong = [&](const std::string& wanted, const Json& found) {
    return broken(path).with("tensor", excerpt(name)).wanted(wanted).found(excerpt(dump_json(found)));
  };
  if (!entry.is_object()) throw wrong("an object", entry);
  const Json type = entry.value("dtype", Json()), shape = entry.value("shape", Json()),
             offsets = entry.value("data_offsets", Json());
  StoredTensor tensor;
  tensor.name = name;
  const auto dtype = type.is_string() ? dtype_named(type.get<std::string>()) : std::nullopt;
  if (!dtype) throw wrong("a known dtype", type);
  tensor.type = *dtype;
  if (!shape.is_array() || shape.size() > 16) throw wrong("a shape", shape);
  std::uint64_t bytes = size_of(tensor.type);
  std::uint64_t strides = bytes;  // the product without zeros, which must not overflow either
  for (const Json& extent : shape) {
    if (!extent.is_number_unsigned()) throw wrong("a shape", shape);
    const auto value = extent.get<std::uint64_t>();
    if (value > 0 && strides > kLargestTensor / value) throw wrong("a shape of a possible size", shape);
    bytes *= value;
    strides *= std::max<std::uint64_t>(value, 1);
    tensor.shape.push_back(static_cast<std::int64_t>(value));
  }
  if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
      !offsets[1].is_number_unsigned()) {
    throw wrong("data_offsets [begin, end]", offsets);
  }
  tensor.begin = offsets[0].get<std::uint64_t>();
  tensor.end = offsets[1].get<std::uint64_t>();
  if (tensor.begin > tensor.end || tensor.end - tensor.begin != bytes) {
    throw wrong(tensor.text() + " (" + with_commas(bytes) + " bytes)", offsets);
  }
  return tensor;
}

// The values must fill the data part without holes or overlaps.
void check_layout(const std::filesystem::path& path, std::vector<StoredTensor>& tensors, std::uint64_t data_size,
                  std::uint64_t data_begin) {
  std::stable_sort(tensors.begin(), tensors.end(), [](const StoredTensor& a, const StoredTensor& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
  });
  std::uint64_t at = 0;
  for (const StoredTensor& tensor : tensors) {
    if (tensor.end > data_size) {
      throw broken(path)
          .with("tensor", excerpt(tensor.name))
          .wanted(tensor.text() + " (" + with_commas(tensor.bytes()) + " bytes)")
          .found(range_text(data_begin + tensor.begin, data_begin + tensor.end) + " of a file that ends at " +
                 with_commas(data_begin + data_size))
          .with("likely", "the download was cut short; compare the file's size with the one in the repository");
    }
    if (tensor.begin != at) {
      throw broken(path)
          .with("tensor", excerpt(tensor.name))
          .wanted("values from byte " + with_commas(at) + " on (no holes, no overlaps)")
          .found(range_text(tensor.begin, tensor.end));
    }
    at = tensor.end;
  }
  if (at != data_size) {
    throw broken(path).wanted(with_commas(at) + " bytes of values").found(with_commas(data_size));
  }
}

}  // namespace

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : map_(path) {
  const auto bytes = map_.bytes();
  if (bytes.size() < 8) throw broken(path).wanted("a safetensors file").found(std::to_string(bytes.size()) + " bytes");
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<std::uint64_t>(bytes[static_cast<std::size_t>(i)]);
  if (length > kLargestHeader || length > bytes.size() - 8) {
    throw broken(path)
        .wanted("a header of at most " + with_commas(std::min<std::uint64_t>(kLargestHeader, bytes.size() - 8)) +
                " bytes")
        .found(with_commas(length))
        .with("likely", "the download was cut short, or this is no safetensors file");
  }
  data_begin_ = 8 + length;
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + 8, length);
  const Json root = parse_json(header, path.string() + " (header)", 8);
  if (!root.is_object()) throw broken(path).wanted("a header that is a JSON object");
  for (const auto& [name, entry] : root.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) throw broken(path).wanted("__metadata__ as an object of texts");
      for (const auto& [key, value] : entry.items()) {
        if (!value.is_string())
          throw broken(path).with("metadata", excerpt(key)).wanted("a text").found(excerpt(dump_json(value)));
        metadata_[key] = value.get<std::string>();
      }
    } else {
      tensors_.push_back(read_entry(path, name, entry));
    }
  }
  check_layout(path, tensors_, bytes.size() - data_begin_, data_begin_);
  for (std::size_t i = 0; i < tensors_.size(); ++i) by_name_[tensors_[i].name] = i;
}

const StoredTensor* SafetensorsFile::find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &tensors_[found->second];
}

std::span<const std::byte> SafetensorsFile::values(const StoredTensor& tensor) const {
  return map_.bytes().subspan(data_begin_ + tensor.begin, tensor.end - tensor.begin);
}

void SafetensorsFile::prefetch(const StoredTensor& tensor) const {
  map_.prefetch(data_begin_ + tensor.begin, data_begin_ + tensor.end);
}

void SafetensorsFile::release(const StoredTensor& tensor) const {
  release(tensor, 0, tensor.bytes());
}

void SafetensorsFile::release(const StoredTensor& tensor, std::uint64_t begin, std::uint64_t end) const {
  map_.release(data_begin_ + tensor.begin + begin, data_begin_ + tensor.begin + end);
}

SafetensorsWriter::SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                                     const std::map<std::string, std::string>& metadata, Access access)
    : file_(path, access), tensors_(std::move(tensors)) {
  OrderedJson root = OrderedJson::object();
  if (!metadata.empty()) root["__metadata__"] = metadata;
  std::uint64_t at = 0;
  for (const TensorSpec& tensor : tensors_) {
    root[tensor.name] = {
        {"dtype", name_of(tensor.type)}, {"shape", tensor.shape}, {"data_offsets", {at, at + tensor.bytes()}}};
    at += tensor.bytes();
  }
  std::string header = dump_json(root);
  header.append((8 - header.size() % 8) % 8, ' ');
  std::array<char, 8> length{};
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);
  file_.write(std::string_view(length.data(), length.size()));
  file_.write(header);
}

void SafetensorsWriter::write(std::span<const std::byte> values) {
  room(values.size()).write(0, values);
  if (!at_boundary()) throw Error("internal error: too few bytes for the tensor " + excerpt(tensors_[next_].name));
}

Room SafetensorsWriter::room(std::uint64_t bytes) {
  if (next_ >= tensors_.size()) throw Error("internal error: more tensors written than announced");
  const TensorSpec& tensor = tensors_[next_];
  part_ += bytes;
  if (part_ > tensor.bytes()) {
    throw Error("internal error: cannot write a tensor")
        .with("tensor", tensor.name)
        .wanted(tensor.text() + " (" + with_commas(tensor.bytes()) + " bytes)")
        .found(with_commas(part_) + " bytes");
  }
  if (part_ == tensor.bytes()) {
    part_ = 0;
    ++next_;
  }
  return {file_, file_.extend(bytes)};
}

void SafetensorsWriter::close() {
  if (next_ != tensors_.size()) throw Error("internal error: fewer tensors written than announced");
  file_.close();
}

}  // namespace lethe
