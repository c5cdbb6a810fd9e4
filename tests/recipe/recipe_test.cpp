#include "recipe/recipe.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "core/files.h"
#include "recipe/recipe_yaml.h"

namespace lethe {
namespace {

std::string message_of(const std::vector<std::string>& overrides) {
  try {
    load_recipe("", overrides);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Recipe, DefaultsAreTheContracts) {
  const Recipe recipe = load_recipe("");
  EXPECT_EQ(recipe.sku.eps_gd, 2.5);
  EXPECT_EQ(recipe.sku.k, 5);
  EXPECT_EQ(recipe.training.weight_decay, 0);
  EXPECT_FALSE(recipe.negation.alpha.has_value());
  EXPECT_EQ(recipe.seed, 8888U);
}

TEST(Recipe, SurvivesARoundTripThroughYaml) {
  const Recipe recipe = load_recipe(
      "", {"lora.targets=all-linear", "training.lr=1e-3", "negation.alpha=0.75",
           "data.harmful=[a.jsonl, {path: b.csv, prompt: goal}]", "data.template=Q: {prompt} # A: {response}",
           "lora={rank: 8, alpha: 4}", "data.split={train: 0.5}"});
  const auto path = std::filesystem::path(testing::TempDir()) / "recipe.yaml";
  write_file(path, to_yaml(recipe));
  EXPECT_EQ(load_recipe(path), recipe);
  EXPECT_EQ(recipe.lora.rank, 8);
  EXPECT_EQ(recipe.data.harmful[1].prompt, "goal");
}

TEST(Recipe, TheTemplateAndTheEndOfResponsesAreAutomaticUnlessSet) {
  const Recipe defaults = load_recipe("");
  EXPECT_EQ(defaults.data.response_template, "auto");
  EXPECT_EQ(defaults.data.append_eos, AppendEos::automatic);
  EXPECT_EQ(load_recipe("", {"data.append_eos=true"}).data.append_eos, AppendEos::on);
  EXPECT_EQ(parse_recipe("data: {append_eos: false}", "r.yaml").data.append_eos, AppendEos::off);
  EXPECT_NE(message_of({"data.append_eos=perhaps"}).find("auto, true, false"), std::string::npos);
  const Template chat = Template::chat(ChatTemplate("{% for m in messages %}{{ m.content }}{% endfor %}", {}, "test")),
                 sku = Template::parse(Template::sku_default);
  EXPECT_TRUE(example_options(defaults, chat).append_eos);
  EXPECT_FALSE(example_options(defaults, sku).append_eos);
  EXPECT_TRUE(example_options(load_recipe("", {"data.append_eos=true"}), sku).append_eos);
  EXPECT_FALSE(example_options(load_recipe("", {"data.append_eos=false"}), chat).append_eos);
  EXPECT_EQ(parse_recipe(to_yaml(defaults), "again"), defaults);
}

// A snapshot belongs to the YAML of its recipe: keys of later versions must not change that of an older run.
TEST(Recipe, CanBeWrittenWithTheKeysOfAnOlderFileAlone) {
  const Recipe recipe = load_recipe("", {"training.steps=7", "data.split.by=similarity", "seed=5"});
  EXPECT_EQ(to_yaml_with_keys_of(recipe, to_yaml(load_recipe(""))), to_yaml(recipe));
  EXPECT_EQ(to_yaml_with_keys_of(recipe, "seed: 1\ndata: {split: {by: prompt}}\ntraining:\n  steps: 1\n"),
            "data:\n  split:\n    by: similarity\ntraining:\n  steps: 7\nseed: 5\n");
  EXPECT_EQ(to_yaml_with_keys_of(recipe, "data: 5\nseed: 1\n"), "seed: 5\n");
}

TEST(Recipe, TakesOneJudgeOrSeveral) {
  EXPECT_EQ(load_recipe("", {"evaluation.judge=refusal"}).evaluation.judge, std::vector<std::string>{"refusal"});
  const Recipe several = load_recipe("", {"evaluation.judge=[judge.json, guard.yaml:model=/m]"});
  EXPECT_EQ(several.evaluation.judge, (std::vector<std::string>{"judge.json", "guard.yaml:model=/m"}));
  EXPECT_EQ(parse_recipe(to_yaml(several), "again", {}), several);
  for (const char* wrong : {"evaluation.judge=[]", "evaluation.judge=[refusal, none]", "evaluation.judge={a: b}",
                            "evaluation.threshold=1", "evaluation.threshold=-0.1"})
    EXPECT_NE(message_of({wrong}).find("evaluation."), std::string::npos) << wrong;
}

TEST(Recipe, AnUnknownKeyNamesTheNearestOne) {
  EXPECT_NE(message_of({"training.step=5"}).find("training.steps"), std::string::npos);
  EXPECT_NE(message_of({"lora={rnk: 5}"}).find("lora.rank"), std::string::npos);
}

TEST(Recipe, OtherProgramsNamesOfASettingLeadToOurs) {
  for (const auto& [typed, meant] :
       std::vector<std::pair<std::string, std::string>>{{"alpha=0.5", "negation.alpha or lora.alpha"},
                                                        {"lr=1e-4", "training.lr"},
                                                        {"learning_rate=1e-4", "training.lr"},
                                                        {"training.learning_rate=1e-4", "training.lr"},
                                                        {"train.learning-rate=1e-4", "training.lr"},
                                                        {"batch_size=4", "training.batch"},
                                                        {"per_device_train_batch_size=4", "training.batch"},
                                                        {"gradient_accumulation_steps=2", "training.accumulate"},
                                                        {"max_steps=5", "training.steps"},
                                                        {"traning.steps=5", "training.steps"},
                                                        {"training.stpes=5", "training.steps"},
                                                        {"Training.Steps=5", "training.steps"},
                                                        {"steps=5", "training.steps"},
                                                        {"r=8", "lora.rank"},
                                                        {"rank=8", "lora.rank"},
                                                        {"lora_r=8", "lora.rank"},
                                                        {"lora.r=8", "lora.rank"},
                                                        {"lora_alpha=8", "lora.alpha"},
                                                        {"target_modules=[q_proj]", "lora.targets"},
                                                        {"output_dir=x", "try    out"},
                                                        {"model_name_or_path=x", "try    model"},
                                                        {"modle=x", "try    model"},
                                                        {"max_seq_length=64", "data.max_length"},
                                                        {"data.maxlength=64", "data.max_length"},
                                                        {"warmup_ratio=0.1", "training.warmup"},
                                                        {"warmup_ratio=0.1", "not as a share of them"},
                                                        {"report_to=wandb", "try    logging"},
                                                        {"wandb=true", "lethe.log_to_wandb()"},
                                                        {"optim=adamw_torch", "the optimizer is AdamW"},
                                                        {"trust_remote_code=true", "no code of a model's folder"},
                                                        {"resume_from_checkpoint=x", "--resume RUN"},
                                                        {"eval_strategy=steps", "evaluation.every"},
                                                        {"gpu=0", "try    device"},
                                                        {"algorithm=npo", "try    method"},
                                                        {"peft_config.r=8", "lora.rank"},
                                                        {"kl_budget=0.1", "negation.kl_budget"},
                                                        {"kl_budgt=0.1", "negation.kl_budget"},
                                                        {"learning_rte=1", "training.lr"},
                                                        {"negation.lr=1", "negation.repair.lr"},
                                                        {"pd_margin=1", "sku.pd_margin"},
                                                        {"judge=refusal", "evaluation.judge"},
                                                        {"forget=a.jsonl", "data.harmful"},
                                                        {"retain=a.jsonl", "data.normal"},
                                                        {"gamma=1", "objective.forget"},
                                                        {"npo.beta=1", "objective.beta"},
                                                        {"retain_loss_type=KL", "objective.retain_loss"},
                                                        {"load_in_4bit=true", "quantize"},
                                                        {"gradient_checkpointing=true", "training.recompute"}}) {
    const std::string message = message_of({typed});
    EXPECT_NE(message.find(meant), std::string::npos) << typed << ": " << message;
    EXPECT_NE(message.find("no such key"), std::string::npos) << message;
  }
  for (const char* far : {"xyzzy=1", "foo.bar=1"})
    EXPECT_EQ(message_of({far}).find("try"), std::string::npos) << message_of({far});
}

TEST(Recipe, LogsAreThoseThatLetheWrites) {
  const Recipe defaults = parse_recipe("", "r.yaml");
  EXPECT_EQ(defaults.logging, std::vector<std::string>{"none"});
  EXPECT_EQ(parse_recipe(to_yaml(defaults), "again"), defaults);
  for (const char* typed : {"logging=tensorboard", "logging=[tensorboard]"})
    EXPECT_EQ(parse_recipe("", "r.yaml", {typed}).logging, std::vector<std::string>{"tensorboard"}) << typed;
  const std::string message = message_of({"logging=[tensorboard, wandb]"});
  for (const char* part : {"logging", "none, tensorboard", "docs/howto/python.md", "wandb"})
    EXPECT_NE(message.find(part), std::string::npos) << message;
}

TEST(Recipe, EpochsAreExplainedInSteps) {
  for (const char* typed : {"epochs=3", "training.epochs=3", "num_train_epochs=3", "n-epochs=3"}) {
    const std::string message = message_of({typed});
    EXPECT_NE(message.find("training.steps"), std::string::npos) << message;
    EXPECT_NE(message.find("an epoch is ROWS / (training.batch x training.accumulate) steps"), std::string::npos)
        << message;
  }
}

TEST(Recipe, AMisspeltSectionNamesTheSection) {
  try {
    parse_recipe("traning: {steps: 5}", "r.yaml");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("training: {…}"), std::string::npos) << error.what();
  }
}

TEST(Recipe, AllThatIsMissingIsNamedAtOnce) {
  try {
    require_keys(load_recipe("", {"out=x"}), {"model", "data.harmful", "data.normal", "out"});
    FAIL();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(error.code(), ExitCode::usage);
    for (const char* part : {"model: --model", "data.harmful: --harmful", "data.normal: --normal"})
      EXPECT_NE(message.find(part), std::string::npos) << message;
    EXPECT_EQ(message.find("out:"), std::string::npos) << message;
  }
}

TEST(Recipe, AnAlphaThatIsNoneSaysWhatItMayBe) {
  for (const char* wrong : {"negation.alpha=abc", "negation.alpha=[1]", "negation.alpha=", "negation.alpha=Auto"})
    EXPECT_NE(message_of({wrong}).find("a number, or auto"), std::string::npos) << message_of({wrong});
  EXPECT_FALSE(load_recipe("", {"negation.alpha=0.5", "negation.alpha=auto"}).negation.alpha.has_value());
}

TEST(Recipe, AKeyGivenTwiceIsRefusedAtEveryDepth) {
  for (const char* yaml :
       {"seed: 1\nseed: 2", "training: {steps: 1, steps: 2}", "training: {steps: 1}\ntraining: {lr: 1}",
        "data: {harmful: {path: a, path: b}}", "data: {harmful: [{path: a, prompt: p, prompt: q}]}",
        "negation: {factors: {attn: 0, attn: 1}}", "data: {split: {train: 0.5, train: 0.6}}",
        "training.steps: 1\ntraining: {steps: 2}", "\"seed\": 1\nseed: 2"}) {
    try {
      parse_recipe(yaml, "r.yaml");
      ADD_FAILURE() << yaml;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("twice"), std::string::npos) << yaml << ": " << error.what();
    }
  }
  EXPECT_NE(message_of({"lora={rank: 8, rank: 9}"}).find("twice"), std::string::npos);
  EXPECT_EQ(load_recipe("", {"seed=1", "seed=2"}).seed, 2U);  // the last setting wins
}

TEST(Recipe, ASecondYamlDocumentIsRefused) {
  for (const char* yaml : {"seed: 1\n---\nseed: 2", "---\nseed: 1\n---\ntraining: {lr: 1}\n", "---\n---\nseed: 1"}) {
    try {
      parse_recipe(yaml, "r.yaml");
      ADD_FAILURE() << yaml;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("one YAML document"), std::string::npos) << error.what();
    }
  }
  for (const char* one : {"seed: 5", "---\nseed: 5\n", "seed: 5\n...\n", "%YAML 1.2\n---\nseed: 5\n"})
    EXPECT_EQ(parse_recipe(one, "r.yaml").seed, 5U) << one;
  for (const char* broken : {"[a,,,,", "{a", "--- [a,,,,\n---", "\"abc", "- - - [", "? ? ?"}) {
    try {
      parse_recipe(broken, "r.yaml");
      ADD_FAILURE() << broken;
    } catch (const Error&) {  // and in no time
    }
  }
}

TEST(Recipe, WrongValuesAreRefusedByKey) {
  for (const char* wrong :
       {"training.steps=-1", "training.steps=many", "training.lr=0", "tuning=half", "data.template=no places",
        "negation.alpha=some", "training.steps=0", "data.append_eos=perhaps", "sku=5"}) {
    const std::string key = std::string(wrong).substr(0, std::string(wrong).find('='));
    EXPECT_FALSE(message_of({wrong}).empty()) << wrong;
    if (key != "data.template") {
      EXPECT_NE(message_of({wrong}).find(key), std::string::npos) << message_of({wrong});
    }
  }
}

TEST(Recipe, DefencesThatCannotWorkAreRefusedBeforeAnyWork) {
  EXPECT_EQ(message_of({"negation.survive=nf4", "negation.rounds=2"}), "");
  const std::string packed = message_of({"tuning=lora", "quantize=nf4", "negation.survive=nf4"});
  EXPECT_NE(packed.find("negation.survive"), std::string::npos) << packed;
  const std::string watched = message_of({"negation.rounds=2", "evaluation.every=5"});
  EXPECT_NE(watched.find("negation.rounds"), std::string::npos) << watched;
  EXPECT_EQ(message_of({"negation.rounds=1", "evaluation.every=5"}), "");
  for (const char* wrong : {"negation.rounds=0", "negation.rounds=5", "negation.relearn.steps=-1",
                            "negation.relearn.lr=0", "negation.survive=int8"})
    EXPECT_NE(message_of({wrong}), "") << wrong;
}

// Only errors, and quickly: a recipe may be hostile.
TEST(HostileRecipe, KeysNumbersAndNestingThatCannotBeAreRefused) {
  const auto refused = [](const std::string& yaml) {
    try {
      parse_recipe(yaml, "r.yaml");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  for (const char* yaml : {"data: {harmful: {[a]: b}}", "data: {? {a: b} : 1}", "negation: {factors: {[a]: 1}}",
                           "? [a]\n: 1", "lora: {[rank]: 1}", "{}: {}"})
    EXPECT_NE(refused(yaml).find("key"), std::string::npos) << yaml << ": " << refused(yaml);
  for (const char* yaml : {"training: {steps: 99999999999999999999}", "training: {steps: -1}", "training: {lr: .nan}",
                           "training: {lr: 1e999}", "training: {lr: -.inf}", "seed: 18446744073709551616", "seed: 1e3"})
    EXPECT_NE(refused(yaml), "") << yaml;
  EXPECT_NE(refused("seed: 1\nseed: 2"), "");
  EXPECT_NE(refused(std::string(100'000, '[')), "");
  EXPECT_NE(refused("a: &a [*a]\ndata: {harmful: *a}"), "");
}

}  // namespace
}  // namespace lethe
