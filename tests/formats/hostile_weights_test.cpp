// Hostile headers and folders of checkpoints.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "folder_test.h"
#include "formats/adapter.h"
#include "formats/checkpoint.h"

namespace lethe {
namespace {

class HostileWeights : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    fs::create_directories(folder_ / "model");
    write_file(folder_ / "model/config.json", R"({"model_type": "llama"})");
  }
  std::string of_file(const std::string& header, std::size_t data, std::uint64_t length) {
    std::string bytes(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) bytes[i] = static_cast<char>(length >> (8 * i) & 0xFF);
    write_file(folder_ / "x.safetensors", bytes + header + std::string(data, '\0'));
    return refusal_of([&] { SafetensorsFile{folder_ / "x.safetensors"}; });
  }
  std::string of_file(const std::string& header, std::size_t data = 0) { return of_file(header, data, header.size()); }
  void write_weights(const fs::path& file, const std::string& tensor = "a") {
    SafetensorsWriter writer(file, {{tensor, DType::u8, {1}}});
    writer.write(std::as_bytes(std::span("x", 1)));
    writer.close();
  }
  std::string of_index(const std::string& shard) {
    write_file(folder_ / "model/model.safetensors.index.json", dump_json(Json{{"weight_map", {{"a", shard}}}}));
    return refusal_of([&] { Checkpoint{folder_ / "model"}; });
  }
};

TEST_F(HostileWeights, AHeaderThatClaimsToBeHugeIsRefused) {
  for (const std::uint64_t length :
       {std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{0} - 7, std::uint64_t{3}, std::uint64_t{100'000'001}})
    EXPECT_NE(of_file("{}", 0, length).find("header of at most"), std::string::npos) << length;
}

TEST_F(HostileWeights, OffsetsThatOverlapOrLeadOutAreRefused) {
  const auto tensor = [](const std::string& name, const std::string& offsets) {
    return "\"" + name + R"(":{"dtype":"U8","shape":[7],"data_offsets":[)" + offsets + "]}";
  };
  ASSERT_EQ(of_file("{" + tensor("a", "0,7") + "}", 7), "no error");
  EXPECT_NE(of_file("{" + tensor("a", "0,7") + "," + tensor("b", "3,10") + "}", 10).find("no overlaps"),
            std::string::npos);
  EXPECT_NE(of_file("{" + tensor("a", "0,7") + "," + tensor("b", "0,7") + "}", 7).find("no overlaps"),
            std::string::npos);
  EXPECT_NE(of_file("{" + tensor("a", "0,7") + "}", 6).find("ends at"), std::string::npos);
  // Offsets whose sum with the header's end is no longer a 64-bit number.
  EXPECT_NE(of_file("{" + tensor("a", "18446744073709551608,18446744073709551615") + "}").find("ends at"),
            std::string::npos);
  EXPECT_NE(of_file("{" + tensor("a", "7,0") + "}", 7).find("U8 [7]"), std::string::npos);
  EXPECT_NE(of_file("{" + tensor("a", "0,18446744073709551616") + "}", 7).find("data_offsets"), std::string::npos);
}

TEST_F(HostileWeights, ShapesOfImpossibleSizeAreRefusedEvenWithAZero) {
  for (const char* shape :
       {"9223372036854775808,0", "0,9223372036854775808", "0,1152921504606846976,1152921504606846976",
        "4294967296,4294967296,4294967296,4294967296"}) {
    const std::string header = R"({"a":{"dtype":"F32","shape":[)" + std::string(shape) + R"(],"data_offsets":[0,0]}})";
    EXPECT_NE(of_file(header).find("possible size"), std::string::npos) << shape;
  }
  EXPECT_EQ(of_file(R"({"a":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]}})"), "no error");
}

TEST_F(HostileWeights, KeysThatComeTwiceAndDeepNestingAreRefused) {
  const std::string entry = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  EXPECT_NE(of_file("{\"a\":" + entry + ",\"a\":" + entry + "}").find("twice"), std::string::npos);
  EXPECT_NE(of_file(R"({"a":{"dtype":"U8","dtype":"F32","shape":[0],"data_offsets":[0,0]}})").find("twice"),
            std::string::npos);
  EXPECT_NE(of_file("{\"a\":" + std::string(100'000, '[')).find("deep"), std::string::npos);
}

TEST_F(HostileWeights, ShardNamesAreNamesOfFilesInTheFolder) {
  write_weights(folder_ / "model/shard.safetensors");
  write_weights(folder_ / "outside.safetensors");
  ASSERT_EQ(of_index("shard.safetensors"), "no error");
  for (const std::string& name :
       {std::string("../outside.safetensors"), (folder_ / "outside.safetensors").string(),
        std::string("./shard.safetensors"), std::string(".."), std::string("."), std::string(),
        std::string("sub/../../outside.safetensors"), std::string("shard.safetensors\0", 18),
        std::string("shard.safetensors\0/../x", 23)}) {
    fs::remove(folder_ / "model/model.safetensors.index.json");
    EXPECT_NE(of_index(name).find("a file in the same folder"), std::string::npos) << excerpt(name);
  }
}

TEST_F(HostileWeights, LinksOutOfTheFolderAreNotFollowed) {
  write_weights(folder_ / "outside.safetensors");
  fs::create_symlink(folder_ / "outside.safetensors", folder_ / "model/shard.safetensors");
  EXPECT_NE(of_index("shard.safetensors").find("a link to"), std::string::npos);
  // Nor is a link to another file of the folder, which would be copied into the result.
  fs::remove(folder_ / "model/shard.safetensors");
  write_weights(folder_ / "model/shard.safetensors");
  write_file(folder_ / "secret", "private");
  for (const fs::path& target : {fs::path("../secret"), folder_ / "secret"}) {
    fs::create_symlink(target, folder_ / "model/LICENSE");
    EXPECT_NE(of_index("shard.safetensors").find("LICENSE"), std::string::npos) << target;
    fs::remove(folder_ / "model/LICENSE");
  }
  fs::create_symlink(folder_, folder_ / "model/folder");  // and no folder
  EXPECT_NE(of_index("shard.safetensors").find("a link to"), std::string::npos);
  fs::remove(folder_ / "model/folder");
  fs::create_symlink("shard.safetensors", folder_ / "model/within.safetensors");  // a link within is a name
  EXPECT_EQ(of_index("within.safetensors"), "no error");
  fs::create_directory_symlink(folder_ / "model", folder_ / "elsewhere");  // the folder itself is where the user says
  EXPECT_EQ(refusal_of([&] { Checkpoint{folder_ / "elsewhere"}; }), "no error");
}

TEST_F(HostileWeights, LinksOfAnAdapterOutOfItsFolderAreNotFollowed) {
  fs::create_directories(folder_ / "adapter");
  write_file(folder_ / "adapter/adapter_config.json", R"({"peft_type": "LORA"})");
  write_weights(folder_ / "outside.safetensors", "base_model.model.a.bias");
  fs::create_symlink(folder_ / "outside.safetensors", folder_ / "adapter/adapter_model.safetensors");
  EXPECT_NE(refusal_of([&] { Adapter{folder_ / "adapter"}; }).find("a link to"), std::string::npos);
}

TEST_F(HostileWeights, AnIndexWithAKeyTwiceOrNoTextIsRefused) {
  const auto of_text = [&](const std::string& index) {
    fs::remove(folder_ / "model/model.safetensors.index.json");
    write_file(folder_ / "model/model.safetensors.index.json", index);
    return refusal_of([&] { Checkpoint{folder_ / "model"}; });
  };
  EXPECT_NE(of_text(R"({"weight_map":{"a":"x","a":"y"}})").find("twice"), std::string::npos);
  EXPECT_NE(of_text(R"({"weight_map":{"a":1}})").find("same folder"), std::string::npos);
  EXPECT_NE(of_text(R"({"weight_map":[]})").find("weight_map"), std::string::npos);
  EXPECT_NE(of_text("{\"weight_map\":" + std::string(100'000, '[')).find("deep"), std::string::npos);
}

}  // namespace
}  // namespace lethe
