// Paths that users mistake for a checkpoint or an adapter, and the errors that name the right one.
#include <gtest/gtest.h>

#include "core/files.h"
#include "folder_test.h"
#include "formats/adapter.h"
#include "formats/checkpoint.h"
#include "formats/gguf.h"

namespace lethe {
namespace {

std::string number(std::uint64_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xFF);
  return text;
}
std::string gguf_text(const std::string& text) {
  return number(text.size(), 8) + text;
}
std::string gguf(const std::string& source = "") {
  std::string file = "GGUF" + number(3, 4) + number(0, 8) + number(source.empty() ? 3 : 4, 8);
  file += gguf_text("general.architecture") + number(8, 4) + gguf_text("llama");
  file +=
      gguf_text("tokenizer.ggml.tokens") + number(9, 4) + number(8, 4) + number(2, 8) + gguf_text("a") + gguf_text("b");
  if (!source.empty()) file += gguf_text("general.base_model.0.repo_url") + number(8, 4) + gguf_text(source);
  return file + gguf_text("general.file_type") + number(4, 4) + number(15, 4);
}

class NotACheckpoint : public FolderTest {
 protected:
  static std::string message_of(const fs::path& path) {
    return refusal_of([&] { Checkpoint(resolve_model_folder(path.string())); });
  }
  static void expect_message(const fs::path& path, const std::vector<std::string>& parts) {
    for (const std::string& part : parts)
      EXPECT_NE(message_of(path).find(part), std::string::npos) << message_of(path) << "\nlacks " << part;
  }
  fs::path with(const std::string& file, const std::string& content = "{}") {
    fs::create_directories((folder_ / file).parent_path());
    write_file(folder_ / file, content);
    return folder_ / file;
  }
};

TEST_F(NotACheckpoint, AGgufFileIsRefusedByNameWithWhereTheOriginalIs) {
  expect_message(with("model.gguf", gguf()), {"GGUF", "architecture llama", "type Q4_K_M", "original safetensors"});
  expect_message(with("renamed.bin", gguf("https://huggingface.co/org/name")), {"GGUF", "huggingface.co/org/name"});
  expect_message(with("only/model.gguf", gguf()).parent_path(),
                 {"architecture llama"});  // a folder without config.json
  with("both/config.json");
  expect_message(with("both/model.gguf", gguf()).parent_path(), {"architecture llama"});
  expect_message(with("broken.gguf", "GG"), {"GGUF"});
}

TEST_F(NotACheckpoint, AGgufFileThatLiesAboutItsLengthsIsReadNoFurther) {
  const std::string begin = "GGUF" + number(3, 4) + number(0, 8);
  for (const std::string& rest :
       {std::string(), number(~std::uint64_t{0}, 8), number(1, 8) + number(~std::uint64_t{0}, 8) + "general",
        number(9, 8) + gguf_text("k") + number(9, 4) + number(9, 4) + number(~std::uint64_t{0}, 8),
        number(9, 8) + gguf_text("k") + number(9, 4) + number(8, 4) + number(~std::uint64_t{0}, 8),
        number(9, 8) + gguf_text("k") + number(9, 4) + number(10, 4) + number(std::uint64_t{1} << 61, 8),
        number(9, 8) + gguf_text("general.file_type") + number(77, 4)}) {
    const auto summary = read_gguf(with("lies.gguf", begin + rest));
    ASSERT_TRUE(summary.has_value());
    EXPECT_EQ(summary->architecture + summary->type + summary->source, "");
  }
  EXPECT_FALSE(read_gguf(with("none.gguf", "")).has_value());
  EXPECT_FALSE(read_gguf(folder_).has_value());
}

TEST_F(NotACheckpoint, AnAdapterARunAndAFileOfWeightsAreRefusedWithWhatToGive) {
  with("adapter/adapter_config.json", R"({"peft_type": "LORA", "base_model_name_or_path": "org/base"})");
  expect_message(folder_ / "adapter", {"an adapter", "--model org/base --adapter " + (folder_ / "adapter").string()});
  with("run/recipe.yaml", "");
  expect_message(folder_ / "run", {"a run folder", "has not ended"});
  with("run/adapter/adapter_config.json");
  expect_message(folder_ / "run", {"--model BASE --adapter " + (folder_ / "run/adapter").string()});
  with("full/run.json");
  with("full/model/config.json");
  expect_message(folder_ / "full", {"a run folder", (folder_ / "full/model").string()});
  with("whole/config.json");
  expect_message(with("whole/model.safetensors", "x"), {"a file", "its folder, " + (folder_ / "whole").string()});
  expect_message(with("old/pytorch_model.bin", "x"), {"a pickle", "save_pretrained"});
  with("trainer/checkpoint-500/config.json");
  expect_message(folder_ / "trainer", {"checkpoint-500"});
  with("models--org--name/snapshots/0123/config.json");
  expect_message(folder_ / "models--org--name", {"snapshots/0123"});
}

TEST_F(NotACheckpoint, APathThatIsNotThereIsNoNameOfTheHub) {
  with("models/opt/config.json");
  for (const std::string& name : {(folder_ / "nothere").string(), std::string("./nothere"), std::string("../nothere"),
                                  std::string("a/b/c"), std::string("nothere/"), std::string("nothere.gguf")}) {
    EXPECT_NE(message_of(name).find("no such folder"), std::string::npos) << message_of(name);
    EXPECT_EQ(message_of(name).find("lethe pull"), std::string::npos) << message_of(name);
  }
  expect_message(folder_ / "model/opt", {"did you mean " + (folder_ / "models").string()});
  EXPECT_NE(message_of("org/nothere").find("lethe pull org/nothere"), std::string::npos);
}

TEST_F(NotACheckpoint, NorIsACheckpointAnAdapter) {
  const auto adapter = [&](const std::string& name) { return refusal_of([&] { Adapter{folder_ / name}; }); };
  with("model/config.json");
  EXPECT_NE(adapter("model").find("--model " + (folder_ / "model").string()), std::string::npos) << adapter("model");
  with("run/adapter/adapter_config.json");
  EXPECT_NE(adapter("run").find("--adapter " + (folder_ / "run/adapter").string()), std::string::npos);
  with("full/model/config.json");
  EXPECT_NE(adapter("full").find("--model " + (folder_ / "full/model").string()), std::string::npos);
  EXPECT_NE(adapter("nothere").find("no such folder"), std::string::npos);
  with("own/adapter_config.json");
  with("own/adapter_model.safetensors", "x");
  EXPECT_NE(adapter("own/adapter_model.safetensors").find("its folder"), std::string::npos);
}

}  // namespace
}  // namespace lethe
