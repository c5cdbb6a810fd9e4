#include "formats/gguf.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <string_view>

namespace lethe {
namespace {

// Reads numbers of a hostile file. Reading stops at any value beyond the end of the bytes.
class GgufReader {
 public:
  explicit GgufReader(std::string_view bytes) : rest_(bytes) {}
  bool failed() const { return failed_; }
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    const std::string_view taken = take(bytes);
    for (std::size_t i = taken.size(); i-- > 0;) value = value << 8 | static_cast<unsigned char>(taken[i]);
    return value;
  }
  std::string_view text() { return take(number(8)); }
  std::string_view take(std::uint64_t bytes) {
    if (failed_ || bytes > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

constexpr std::uint64_t kText = 8, kArray = 9;
// Bytes of a value by its type's number; 0: text, array or unknown.
constexpr std::array<std::size_t, 13> kSizes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

// llama.cpp's llama_ftype
std::string file_type_name(std::uint64_t type) {
  static const std::map<std::uint64_t, std::string> names = {
      {0, "F32"},     {1, "F16"},     {2, "Q4_0"},     {3, "Q4_1"},    {7, "Q8_0"},    {8, "Q5_0"},    {9, "Q5_1"},
      {10, "Q2_K"},   {11, "Q3_K_S"}, {12, "Q3_K_M"},  {13, "Q3_K_L"}, {14, "Q4_K_S"}, {15, "Q4_K_M"}, {16, "Q5_K_S"},
      {17, "Q5_K_M"}, {18, "Q6_K"},   {19, "IQ2_XXS"}, {20, "IQ2_XS"}, {21, "Q2_K_S"}, {22, "IQ3_XS"}, {23, "IQ3_XXS"},
      {24, "IQ1_S"},  {25, "IQ4_NL"}, {26, "IQ3_S"},   {27, "IQ3_M"},  {28, "IQ2_S"},  {29, "IQ2_M"},  {30, "IQ4_XS"},
      {31, "IQ1_M"},  {32, "BF16"},   {36, "TQ1_0"},   {37, "TQ2_0"},  {38, "MXFP4"}};
  const auto found = names.find(type);
  return found == names.end() ? "number " + std::to_string(type) : found->second;
}

// @return a text, a small number's text, or nothing for a skipped value
std::string read_value(GgufReader& reader, std::uint64_t type) {
  if (type == kText) return std::string(reader.text());
  if (type == kArray) {
    const std::uint64_t of = reader.number(4), count = reader.number(8);
    if (of == kText) {
      for (std::uint64_t i = 0; i < count && !reader.failed(); ++i) reader.text();
    } else if (of < kSizes.size() && kSizes[of] > 0 && count < (1 << 20)) {
      reader.take(count * kSizes[of]);
    } else {
      reader.take(~std::uint64_t{0});  // arrays of arrays, and unknown types
    }
    return "";
  }
  if (type >= kSizes.size()) return std::string(reader.take(~std::uint64_t{0}));
  return std::to_string(reader.number(kSizes[type]));
}

}  // namespace

std::optional<GgufSummary> read_gguf(const std::filesystem::path& file) {
  std::error_code none;
  if (!std::filesystem::is_regular_file(file, none)) return std::nullopt;
  std::string bytes(1 << 20, '\0');
  std::ifstream stream(file, std::ios::binary);
  stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(stream.gcount(), 0)));
  if (!bytes.starts_with("GGUF")) return std::nullopt;
  GgufReader reader(bytes);
  reader.take(4);
  const std::uint64_t version = reader.number(4);
  reader.number(8);  // tensors
  const std::uint64_t count = reader.number(8);
  GgufSummary summary;
  std::map<std::string, std::string> values;
  for (std::uint64_t i = 0; i < count && version >= 2 && !reader.failed(); ++i) {
    const std::string key(reader.text());
    const std::uint64_t type = reader.number(4);
    const std::string value = read_value(reader, type);
    if (!reader.failed() && key.starts_with("general.")) values[key] = value;
  }
  const auto first_of = [&](std::initializer_list<const char*> keys) {
    for (const char* key : keys) {
      if (const auto found = values.find(key); found != values.end() && !found->second.empty()) return found->second;
    }
    return std::string();
  };
  summary.architecture = first_of({"general.architecture"});
  const std::string type = first_of({"general.file_type"});
  if (!type.empty() && type.find_first_not_of("0123456789") == std::string::npos && type.size() < 10)
    summary.type = file_type_name(std::stoull(type));
  summary.source = first_of({"general.base_model.0.repo_url", "general.source.huggingface.repository",
                             "general.source.url", "general.source.repo_url", "general.repo_url"});
  return summary;
}

}  // namespace lethe
