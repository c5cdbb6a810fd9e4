// A reader that trusts no byte of the header.
#include "formats/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/error.h"
#include "core/files.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

fs::path path_of(const std::string& name) {
  return fs::path(testing::TempDir()) / ("lethe_" + name + ".safetensors");
}

fs::path raw_file(const std::string& name, const std::string& header, std::size_t data, std::uint64_t stated = 0) {
  std::string bytes(8, '\0');
  const std::uint64_t length = stated ? stated : header.size();
  for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i) & 0xFF);
  write_file(path_of(name), bytes + header + std::string(data, 'x'));
  return path_of(name);
}

TEST(Safetensors, KeepsNamesTypesShapesValuesAndMetadata) {
  fs::remove(path_of("good"));  // left by an earlier run
  const float values[6] = {1, 2, 3, 4, 5, 6};
  const std::uint8_t bytes[2] = {7, 9};
  SafetensorsWriter writer(path_of("good"),
                           {{"b.weight", DType::f32, {2, 3}}, {"a", DType::u8, {2}}, {"empty", DType::f16, {0, 4}}});
  writer.write(std::as_bytes(std::span(values)));
  writer.write(std::as_bytes(std::span(bytes)));
  writer.write({});
  writer.close();
  const SafetensorsFile file(path_of("good"));
  ASSERT_EQ(file.tensors().size(), 3U);
  EXPECT_EQ(file.find("b.weight")->text(), "F32 [2, 3]");
  EXPECT_EQ(std::memcmp(file.values(*file.find("b.weight")).data(), values, sizeof values), 0);
  EXPECT_EQ(static_cast<int>(file.values(*file.find("a"))[1]), 9);
  EXPECT_EQ(file.find("no such"), nullptr);
  EXPECT_EQ(file.metadata().at("format"), "pt");
}

TEST(Safetensors, RefusesWhatDoesNotAddUp) {
  struct Case {
    const char* name;
    std::string header;
    std::size_t data;
    const char* says;
  };
  const std::string entry = R"("dtype":"F32","shape":[2])";
  const std::vector<Case> cases = {
      {"short", "{\"a\":{" + entry + ",\"data_offsets\":[0,8]}}", 4, "ends at"},
      {"long", "{\"a\":{" + entry + ",\"data_offsets\":[0,8]}}", 12, "12"},
      {"hole", "{\"a\":{" + entry + ",\"data_offsets\":[4,12]}}", 12, "no holes"},
      {"overlap", "{\"a\":{" + entry + ",\"data_offsets\":[0,8]},\"b\":{" + entry + ",\"data_offsets\":[4,12]}}", 12,
       "no holes"},
      {"size", "{\"a\":{" + entry + ",\"data_offsets\":[0,4]}}", 4, "F32 [2]"},
      {"type", R"({"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}})", 8, "dtype"},
      {"negative", R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8, "shape"},
      {"huge", R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})", 0, "possible size"},
      {"backwards", "{\"a\":{" + entry + ",\"data_offsets\":[8,0]}}", 8, "F32 [2]"},
      {"twice", "{\"a\":{" + entry + ",\"data_offsets\":[0,8]},\"a\":{" + entry + ",\"data_offsets\":[0,8]}}", 8,
       "twice"},
      {"no_json", "{\"a\":", 0, "header"}};
  for (const Case& bad : cases) {
    try {
      SafetensorsFile file(raw_file(bad.name, bad.header, bad.data));
      FAIL() << bad.name << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_input) << bad.name;
      EXPECT_NE(std::string(error.what()).find(bad.says), std::string::npos) << bad.name << ": " << error.what();
    }
  }
  EXPECT_THROW(SafetensorsFile(raw_file("header", "{}", 0, 1ULL << 40)), Error);
  write_file(path_of("tiny"), "abc");
  EXPECT_THROW(SafetensorsFile{path_of("tiny")}, Error);
  EXPECT_THROW(SafetensorsFile{path_of("not there")}, Error);
}

}  // namespace
}  // namespace lethe
