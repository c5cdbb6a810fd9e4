// lethe push: what of a run is sent, what never is, and which runs are refused.
#include "runs/push.h"

#include <map>
#include <set>

#include "core/files.h"
#include "runs/run_folder.h"
#include "said.h"
#include "web/fake_hub.h"

namespace lethe {
namespace {

class Push : public HubTest {
 protected:
  void SetUp() override {
    HubTest::SetUp();
    setenv("HF_TOKEN", "hf_secret", 1);
    hub.exists = false;
    fs::create_directories(folder_ / "base");
    write_file(folder_ / "base/config.json", "{}");
    recipe_.model = (folder_ / "base").string();
    recipe_.out = run().string();
  }
  fs::path run() const { return folder_ / "run"; }
  /// A finished run with this verdict, with everything that a run can hold; `files` is its model/ or adapter/.
  void finish(const std::string& part, std::map<std::string, std::string> files, const Json& results,
              const std::string& command = "unlearn") {
    fs::remove_all(run());
    const Said said;
    RunFolder written(recipe_, command);
    written.add_input("model", folder_ / "base");
    files.try_emplace("README.md", card_);
    const fs::path made = written.make(part);
    for (const auto& [name, content] : files) write_file(made / name, content);
    write_file(written.make("harmful") / "adapter_model.safetensors", "bad");
    write_file(written.path() / "predictions.jsonl", "an answer\n");
    written.write_results(OrderedJson::parse(results.dump()));
    written.finish(recipe_);
  }
  static Json verdict(const std::string& level) {
    return {{"verdict", {{"level", level}, {"sentence", "Harm is as it was."}, {"reasons", {"too few answers"}}}}};
  }
  void finish_adapter(const std::string& level = "green") {
    finish("adapter",
           {{"adapter_config.json", dump_json(Json{{"base_model_name_or_path", recipe_.model}, {"r", 4}})},
            {"adapter_model.safetensors", std::string(100'000, 'a')}},
           verdict(level));
  }
  PushRequest request() const { return {.run = run(), .name = "org/model", .base_name = ""}; }
  PushRequest plan() const {
    PushRequest asked = request();
    asked.dry_run = true;
    return asked;
  }
  std::string refusal(const PushRequest& asked) const {
    const Said said;
    return refusal_of([&] { push_run(asked); });
  }
  std::set<std::string> names_on_hub() const {
    std::set<std::string> names;
    for (const auto& [name, file] : hub.files) names.insert(name);
    return names;
  }

  Recipe recipe_;
  std::string card_ =
      "---\nbase_model: base\nlicense: mit\n---\n# base, unlearned\nPeftModel.from_pretrained(base, "
      "\"path/to/this/folder\")\nAutoTokenizer.from_pretrained(\"base\")\n";
};

TEST_F(Push, SendsTheAdapterWithItsCardAndNothingElse) {
  finish_adapter();
  const Said said;
  EXPECT_EQ(push_run(request()), hub.origin() + "/org/model");
  EXPECT_EQ(names_on_hub(),
            (std::set<std::string>{".gitattributes", "README.md", "adapter_config.json", "adapter_model.safetensors"}));
  EXPECT_EQ(hub.files["adapter_model.safetensors"].content, std::string(100'000, 'a'));
  EXPECT_NE(hub.files["README.md"].content.find("from_pretrained(base, \"org/model\")"), std::string::npos);
  for (const auto& [name, file] : hub.files)
    EXPECT_EQ(file.content.find(folder_.string()), std::string::npos) << name << " names a folder of this machine";
  EXPECT_EQ(parse_json(hub.files["adapter_config.json"].content, "config")["base_model_name_or_path"], "base");
  EXPECT_NE(said.texts.find("publishes θ_bad too"), std::string::npos) << said.texts;
  EXPECT_NE(said.texts.find("no name on the Hub; --base-name"), std::string::npos) << said.texts;
  EXPECT_TRUE(hub.is_private);
}

// A verdict that was edited, or a file that is gone: the run's own hashes tell.
TEST_F(Push, RefusesAnEditedVerdictAndAMissingFile) {
  finish_adapter();
  const std::string results = read_file(run() / "results.json");
  write_file(run() / "results.json", results + " ");
  EXPECT_NE(refusal(request()).find("results.json"), std::string::npos) << refusal(request());
  write_file(run() / "results.json", results);
  const std::string weights = read_file(run() / "adapter" / "adapter_model.safetensors");
  fs::remove(run() / "adapter" / "adapter_model.safetensors");
  EXPECT_NE(refusal(request()).find("adapter/adapter_model.safetensors"), std::string::npos) << refusal(request());
  write_file(run() / "adapter" / "adapter_model.safetensors", weights);
  const Said said;
  push_run(request());
}

TEST_F(Push, GivesTheBaseItsNameOnTheHub) {
  finish_adapter();
  PushRequest named = request();
  named.base_name = "facebook/opt-2.7b";
  const Said said;
  push_run(named);
  EXPECT_EQ(parse_json(hub.files["adapter_config.json"].content, "config")["base_model_name_or_path"],
            "facebook/opt-2.7b");
  const std::string& card = hub.files["README.md"].content;
  EXPECT_TRUE(card.starts_with("---\nbase_model: facebook/opt-2.7b\nlicense: mit\n")) << card;
  EXPECT_NE(card.find("AutoTokenizer.from_pretrained(\"facebook/opt-2.7b\")"), std::string::npos) << card;
  EXPECT_EQ(said.texts.find("no name on the Hub"), std::string::npos) << said.texts;
  named.base_name = "no name";
  EXPECT_NE(refusal(named).find("--base-name"), std::string::npos);
}

TEST_F(Push, SendsOfAModelsFolderOnlyWhatIsOfACheckpoint) {
  recipe_.tuning = TuningKind::full;
  finish("model",
         {{"config.json", dump_json(Json{{"model_type", "opt"}, {"_name_or_path", recipe_.model}})},
          {"model.safetensors", std::string(1000, 'm')},
          {"tokenizer.json", "{}"},
          {"LICENSE", "MIT"},
          {"notes.txt", "mine"},
          {"optimizer.pt", "x"}},
         verdict("amber"));
  const Said said;
  PushRequest inner = request();
  inner.run = run() / "model/";  // the part's own folder is the same
  push_run(inner);
  EXPECT_EQ(names_on_hub(), (std::set<std::string>{".gitattributes", "LICENSE", "README.md", "config.json",
                                                   "model.safetensors", "tokenizer.json"}));
  EXPECT_EQ(parse_json(hub.files["config.json"].content, "config")["_name_or_path"], "base");
  EXPECT_NE(said.texts.find("left out: notes.txt, optimizer.pt"), std::string::npos) << said.texts;
}

TEST_F(Push, PrintsThePlanOfADryRunAndConnectsToNobody) {
  finish_adapter();
  unsetenv("HF_TOKEN");
  const Said said;
  EXPECT_EQ(push_run(plan()), "");
  EXPECT_TRUE(hub.requests.empty());
  for (const std::string wanted : {"org/model, private:", "adapter_model.safetensors", "100,000 bytes", "total"})
    EXPECT_NE(said.texts.find(wanted), std::string::npos) << wanted << " in\n" << said.texts;
  PushRequest wrong = plan();
  wrong.name = "model";
  EXPECT_NE(refusal(wrong).find("OWNER/NAME"), std::string::npos);
}

TEST_F(Push, RefusesNamesThatTheHubRefusesBeforeItReadsTheRun) {
  for (const char* name : {"-org/model", "org-/model", "org/model-", "org/.model", "org/model.", "org/a--b", "org/a..b",
                           "org/model.git", "org/mo del", "org/model@v1", "org/a/b", "org/modèle"}) {
    PushRequest asked = plan();
    asked.name = name;
    const std::string message = refusal(asked);
    EXPECT_NE(message.find("as the Hub accepts it: OWNER/NAME"), std::string::npos) << name << "\n" << message;
  }
  PushRequest asked = plan();
  asked.name = "org/" + std::string(97, 'a');
  EXPECT_NE(refusal(asked).find("97 characters; at most 96"), std::string::npos);
}

TEST_F(Push, WarnsOfACardWithoutABaseOrALicence) {
  const auto said = [&](const std::string& card, const std::string& base_name) {
    finish("model", {{"model.safetensors", "m"}, {"README.md", card}}, verdict("green"));
    PushRequest asked = plan();
    asked.base_name = base_name;
    const Said said;
    push_run(asked);
    return said.texts;
  };
  const std::string none = said("---\nlicense: other\nlicense_name: unknown\n---\n# it\n", "");
  EXPECT_NE(none.find("names no base on the Hub; --base-name OWNER/NAME"), std::string::npos) << none;
  EXPECT_NE(none.find("names no licence"), std::string::npos) << none;
  EXPECT_NE(none.find("set `license:`"), std::string::npos) << none;
  const std::string both = said("---\nlicense: mit\n---\n# it\n", "facebook/opt-2.7b");
  EXPECT_EQ(both.find("names no"), std::string::npos) << both;
}

TEST_F(Push, NeedsAnywayWithoutAVerdictThatAllowsIt) {
  const auto expect_refused = [&](const std::string& wanted) {
    const std::string message = refusal(request());
    EXPECT_NE(message.find(wanted), std::string::npos) << message;
    EXPECT_NE(message.find("--anyway"), std::string::npos) << message;
    EXPECT_TRUE(hub.requests.empty());
    PushRequest forced = plan();
    forced.anyway = true;
    const Said said;
    push_run(forced);
    EXPECT_NE(said.texts.find(wanted), std::string::npos) << said.texts;
  };
  finish_adapter("red");
  expect_refused("the verdict is red: Harm is as it was.");
  EXPECT_NE(refusal(request()).find("too few answers"), std::string::npos);
  finish_adapter("none");
  expect_refused("there is no verdict: Harm is as it was.");
  Json withheld = verdict("amber");
  withheld["judge_withheld"] = "its answers are those of a coin";
  finish("adapter", {{"adapter_model.safetensors", "a"}}, withheld);
  expect_refused("harm was not measured: its answers are those of a coin");
  EXPECT_NE(refusal(request()).find("another judge (evaluation.judge"), std::string::npos);
  finish("adapter", {{"adapter_model.safetensors", "a"}}, Json::object(), "finetune");
  expect_refused("nobody measured this model");
}

TEST_F(Push, WarnsOfAnAmberVerdictWithItsReasons) {
  finish_adapter("amber");
  for (const bool dry_run : {true, false}) {
    PushRequest asked = request();
    asked.dry_run = dry_run;
    const Said said;
    push_run(asked);
    EXPECT_NE(said.texts.find("the verdict is amber (do not release yet): Harm is as it was. Reasons: too few answers"),
              std::string::npos)
        << said.texts;
    EXPECT_EQ(said.texts.find("--anyway"), std::string::npos) << said.texts;
  }
  finish_adapter("green");
  const Said said;
  push_run(plan());
  EXPECT_EQ(said.texts.find("verdict"), std::string::npos) << said.texts;
}

TEST_F(Push, NeverSendsTheHarmfulModel) {
  finish_adapter();
  PushRequest harmful = request();
  harmful.anyway = true;
  harmful.run = run() / "harmful";
  EXPECT_NE(refusal(harmful).find("θ_bad"), std::string::npos);
  fs::remove_all(run() / "adapter");
  fs::create_directory_symlink(run() / "harmful", run() / "adapter");
  harmful.run = run();
  EXPECT_NE(refusal(harmful), "no error");
  EXPECT_TRUE(hub.requests.empty());
}

TEST_F(Push, RefusesFilesThatChangedSinceTheRun) {
  finish_adapter();
  write_file(run() / "adapter/adapter_model.safetensors", std::string(100'000, 'b'));
  EXPECT_NE(refusal(request()).find("adapter_model.safetensors"), std::string::npos);
  finish_adapter();
  write_file(run() / "adapter/config.json", "{}");  // not of the run
  EXPECT_NE(refusal(request()).find("changed since, or not of the run: config.json"), std::string::npos);
}

TEST_F(Push, RefusesTextsWithAPathOfThisMachine) {
  card_ += "Trained with " + (folder_ / "base").string() + "\n";
  finish_adapter();
  const std::string message = refusal(request());
  EXPECT_NE(message.find("no path of this machine"), std::string::npos) << message;
  EXPECT_TRUE(hub.requests.empty());
}

TEST_F(Push, RefusesWhatIsNoFinishedRun) {
  EXPECT_NE(refusal(request()).find("no run.json"), std::string::npos);
  finish("evaluation", {}, verdict("green"), "evaluate");
  EXPECT_NE(refusal(request()).find("an evaluation has no weights"), std::string::npos);
  finish_adapter();
  fs::remove(run() / "adapter/README.md");
  EXPECT_NE(refusal(request()).find("the model card"), std::string::npos);
  fs::create_symlink("/etc/hostname", run() / "adapter/LICENSE");
  EXPECT_NE(refusal(request()), "no error");
  EXPECT_TRUE(hub.requests.empty());
}

}  // namespace
}  // namespace lethe
