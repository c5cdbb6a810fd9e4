// The cards of a run: what is known of the base, how the model was made, and nothing of the user's machine.
#include "runs/model_card.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "core/files.h"
#include "core/terminal.h"
#include "evaluation/figures.h"
#include "folder_test.h"
#include "prompts/template.h"
#include "runs/run_folder.h"
#include "runs/sha256.h"

namespace lethe {
namespace {

class ModelCards : public FolderTest {
 protected:
  fs::path folder(const std::string& name) const {
    fs::create_directories(folder_ / name);
    return folder_ / name;
  }
  // The base's folder with a README.md of this front matter.
  fs::path base(const std::string& front_matter) const {
    write_file(folder("opt-2.7b") / "README.md",
               "---\n" + front_matter + "---\n# The base's own text\nlicense: gpl-3.0\n");
    return folder("opt-2.7b");
  }
  Recipe recipe() const {
    Recipe recipe;
    recipe.model = (folder_ / "opt-2.7b").string();
    recipe.out = (folder_ / "run").string();
    return recipe;
  }
};

YAML::Node front_matter_of(const std::string& card) {
  return YAML::Load(card.substr(4, card.find("\n---\n", 4) - 3));
}

Comparison judged_by(const std::string& description, const std::string& withheld = "") {
  Comparison comparison;
  comparison.judges.resize(1);
  comparison.judges[0].public_description = description;
  comparison.original.unseen.harmful = proportion(77, 100);
  comparison.unlearned.emplace().unseen.harmful = proportion(4, 100);
  comparison.original.judge_withheld = comparison.unlearned->judge_withheld = withheld;
  comparison.original.normal.correct = comparison.unlearned->normal.correct = proportion(9, 10);
  return comparison;
}

TEST_F(ModelCards, TheBaseIsNamedAsTheHubHasItOrByTheLastPartOfItsPath) {
  EXPECT_EQ(public_name("facebook/opt-2.7b", "/cache/x"), "facebook/opt-2.7b");
  EXPECT_EQ(public_name("facebook/opt-2.7b@main", "/cache/x"), "facebook/opt-2.7b");
  const auto name = [&](const char* path) { return public_name(folder(path).string(), folder_ / path); };
  EXPECT_EQ(name("models/my opt"), "my opt");
  EXPECT_EQ(name("models/opt/"), "opt");
  EXPECT_EQ(name("runs/first/model"), "first");
  EXPECT_EQ(name("runs/first/adapter"), "first");
  EXPECT_EQ(name("hub/models--facebook--opt-2.7b/snapshots/0123abcd"), "facebook/opt-2.7b");
}

TEST_F(ModelCards, TheLicenceIsThatOfTheBasesFrontMatterOrItsConfiguration) {
  const auto licence = [&](const std::string& front_matter) {
    return card_of_base("opt", base(front_matter), false).licence;
  };
  EXPECT_EQ(licence("license: apache-2.0\n"), "apache-2.0");
  EXPECT_EQ(licence("language: en\nlicense: \"mit\"  # by its authors\n"), "mit");
  EXPECT_EQ(licence("language: en\n"), "");
  EXPECT_EQ(licence("license:\n- mit\n- apache-2.0\n"), "");
  EXPECT_EQ(licence("license: <script>alert(1)</script>\n"), "");
  EXPECT_EQ(licence("license: " + std::string(1000, 'a') + "\n"), "");
  write_file(folder("opt-2.7b") / "config.json", R"({"license": "bigscience-openrail-m"})");
  EXPECT_EQ(licence("language: en\n"), "bigscience-openrail-m");
  const ModelCard other = card_of_base(
      "opt", base("license: other\nlicense_name: opt-license\nlicense_link: https://a.example/l\n"), false);
  EXPECT_EQ(other.licence_name, "opt-license");
  const YAML::Node yaml = front_matter_of(markdown_card(other));
  EXPECT_EQ(yaml["license"].as<std::string>(), "other");
  EXPECT_EQ(yaml["license_name"].as<std::string>(), "opt-license");
}

TEST_F(ModelCards, ABaseWithoutLettersOfTheHubIsStillTheBase) {
  configure_terminal({.quiet = true});
  const fs::path named = folder("模型");
  write_file(named / "README.md", "---\nlicense: llama2\n---\n");
  Recipe settings = recipe();
  settings.model = named.string();
  const RunFolder run(settings, "finetune");
  for (const ModelCard& card : {finetuning_card(settings, named, run),
                                arithmetic_card(named.string(), named, false, Origin::unknown, "merged", {})}) {
    const std::string text = markdown_card(card);
    EXPECT_NE(text.find("# 模型, "), std::string::npos) << text;
    EXPECT_NE(text.find("The base's licence holds here too: `llama2`"), std::string::npos) << text;
    EXPECT_EQ(text.find("random weights"), std::string::npos) << text;
    EXPECT_FALSE(front_matter_of(text)["base_model"]);
  }
  EXPECT_EQ(argument_name(public_name(named.string(), named)), "模型");
  EXPECT_EQ(argument_name("模,型=/"), "模-型--");
  EXPECT_EQ(argument_name("my opt"), "my-opt");
}

TEST_F(ModelCards, NameATemplateOnlyByItsKind) {
  Recipe settings = recipe();
  for (const auto& [text, shown] : {std::pair{"chat", "| `chat` |"},
                                    {Template::sku_default, "| `sku` |"},
                                    {"See /home/me/notes: {prompt}", "| `a text of the recipe` |"}}) {
    settings.data.response_template = text;
    const std::string card = markdown_card(unlearning_card(settings, folder("opt-2.7b"), 1, nullptr));
    EXPECT_NE(card.find(shown), std::string::npos) << card;
    EXPECT_EQ(card.find("/home/me"), std::string::npos) << card;
  }
}

TEST_F(ModelCards, ShowNoFolderWhereverAPathBegins) {
  ModelCard card;
  add_results(card, judged_by("guard.yaml:model=/home/me/g1 (/home/me/g2) '/home/me/g3' home/me/g4, 4 of 5"),
              {VerdictLevel::amber, "The judge path:/home/me/g5 fails.", {"as \"~/home/me/g6/\" says"}});
  const std::string text = markdown_card(card);
  EXPECT_EQ(text.find("home"), std::string::npos) << text;
  for (const char* part : {"model=g1 (g2) 'g3' g4, 4 of 5", "The judge g5 fails.", "as \"g6\" says"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST_F(ModelCards, NamesOfStrangersLeaveTheFrontMatterWhole) {
  const fs::path hostile = folder("x: [y\n---\nlicense: mit\n'\"{}&*!|>%@`#");
  const YAML::Node yaml = front_matter_of(markdown_card(card_of_base(hostile.string(), hostile, true)));
  EXPECT_EQ(yaml.size(), 7U);
  EXPECT_EQ(yaml["license"].as<std::string>(), "other");
  EXPECT_EQ(yaml["license_name"].as<std::string>(), "unknown");
  EXPECT_TRUE(yaml["base_model"].IsScalar());
}

TEST_F(ModelCards, OfAnUnlearnedModelNameMethodSettingsDataAndLimits) {
  configure_terminal({.quiet = true});
  base("license: mit\n");
  write_file(folder_ / "harm|ful.jsonl", "{}\n");
  Recipe settings = recipe();
  settings.tuning = TuningKind::lora;
  settings.negation.kl_budget = 0.1;
  RunFolder run(settings, "unlearn");
  run.add_input("harmful", folder_ / "harm|ful.jsonl", 1234);
  const ModelCard card = unlearning_card(settings, folder_ / "opt-2.7b", 0.25, &run);
  const std::string text = markdown_card(card);
  const YAML::Node yaml = front_matter_of(text);
  EXPECT_EQ(yaml["base_model"].as<std::string>(), "opt-2.7b");
  EXPECT_EQ(yaml["library_name"].as<std::string>(), "peft");
  EXPECT_EQ(yaml["tags"].as<std::vector<std::string>>(), (std::vector<std::string>{"lethe", "unlearning", "sku"}));
  for (const std::string& part :
       {std::string("1,234"), sha256("{}\n"), std::string("harm\\|ful.jsonl"), std::string("Liu et al."),
        std::string("0.25, chosen within a KL budget of 0.1 nats a token"), std::string("base − adapter/α"),
        std::string("was not evaluated"), std::string("PeftModel"), std::string("rank 32, alpha 16")})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(text.find(folder_.parent_path().string()), std::string::npos) << text;  // no path of this machine
  EXPECT_EQ(text.find("The base's own text"), std::string::npos);
  write_card(card, folder_ / "run.unfinished");
  EXPECT_EQ(read_file(folder_ / "run.unfinished" / "README.md"), text);
  // A method that keeps what it trained has no θ_bad.
  settings.method = "ga_mismatch";
  EXPECT_EQ(markdown_card(unlearning_card(settings, folder_ / "opt-2.7b", 1, nullptr)).find("base − adapter"),
            std::string::npos);
}

TEST_F(ModelCards, OfContrastNameBothHalves) {
  base("license: mit\n");
  Recipe settings = recipe();
  settings.method = "contrast";
  settings.tuning = TuningKind::lora;
  settings.safe = {.answers = "/home/me/answers.txt", .harm = HarmHalf::task_vector, .ratio = 0.5, .steps = 77};
  const auto text = [&] { return markdown_card(unlearning_card(settings, folder_ / "opt-2.7b", 0.25, nullptr)); };
  for (const char* part : {"answers.txt, 77 steps", "0.5 times that of task_vector", "rank 64: both halves",
                           "separate the halves and rebuild"})
    EXPECT_NE(text().find(part), std::string::npos) << part << "\n" << text();
  EXPECT_EQ(text().find("/home"), std::string::npos);
  EXPECT_NE(markdown_card(harmful_card(settings, folder_ / "opt-2.7b")).find("its harmful half (task_vector)"),
            std::string::npos);
  settings.safe.ratio = 0;  // no θ_bad was made
  EXPECT_EQ(text().find("rebuild"), std::string::npos);
}

TEST_F(ModelCards, OfTheHarmfulModelWarn) {
  base("license: mit\n");
  const ModelCard card = harmful_card(recipe(), folder_ / "opt-2.7b");
  EXPECT_NE(markdown_card(card).find("Do not publish it"), std::string::npos);
  write_card(card, folder_, Access::owner_only);
  EXPECT_EQ(fs::status(folder_ / "README.md").permissions() & fs::perms::all,
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(ModelCards, ResultsHoldTheVerdictAndBothModelsFigures) {
  ModelCard card;
  add_results(card, judged_by("classifier /home/me/judges/own.json of 100 responses"),
              {VerdictLevel::amber, "Harm on unseen prompts: 4.0%.", {"a reason"}});
  const std::string text = markdown_card(card);
  for (const char* part : {"**Amber.** Harm on unseen prompts: 4.0%.", "* a reason", "| original | unlearned |",
                           "| harmful answers, prompts unseen | 77.0% (68–84) | 4.0% (2–10) |",
                           "Judge: classifier own.json of 100 responses."})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

TEST_F(ModelCards, HarmOfAJudgeThatFailedItsChecksIsLeftOut) {
  ModelCard card;
  add_results(card, judged_by("a judge", "it calls everything safe"),
              {VerdictLevel::none, "Harm: not judged (it calls everything safe).", {}});
  const std::string text = markdown_card(card);
  EXPECT_NE(text.find("**No verdict.** Harm: not judged"), std::string::npos);
  EXPECT_EQ(text.find("4.0%"), std::string::npos);
  EXPECT_EQ(text.find("77.0%"), std::string::npos);
  EXPECT_NE(text.find("90.0%"), std::string::npos);  // figures that need no judge stay
}

}  // namespace
}  // namespace lethe
