#include "formats/yaml_keys.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include "core/error.h"

namespace lethe {
namespace {

std::string yaml_refusal(const std::string& text) {
  try {
    load_yaml(text, "cannot read a file");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input) << text;
    return error.what();
  }
  return "";
}

TEST(YamlKeys, AKeyGivenTwiceIsRefusedAnywhere) {
  for (const char* text : {
           "model: a\nurl: b\nmodel: c\n",
           "model: a\n\"model\": c\n",
           "model: a\n'model': c\n",
           "model: a\n\"mod\\x65l\": c\n",
           "model: a\n!!str model: c\n",
           "{model: a, model: c}",
           "policies:\n  x: a\n  model: b\n  model: c\n",
           "policies: {model: b, model: c}\n",
           "list:\n  - one\n  - {model: b, model: c}\n",
           "list: [[{model: 1, other: {}, model: 2}]]\n",
           "&name model: a\n*name : c\n",
           "name: &name model\nother: {model: a, *name : c}\n",
           "? model\n: a\n? model\n: c\n",
           "? {model: 1, model: 2}\n: a\n",
           "model:\nmodel: a\n",
           "a: &x {b: 1}\nmodel: *x\nmodel: *x\n",
       }) {
    const std::string found = yaml_refusal(text);
    EXPECT_NE(found.find("given twice"), std::string::npos) << text << found;
    EXPECT_NE(found.find("model"), std::string::npos) << text << found;
  }
  EXPECT_NE(yaml_refusal("a: 1\nb: 2\na: 3\n").find("line   3"), std::string::npos)
      << yaml_refusal("a: 1\nb: 2\na: 3\n");
}

TEST(YamlKeys, TheSameWordElsewhereIsNoSecondKey) {
  for (const char* text : {"model: model\nother: {model: a}\n", "list: [model, model]\n", "a: {b: 1}\nc: {b: 1}\n",
                           "a: &x [1, 2]\nb: *x\nc: *x\n", "- {a: 1}\n- {a: 1}\n", "", "# nothing\n", "---\na: 1\n",
                           "a: 1\n...\n", "%YAML 1.2\n---\na: 1\n", "\"<<\": a\n"}) {
    EXPECT_EQ(yaml_refusal(text), "") << text;
  }
  EXPECT_EQ(load_yaml("a: &x [1, 2]\nb: *x\n", "")["b"][1].as<int>(), 2);
}

TEST(YamlKeys, WhatTheParserWouldMisreadIsRefused) {
  EXPECT_NE(yaml_refusal("a: &x {b: 1}\nc:\n  <<: *x\n").find("merge key"), std::string::npos);
  EXPECT_NE(yaml_refusal("<<: {a: 1}\n").find("merge key"), std::string::npos);
  for (const char* text :
       {"a: &x [*x]\n", "a: &x {b: *x}\n", "&x a: &y [1, {b: *y}]\n", "&x [[[*x]]]\n", "&x {? *x : 1}\n"})
    EXPECT_NE(yaml_refusal(text).find("alias within"), std::string::npos) << text << yaml_refusal(text);
  for (const char* text :
       {"a: 1\n---\nb: 2\n", "a: 1\n---\n", "a: 1\n...\nb: 2\n", "a: 1\n---\n[a,,,,", "--- a\n--- b\n"})
    EXPECT_NE(yaml_refusal(text).find("one YAML document"), std::string::npos) << text << yaml_refusal(text);
  for (const char* text :
       {"[a,,,,", "{a: 1", "a: *nothing\n", "a: \"", "\t- x: [", "%", "&", "*", "!<", "? ", "a: 1\n]\n"})
    yaml_refusal(text);  // any result is fine if it ends
  EXPECT_NE(yaml_refusal(std::string(100'000, '[')), "");
  std::string laughs = "a0: &a0 [x, x]\n";
  for (int i = 1; i < 60; ++i) {
    const std::string last = std::to_string(i - 1), now = std::to_string(i);
    laughs += "a" + now + ": &a" + now + " [*a" + last + ", *a" + last + "]\n";
  }
  EXPECT_EQ(yaml_refusal(laughs), "");  // an alias costs the same, however long its target
}

}  // namespace
}  // namespace lethe
