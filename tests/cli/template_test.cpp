// The prompt template that commands use without a key, and what a run passes on to later ones.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class PromptTemplate : public Program {
 protected:
  void SetUp() override {
    Program::SetUp();
    fs::copy(model_, at("instruct"));
    write_file(at("instruct/chat_template.jinja"),
               "{% for m in messages %}{{ m.role }}:\n{{ m.content }}{{ eos_token }}\n{% endfor %}"
               "{% if add_generation_prompt %}assistant:\n{% endif %}");
    write_file(at("in.jsonl"), "{\"prompt\": \"Where does Mira live?\", \"response\": \"In Saltby.\"}\n");
  }
  // A short run, under the name `out`.
  Outcome unlearned(const std::string& model, const std::string& out, const std::string& settings = "") const {
    return run("unlearn --model " + model + data() +
               " training.steps=1 training.batch=2 sku.k=1 data.max_length=64 negation.alpha=0.5 tuning=lora "
               "evaluation.prompts=3 evaluation.max_new_tokens=2 " +
               settings + " --out " + at(out));
  }
  std::string scored(const std::string& options) const {
    const Outcome outcome = run("score --quiet " + options + " --input " + at("in.jsonl") + " --output -");
    EXPECT_EQ(outcome.status, 0) << outcome.text;
    return outcome.text;
  }
};

TEST_F(PromptTemplate, OfScoreAndGenerateIsTheModelsOwnAndElseSkus) {
  const std::string chat = "--model " + at("instruct"), plain = "--model " + model_;
  EXPECT_EQ(scored(chat), scored(chat + " --template chat"));
  EXPECT_NE(scored(chat), scored(chat + " --template sku"));
  EXPECT_EQ(scored(plain), scored(plain + " --template sku"));
  EXPECT_EQ(scored(chat + " --template sku"), scored(plain + " --template sku"));
  const auto generated = [&](const std::string& options) {
    return run("generate --max-new-tokens 4 " + options + " --input " + at("in.jsonl") + " --output " + at("out.jsonl"))
        .text;
  };
  expect_all({0, generated(chat)}, 0, {"template: the model's chat template\n"});
  expect_all({0, generated(plain)}, 0, {"template: SKU's text (the tokenizer has no chat template)\n"});
  EXPECT_EQ(generated(chat + " --quiet"), "");
}

TEST_F(PromptTemplate, IsReadOnlyForRowsThatUseIt) {
  write_file(at("instruct/chat_template.jinja"), "no text of anybody");
  expect_all(run("score --model " + at("instruct") + " --input " + at("in.jsonl") + " --output -"), 3, {"template"});
  write_file(at("ids.jsonl"), "{\"ids\": [1, 2, 3]}\n{\"text\": \"Mira\"}\n");
  const Outcome ids = run("score --model " + at("instruct") + " --input " + at("ids.jsonl") + " --output -");
  expect_all(ids, 0, {"logprobs"});
  EXPECT_EQ(ids.text.find("template"), std::string::npos) << ids.text;
}

TEST_F(PromptTemplate, OfARunStandsInItsFilesAndGoesToLaterCommands) {
  expect_all(unlearned(at("instruct"), "chat"), 0, {"template: the model's chat template\n"});
  EXPECT_EQ(read_json(at("chat/run.json")).at("template"),
            (Json{{"chosen", "chat"}, {"from", "auto"}, {"append_eos", true}}));
  const std::string recipe = read_file(at("chat/recipe.yaml"));
  EXPECT_NE(recipe.find("template: chat\n"), std::string::npos) << recipe;
  EXPECT_NE(recipe.find("append_eos: true\n"), std::string::npos) << recipe;

  const std::string own = "Question: {prompt}\\nAnswer:\\n{response}";
  expect_all(unlearned(at("instruct"), "own", "\"data={template: \\\"" + own + "\\\"}\""), 0,
             {"warning: The model has a chat template, but its prompts use another text"});
  const std::string adapter = "--model " + at("instruct") + " --adapter " + at("own/adapter");
  EXPECT_EQ(scored(adapter), scored(adapter + " --template \"$(printf \"" + own + "\")\""));
  EXPECT_NE(scored(adapter), scored(adapter + " --template chat"));
  bool warned = false;
  const Json results = read_json(at("own/results.json"));
  for (const Json& warning : results.at("warnings"))
    warned |= warning.get<std::string>().find("has a chat template") != std::string::npos;
  EXPECT_TRUE(warned);

  expect_all(run("sweep " + at("own") + " --alpha 0.5 --prompts 2"), 0, {"template: Question: {prompt}"});
  expect_all(run("compare --model " + at("instruct") + " --adapter " + at("own/adapter") + " --input " +
                 at("in.jsonl") + " --max-new-tokens 2"),
             0, {"(as in the run " + at("own") + ")\n"});
  const std::string prompts = at("demo/few/harmful.jsonl"), normal = at("demo/few/normal.jsonl");
  expect_all(run("evaluate " + adapter + " --seen " + prompts + " --unseen " + at("demo/data/lawful.jsonl") +
                 " --normal " + normal + " --judge refusal --prompts 2 --max-new-tokens 2 --out " + at("evaluated")),
             0, {"(as in the run " + at("own") + ")\n"});
  EXPECT_EQ(read_json(at("evaluated/run.json")).at("template").at("from"), "run");
}

TEST_F(PromptTemplate, OfAnEarlierRunStaysAsItWas) {
  ASSERT_EQ(unlearned(at("instruct"), "old", "data.template=sku").status, 0);
  const std::string recipe = read_file(at("old/recipe.yaml"));  // as all versions write it
  EXPECT_NE(recipe.find("template: \"### Question: {prompt}\\n ### Answer: {response}\"\n"), std::string::npos);
  EXPECT_NE(recipe.find("append_eos: false\n"), std::string::npos) << recipe;
  expect_all(run("rerun " + at("old")), 0,
             {"template: SKU's text (the model's chat template is not used)", "same bits"});
}

}  // namespace
}  // namespace lethe
