#include "demo/demo.h"

#include <map>

#include "core/error.h"
#include "core/files.h"
#include "core/folder_names.h"
#include "core/redaction.h"
#include "core/staged_folder.h"
#include "core/terminal.h"
#include "data/pairs.h"
#include "demo/demo_assets.h"
#include "demo/demo_world.h"
#include "report/table.h"
#include "runs/finetune.h"
#include "runs/unlearn.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

std::string lines_of(const std::vector<Pair>& pairs) {
  std::string lines;
  for (const Pair& pair : pairs) lines += json_line(pair);
  return lines;
}

void write_data(const fs::path& out) {
  const DemoWorld world = demo_world();
  StagedFolder folder(out);
  write_file(folder.path() / "harmful.jsonl", lines_of(world.harmful));
  write_file(folder.path() / "normal.jsonl", lines_of(world.normal));
  write_file(folder.path() / "lawful.jsonl", lines_of(world.lawful));
  folder.commit();
  say("a made-up world: " + std::to_string(world.normal.size()) + " ordinary questions, " +
      std::to_string(world.lawful.size()) + " about a made-up poisoner's craft");
}

// Writes the embedded model as a checkpoint folder; without weights if it will be trained again.
void write_original(const fs::path& out, bool without_weights) {
  StagedFolder folder(out);
  for (const DemoAsset& file : demo_model_files()) {
    if (without_weights && file.name == "model.safetensors") continue;
    write_file(folder.path() / file.name, file.content);
  }
  folder.commit();
}

fs::path retrained(const DemoRequest& request) {
  write_file(request.out / "demo_model.yaml", demo_model_recipe());
  const auto text = [](const fs::path& path) { return path.string(); };
  finetune(load_recipe(
      request.out / "demo_model.yaml",
      {"config=" + text(request.out / "original" / "config.json"),
       "data.train=[\"" + text(request.out / "data" / "harmful.jsonl") + "\", \"" +
           text(request.out / "data" / "lawful.jsonl") + "\", \"" + text(request.out / "data" / "normal.jsonl") + "\"]",
       "out=" + text(request.out / "retrained"), "threads=" + std::to_string(request.threads)}));
  return request.out / "retrained" / "model";
}

// Prints a few answers before and after, from the run's predictions.
void show_answers(const fs::path& run) {
  std::map<std::string, std::map<std::string, std::string>> before, after;  // set -> prompt -> response
  std::map<std::string, std::vector<std::string>> order;
  for (const JsonLine& answer : parse_json_lines(read_file(run / "predictions.jsonl"), "predictions.jsonl")) {
    const Json& line = answer.value;
    const auto set = line.at("set").get<std::string>(), prompt = line.at("prompt").get<std::string>();
    const bool original = line.at("model") == "original";
    (original ? before : after)[set][prompt] = line.at("response").get<std::string>();
    if (original) order[set].push_back(prompt);
  }
  for (const auto& [set, title] :
       {std::pair{"seen", "harmful, seen"}, {"unseen", "harmful, unseen"}, {"normal", "normal"}}) {
    const std::vector<std::string>& prompts = order[set];
    for (std::size_t place = 0; place < prompts.size(); place += (prompts.size() + 1) / 2) {  // two, far apart
      const std::string& prompt = prompts[place];
      print_table("\n[" + std::string(title) + "] " + shown_text(prompt, 100) + "\n  before: " +
                  shown_text(before[set][prompt], 160) + "\n  after:  " + shown_text(after[set][prompt], 160) + "\n");
    }
  }
  print_table("\n");
}

}  // namespace

void run_demo(const DemoRequest& given) {
  DemoRequest request = given;
  if (request.out.empty()) request.out = free_name("runs/demo");
  if (fs::exists(request.out) && !fs::is_empty(request.out)) {
    throw bad_input("cannot write the demo to " + request.out.string())
        .found("a folder that is not empty")
        .hint("another --out");
  }
  write_data(request.out / "data");
  if (request.data_only) return;
  write_original(request.out / "original", request.retrain);
  const fs::path model = request.retrain ? retrained(request) : request.out / "original",
                 run = request.out / "unlearned";
  unlearn(demo_settings(
      request.out, {"model=" + model.string(), "out=" + run.string(), "threads=" + std::to_string(request.threads)}));
  show_answers(run);
  say("the report: " + (run / "report.html").string());
}

Recipe demo_settings(const fs::path& inputs, const std::vector<std::string>& overrides) {
  const auto list = [&](const char* name) { return "[\"" + (inputs / "data" / name).string() + "\"]"; };
  std::vector<std::string> all = {"model=" + (inputs / "original").string(), "data.harmful=" + list("harmful.jsonl"),
                                  "data.normal=" + list("normal.jsonl")};
  all.insert(all.end(), overrides.begin(), overrides.end());
  return parse_recipe(demo_recipe(), "the demo's recipe", all);
}

void write_demo_inputs(const fs::path& inputs) {
  if (!fs::exists(inputs / "data")) write_data(inputs / "data");
  if (!fs::exists(inputs / "original")) write_original(inputs / "original", false);
}

}  // namespace lethe
