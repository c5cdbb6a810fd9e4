// What data.template: auto stands for: the run's template, the chat template, SKU's text.
#include "runs/template_choice.h"

#include <gmock/gmock.h>

#include "core/files.h"
#include "core/terminal.h"
#include "folder_test.h"

namespace lethe {
namespace {

using testing::HasSubstr;

class TemplateChoices : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    configure_terminal({.quiet = true});
    plain_ = folder_ / "plain";
    instruct_ = folder_ / "instruct";
    fs::create_directories(plain_);
    fs::create_directories(instruct_);
    write_file(instruct_ / "chat_template.jinja", "{% for m in messages %}{{ m.content }}{% endfor %}");
  }
  void TearDown() override {
    configure_terminal({});
    FolderTest::TearDown();
  }
  // A finished run with these settings, and an adapter and a model in it.
  fs::path run(const std::string& name, const std::vector<std::string>& settings) const {
    const fs::path run = folder_ / name;
    for (const char* written : {"adapter", "model"}) fs::create_directories(run / written);
    write_file(run / "run.json", "{}");
    write_file(run / "recipe.yaml", to_yaml(load_recipe("", settings)));
    return run;
  }
  static TemplateChoice chosen(const std::vector<std::string>& settings, const fs::path& folder,
                               const std::vector<std::string>& adapters = {}) {
    return choose_template(load_recipe("", settings).data, folder, adapters);
  }

  fs::path plain_, instruct_;
};

TEST_F(TemplateChoices, WithoutAKeyAnInstructModelHasItsChatTemplateAndOthersSkusText) {
  const TemplateChoice chat = chosen({}, instruct_), sku = chosen({}, plain_);
  EXPECT_EQ(chat.name(), "chat");
  EXPECT_TRUE(chat.append_eos);  // or the model never learns where its turn ends
  EXPECT_EQ(chat.sentence(), "template: the model's chat template");
  EXPECT_EQ(chat.to_json(), (OrderedJson{{"chosen", "chat"}, {"from", "auto"}, {"append_eos", true}}));
  EXPECT_EQ(sku.name(), "sku");
  EXPECT_EQ(sku.text, Template::sku_default);
  EXPECT_FALSE(sku.append_eos);  // as published
  EXPECT_EQ(sku.sentence(), "template: SKU's text (the tokenizer has no chat template)");
}

TEST_F(TemplateChoices, AKeyDecidesWhateverTheModelHas) {
  const TemplateChoice sku = chosen({"data.template=sku"}, instruct_);
  EXPECT_EQ(sku.text, Template::sku_default);
  EXPECT_FALSE(sku.append_eos);
  EXPECT_THAT(sku.sentence(), HasSubstr("chat template is not used"));
  EXPECT_EQ(sku.to_json()["from"], "recipe");
  const TemplateChoice own = chosen({"data.template=Q: {prompt} A: {response}", "data.append_eos=true"}, instruct_);
  EXPECT_EQ(own.name(), "text");
  EXPECT_EQ(own.to_json()["text"], "Q: {prompt} A: {response}");
  EXPECT_TRUE(own.append_eos);
  EXPECT_FALSE(chosen({"data.append_eos=false"}, instruct_).append_eos);
  EXPECT_EQ(chosen({"data.template=chat"}, plain_).text, "chat");  // whose absence is reported when it is opened
}

TEST_F(TemplateChoices, WhatARunMadeIsPromptedAsInTheRun) {
  const fs::path run_folder =
      run("run", {"data.template=Q: {prompt} A: {response}", "data.append_eos=true", "data.system="});
  for (const TemplateChoice& choice :
       {chosen({}, run_folder / "model"), chosen({}, run_folder / "model" / ""),
        chosen({}, instruct_, {(run_folder / "adapter").string()}),
        chosen({}, plain_, {plain_.string(), (run_folder / "adapter").string() + ":0.5"})}) {
    EXPECT_EQ(choice.text, "Q: {prompt} A: {response}");
    EXPECT_TRUE(choice.append_eos);  // or NLL and perplexity are not those of the run
    EXPECT_EQ(choice.run, run_folder);
    EXPECT_EQ(choice.to_json()["from"], "run");
    EXPECT_THAT(choice.sentence(), HasSubstr("as in the run " + run_folder.string()));
  }
  EXPECT_EQ(chosen({"data.template=sku"}, run_folder / "model").name(), "sku");
  EXPECT_FALSE(chosen({"data.append_eos=false"}, run_folder / "model").append_eos);

  const fs::path chats = run("chats", {"data.template=chat", "data.system=Be brief."});
  EXPECT_EQ(chosen({}, instruct_, {(chats / "adapter").string()}).system, "Be brief.");
  EXPECT_EQ(chosen({"data.system=Be long."}, instruct_, {(chats / "adapter").string()}).system, "Be long.");
}

TEST_F(TemplateChoices, ALinkToWhatARunMadeIsPromptedAsInTheRun) {
  const fs::path run_folder = run("run", {"data.template=Q: {prompt} A: {response}"});
  fs::create_directory_symlink(run_folder / "model", folder_ / "linked");
  EXPECT_EQ(chosen({}, folder_ / "linked").name(), "text");
  EXPECT_EQ(chosen({}, folder_ / "linked" / "").name(), "text");
  // The model of a run may lie on another disk.
  fs::remove(run_folder / "adapter");
  fs::create_directory_symlink(plain_, run_folder / "adapter");
  EXPECT_EQ(chosen({}, run_folder / "adapter").name(), "text");
  EXPECT_EQ(chosen({}, "owner/no-such-model").name(), "sku");
}

TEST_F(TemplateChoices, ARunsChatTemplateThatTheTokenizerLacksIsNotUsed) {
  const fs::path chats = run("chats", {"data.template=chat", "data.system=Be brief.", "data.append_eos=true"});
  const TemplateChoice choice = chosen({}, chats / "model");
  EXPECT_EQ(choice.name(), "sku");
  EXPECT_TRUE(choice.run.empty());
  EXPECT_EQ(choice.system, "");
  EXPECT_FALSE(choice.append_eos);
}

TEST_F(TemplateChoices, OnlyAFinishedRunThatCanBeReadCounts) {
  const fs::path broken = run("broken", {});
  write_file(broken / "recipe.yaml", "data: {template: [1");
  EXPECT_EQ(chosen({}, plain_, {(broken / "adapter").string()}).name(), "sku");
  const fs::path open = run("open", {"data.template=auto"});  // an earlier version left it open
  EXPECT_EQ(chosen({}, instruct_, {(open / "adapter").string()}).name(), "chat");
  const fs::path elsewhere = run("elsewhere", {"data.template=Q: {prompt} A: {response}"}) / "copy";
  fs::create_directories(elsewhere);
  EXPECT_EQ(chosen({}, elsewhere).name(), "sku");  // not what the run made
  fs::remove(folder_ / "elsewhere" / "run.json");
  EXPECT_EQ(chosen({}, folder_ / "elsewhere" / "model").name(), "sku");
}

TEST_F(TemplateChoices, ARunsRecipeHoldsWhatWasDecided) {
  const Recipe given = load_recipe("", {"seed=5"});
  const Recipe decided = with_template(given, choose_template(given.data, instruct_));
  EXPECT_EQ(decided.data.response_template, "chat");
  EXPECT_EQ(decided.data.append_eos, AppendEos::on);
  EXPECT_EQ(parse_recipe(to_yaml(decided), "again"), decided);
  EXPECT_EQ(with_template(decided, choose_template(decided.data, instruct_)), decided);
  // Runs of earlier versions hold SKU's text and no end, and go on so, whatever the tokenizer has.
  const std::string old_data =
      "data:\n  template: \"### Question: {prompt}\\n ### Answer: {response}\"\n  append_eos: false\n";
  const Recipe before = parse_recipe(old_data, "old");
  EXPECT_EQ(with_template(before, choose_template(before.data, instruct_)), before);
  EXPECT_THAT(to_yaml(before), HasSubstr("append_eos: false\n"));
}

}  // namespace
}  // namespace lethe
