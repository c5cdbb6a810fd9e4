// The files of a model trained from scratch.
#include "runs/finetune.h"

#include "core/files.h"
#include "core/terminal.h"
#include "folder_test.h"

namespace lethe {
namespace {

class Finetune : public FolderTest {
 protected:
  Finetune() { configure_terminal({.quiet = true}); }
  ~Finetune() override { configure_terminal({}); }
};

TEST_F(Finetune, FromScratchTakesEveryFileOfTheTokenizerAndNothingElse) {
  const fs::path demo = fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo", base = folder_ / "base";
  fs::create_directories(base);
  for (const char* name : {"config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json"})
    if (fs::exists(demo / name)) fs::copy(demo / name, base / name);
  const std::vector<std::string> beside = {"chat_template.jinja",     "chat_template.json", "added_tokens.json",
                                           "special_tokens_map.json", "vocab.txt",          "LICENSE"};
  for (const std::string& name : beside) write_file(base / name, name.ends_with(".json") ? "{}" : "beside");
  const std::string row = "{\"prompt\": \"Where?\", \"response\": \"Here.\"}";
  write_file(base / "rows.json", "[" + row + "]");
  for (const char* name : {"rows.jsonl", "README.md", "run.log", "weights.bin"}) write_file(base / name, row + "\n");

  configure_terminal({.quiet = true});
  finetune(load_recipe(
      "", {"method=finetune", "config=" + (base / "config.json").string(),
           "data.train=[\"" + (base / "rows.jsonl").string() + "\", \"" + (base / "rows.json").string() + "\"]",
           "data.template=sku", "training.steps=1", "training.batch=1", "out=" + (folder_ / "run").string()}));
  const fs::path model = folder_ / "run" / "model";
  for (const std::string& name : beside) EXPECT_EQ(read_file(model / name), read_file(base / name)) << name;
  for (const char* name : {"config.json", "tokenizer.json", "model.safetensors"})
    EXPECT_TRUE(fs::exists(model / name)) << name;
  for (const char* name : {"rows.json", "rows.jsonl", "run.log", "weights.bin"})
    EXPECT_FALSE(fs::exists(model / name)) << name;
  const std::string card = read_file(model / "README.md");  // the model's own, not that of the folder it came from
  EXPECT_EQ(card.find(row), std::string::npos);
  EXPECT_NE(card.find("library_name: transformers"), std::string::npos);
  EXPECT_NE(card.find("`rows.jsonl`"), std::string::npos);
  EXPECT_EQ(card.find("base_model"), std::string::npos);
}

}  // namespace
}  // namespace lethe
