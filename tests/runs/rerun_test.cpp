// A damaged or edited run.json is refused by file and key before anything is computed.
#include "runs/rerun.h"

#include <map>

#include "core/file_hash.h"
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

// A finished run of the version, with the files and their texts.
void write_run(const fs::path& folder, const std::string& version, const std::map<std::string, std::string>& files) {
  Json run = {{"lethe", version}, {"outputs", Json::array()}};
  for (const auto& [name, text] : files) {
    fs::create_directories((folder / name).parent_path());
    write_file(folder / name, text);
    run["outputs"].push_back({{"file", name}, {"hash", file_hash(folder / name)}});
  }
  write_file(folder / "run.json", run.dump());
}

TEST_F(RunJson, OfAnEarlierVersionMayLackCardsAndKeys) {
  const fs::path run = folder_ / "run", again = folder_ / "again";
  const auto differences = [&] {
    std::string text;
    const OutputDifferences found = compare_outputs(run, again);
    for (const auto& [what, file] : found.differing) text += what + " " + file + "; ";
    for (const std::string& part : found.newer) text += "newer " + part + "; ";
    return text + std::to_string(found.equal);
  };
  const std::string old_results = R"({"alpha": 0.5, "fit": {"ce": 1}})",
                    new_results = R"({"alpha": 0.5, "fit": {"ce": 1, "steps": 2}, "vector_rms": 0.1})";
  write_run(run, "1", {{"a", "a"}, {"results.json", old_results}, {"adapter/README.md", "1"}});
  write_run(again, "2",
            {{"a", "a"}, {"results.json", new_results}, {"adapter/README.md", "2"}, {"model/README.md", "2"}});
  EXPECT_EQ(differences(),
            "newer adapter/README.md; newer fit.steps in results.json; newer vector_rms in results.json; "
            "newer model/README.md; 1");
  // Of the same version they are differences, and so are other values, lost keys and other files.
  write_run(run, "2", {{"a", "a"}, {"results.json", old_results}, {"adapter/README.md", "1"}});
  EXPECT_EQ(differences(), "differs adapter/README.md; differs results.json; new model/README.md; 1");
  write_run(run, "1", {{"a", "b"}, {"b", ""}, {"results.json", R"({"alpha": 0.25})"}});
  EXPECT_EQ(differences(),
            "differs a; missing b; differs results.json; newer adapter/README.md; newer model/README.md; 0");
  write_run(run, "1", {{"results.json", R"({"lost": 1})"}});
  EXPECT_EQ(differences(), "differs results.json; new a; newer adapter/README.md; newer model/README.md; 0");
}

}  // namespace
}  // namespace lethe
