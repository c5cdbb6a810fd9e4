// vector.json and vectors.json: written and read again, and refused by key where they were edited.
#include "formats/vector_info.h"

#include "core/files.h"
#include "core/json.h"
#include "folder_test.h"

namespace lethe {
namespace {

using VectorJson = FolderTest;

TEST_F(VectorJson, IsReadAsItWasWritten) {
  const VectorInfo info{.kind = VectorKind::adapter,
                        .base = "opt \"125m\"",
                        .base_hash = "ab",
                        .hash = "cd",
                        .made_from = "run poisons",
                        .harmful = true,
                        .harmful_because = "the run",
                        .unties_head = true,
                        .made = "2026-11-30T07:00:00Z",
                        .lethe = "1"};
  write_vector_info(info, folder_, Access::owner_only);
  EXPECT_TRUE(is_vector_folder(folder_));
  EXPECT_EQ(fs::status(folder_ / "vector.json").permissions(), fs::perms::owner_read | fs::perms::owner_write);
  const VectorInfo read = read_vector_info(folder_);
  EXPECT_EQ(read.kind, info.kind);
  EXPECT_EQ(read.base, info.base);
  EXPECT_EQ(read.base_hash, info.base_hash);
  EXPECT_EQ(read.hash, info.hash);
  EXPECT_EQ(read.made_from, info.made_from);
  EXPECT_EQ(read.harmful, info.harmful);
  EXPECT_EQ(read.harmful_because, info.harmful_because);
  EXPECT_EQ(read.unties_head, info.unties_head);
  EXPECT_EQ(read.made, info.made);
  EXPECT_EQ(read.lethe, info.lethe);
}

TEST_F(VectorJson, ThatIsMissingOrEditedIsRefusedByKey) {
  const fs::path file = folder_ / "vector.json";
  const auto expect = [&](const std::vector<std::string>& words) {
    const std::string found = refusal_of([&] { read_vector_info(folder_); });
    for (const std::string& word : words) EXPECT_NE(found.find(word), std::string::npos) << word << " in " << found;
  };
  expect({"no vector.json", "lethe vector extract"});
  write_vector_info({}, folder_, Access::normal);
  const Json whole = read_json(file);
  const std::vector<std::pair<std::string, Json>> edits = {
      {"/format", "other"}, {"/version", 2},         {"/version", "1"},         {"/kind", "delta"},
      {"/kind", 1},         {"/base", "name"},       {"/base/hash", 7},         {"/base/name", Json()},
      {"/hash", Json()},    {"/harmful", "false"},   {"/harmful", 0},           {"/unties_head", Json()},
      {"/made_from", 3},    {"/harmful_because", 1}, {"/made", Json::object()}, {"/lethe", 1}};
  for (const auto& [pointer, value] : edits) {
    Json json = whole;
    json[Json::json_pointer(pointer)] = value;
    write_file(file, json.dump());
    expect({pointer.substr(pointer.rfind('/') + 1), file.string()});
  }
  for (const char* text : {"", "[]", "{", "\"lethe task vector\"", "null"}) {
    write_file(file, text);
    expect({file.string()});
  }
}

TEST_F(VectorJson, OfASumIsReadAsItWasWritten) {
  EXPECT_FALSE(read_combined_info(folder_));
  write_combined_info({"base", "ab", "cd", {{"poisons", "01", -1, true}, {"manners", "02", 0.25, false}}}, folder_,
                      Access::normal);
  const CombinedInfo read = *read_combined_info(folder_);
  EXPECT_EQ(read.base + read.base_hash + read.hash, "baseabcd");
  ASSERT_EQ(read.terms.size(), 2U);
  EXPECT_EQ(read.terms[0].name + read.terms[0].hash, "poisons01");
  EXPECT_TRUE(read.terms[0].harmful);
  EXPECT_EQ(read.terms[1].weight, 0.25);
  Json json = read_json(folder_ / "vectors.json");
  json["vectors"][1]["weight"] = "much";
  write_file(folder_ / "vectors.json", json.dump());
  EXPECT_NE(refusal_of([&] { read_combined_info(folder_); }).find("weight"), std::string::npos);
  json["vectors"] = {1};
  write_file(folder_ / "vectors.json", json.dump());
  EXPECT_NE(refusal_of([&] { read_combined_info(folder_); }).find("vectors"), std::string::npos);
}

}  // namespace
}  // namespace lethe
