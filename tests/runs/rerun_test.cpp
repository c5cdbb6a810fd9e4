// A damaged or edited run.json is refused by file and key before anything is computed.
#include "runs/rerun.h"

#include "core/files.h"
#include "core/json.h"
#include "folder_test.h"
#include "recipe/recipe.h"
#include "runs/run_folder.h"

namespace lethe {
namespace {

using RunJson = FolderTest;

Json whole_run() {
  return {{"command", "unlearn"},
          {"recipe", "method: sku\n"},
          {"threads", 1},
          {"inputs", Json::array()},
          {"outputs", {{{"file", "a"}, {"hash", "0"}}}}};
}

TEST_F(RunJson, ThatIsDamagedIsRefusedByFileAndKey) {
  const auto edited = [](const char* pointer, const Json& value) {
    Json json = whole_run();
    json[Json::json_pointer(pointer)] = value;
    return json.dump();
  };
  const std::string whole = whole_run().dump();
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"JSON", ""},
      {"JSON", whole.substr(0, whole.size() / 2)},
      {"JSON", std::string(whole.size(), '\0')},
      {"command", "[]"},
      {"command", "{}"},
      {"command", edited("/command", 1)},
      {"command", edited("/command", Json())},
      {"recipe", edited("/recipe", Json::array())},
      {"threads", edited("/threads", "two")},
      {"threads", edited("/threads", -1)},
      {"threads", edited("/threads", 1.5)},
      {"threads", edited("/threads", 1000000)},
      {"lethe", edited("/lethe", 7)},
      {"inputs", edited("/inputs", "none")},
      {"role", edited("/inputs", {1})},
      {"role", edited("/inputs", {{{"path", "x"}}})},
      {"path", edited("/inputs", {{{"role", "model"}, {"path", 1}}})},
      {"files_hash", edited("/inputs", {{{"role", "model"}, {"path", "/"}}})},
      {"outputs", edited("/outputs", 3)},
      {"file", edited("/outputs", {{{"hash", "0"}}})},
      {"hash", edited("/outputs", {{{"file", "a"}, {"hash", 0}}})},
  };
  for (const auto& [word, text] : cases) {
    write_file(folder_ / "run.json", text);
    const std::string found = refusal_of([&] { rerun({.run = folder_, .out = folder_ / "again"}); });
    EXPECT_NE(found.find(word), std::string::npos) << found << "\n" << text;
    EXPECT_NE(found.find(folder_.string()), std::string::npos) << found;
  }
}

TEST_F(RunJson, NamesFilesWhoseNamesAreNoUtf8) {
  const fs::path file = folder_ / "d\xe4ten.jsonl";
  write_file(file, "{}\n");
  const Json entry = parse_json(dump_json(describe_input("normal", file)), "x");
  EXPECT_EQ(json_bytes(entry, "path", "x"), file.string());
  Recipe recipe;
  recipe.model = "m\xe4 \xff: model";
  recipe.data.normal = {{.path = file.string()}};
  recipe.out = "out \xc3";
  OrderedJson run;
  put_bytes(run, "recipe", to_yaml(recipe));
  const Recipe again = parse_recipe(json_bytes(parse_json(dump_json(run), "x"), "recipe", "x"), "run.json");
  EXPECT_EQ(again.model, recipe.model);
  EXPECT_EQ(again.data.normal[0].path, file.string());
  EXPECT_EQ(again.out, recipe.out);
}

}  // namespace
}  // namespace lethe
