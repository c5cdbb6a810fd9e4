// The model card: front matter that the Hub reads, and text of strangers that stays text.
#include "report/model_card.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "report/publishing_limits.h"

namespace lethe {
namespace {

ModelCard card_with(const std::string& text) {
  ModelCard card;
  card.title = card.base_model = card.licence = card.licence_name = card.licence_url = card.summary = card.version =
      text;
  card.adapter = true;
  card.tags = {"lethe", text};
  card.verdict = RunVerdict{VerdictLevel::amber, text, {text, text}};
  card.notes = card.limits = {text};
  card.results = {{text, {text, "original"}, {{text, text}}}};
  card.method = card.data = {{text, {text, "value"}, {{text, text}}, true}};
  return card;
}

std::string front_matter_of(const std::string& card) {
  const std::size_t end = card.find("\n---\n", 4);
  return card.starts_with("---\n") && end != std::string::npos ? card.substr(4, end - 3) : "no front matter";
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(ModelCard, HasTheFrontMatterThatTheHubReads) {
  ModelCard card;
  card.base_model = "facebook/opt-2.7b";
  card.tags = {"lethe", "unlearning", "sku"};
  card.licence = "apache-2.0";
  EXPECT_EQ(front_matter_of(markdown_card(card)),
            "base_model: facebook/opt-2.7b\nbase_model_relation: finetune\nlibrary_name: transformers\n"
            "pipeline_tag: text-generation\nlicense: apache-2.0\ntags:\n- lethe\n- unlearning\n- sku\n");
  card.adapter = true;
  card.licence = "";
  const std::string text = markdown_card(card);
  EXPECT_NE(front_matter_of(text).find("base_model_relation: adapter\nlibrary_name: peft\n"), std::string::npos);
  EXPECT_NE(front_matter_of(text).find("license: other\nlicense_name: unknown\n"), std::string::npos);
  EXPECT_NE(text.find("do not name a licence"), std::string::npos);
  EXPECT_NE(text.find("PeftModel.from_pretrained(base, "), std::string::npos);
  EXPECT_NE(text.find("from_pretrained(\"facebook/opt-2.7b\")"), std::string::npos);
}

TEST(ModelCard, WordsThatYamlReadsAsSomethingElseAreQuoted) {
  ModelCard card;
  for (const auto& [name, written] :
       {std::pair{"true", "\"true\""}, {"No", "\"No\""}, {"7e3", "\"7e3\""}, {"1.5", "\"1.5\""}, {"opt", "opt"}}) {
    card.base_model = name;
    EXPECT_NE(markdown_card(card).find("base_model: " + std::string(written) + "\n"), std::string::npos) << name;
  }
}

TEST(ModelCard, TextOfStrangersAddsNoKeyNoMarkupAndNoLine) {
  const std::string hostile =
      "x\n---\nlicense: mit\n# y <script>alert(1)</script> [a](javascript:b) ![c](https://evil.example/d) `e` | f "
      "https://evil.example www.evil.example *g* \"quoted\" \x1b[2J \u202e &lt; \xff";
  const std::string text = markdown_card(card_with(hostile)), harmless = markdown_card(card_with("x"));
  EXPECT_EQ(lines_in(text), lines_in(harmless));
  EXPECT_EQ(lines_in(front_matter_of(text)), lines_in(front_matter_of(harmless)));
  for (const char* part : {"\nlicense: mit", "\x1b", "\u202e", "\xff", "\n# y"})
    EXPECT_EQ(text.find(part), std::string::npos) << part;
  // Within code spans markup is text; elsewhere it is escaped.
  const std::string escaped = markdown_escaped(hostile), code = markdown_code(hostile);
  for (const char* markup : {"<script", "[a]", "`e`", "*g*", "https://", "www.", "&lt;"}) {
    for (std::size_t at = escaped.find(markup); at != std::string::npos; at = escaped.find(markup, at + 1))
      EXPECT_TRUE(at > 0 && escaped[at - 1] == '\\') << markup << " in " << escaped;
  }
  EXPECT_EQ(std::count(code.begin(), code.end(), '`'), 2);
  EXPECT_EQ(front_matter_of(text).find_first_of("<>[]()`*#\"'&|\\"), std::string::npos) << front_matter_of(text);
}

TEST(ModelCard, LongTextIsCutAtACharacter) {
  std::string text;
  while (text.size() < 300'000) text += "日";
  const std::string card = markdown_card(card_with(text));
  EXPECT_LT(card.size(), 40'000U);
  EXPECT_NE(card.find("日…"), std::string::npos);
  EXPECT_EQ(card.find("\uFFFD"), std::string::npos);
}

TEST(ModelCard, AnAddressIsALinkOnlyIfItIsAPlainHttpsAddress) {
  ModelCard card;
  card.base_model = "a";
  card.licence = "llama2";
  for (const auto& [address, linked] : {std::pair{"https://ai.meta.com/llama/license/", true},
                                        {"javascript:alert(1)", false},
                                        {"https://a.example/> <b>", false},
                                        {"http://a.example", false}}) {
    card.licence_url = address;
    EXPECT_EQ(markdown_card(card).find("<" + std::string(address) + ">") != std::string::npos, linked) << address;
  }
}

TEST(ModelCard, WithoutANameOfTheHubStillHasABase) {
  ModelCard card;
  card.licence = "llama2";
  EXPECT_EQ(markdown_card(card).find("base_model:"), std::string::npos);
  EXPECT_NE(markdown_card(card).find("The base's licence holds here too: `llama2`"), std::string::npos);
  card.from_scratch = true;
  EXPECT_NE(markdown_card(card).find("Whoever trained this model decides"), std::string::npos);
}

TEST(ModelCard, NamesAreThoseThatTheHubAllows) {
  EXPECT_EQ(hub_name("facebook/opt-2.7b"), "facebook/opt-2.7b");
  EXPECT_EQ(hub_name("my model (final)"), "my-model--final");
  EXPECT_EQ(hub_name("/home/me/opt"), "home-me-opt");
  EXPECT_EQ(hub_name("../.."), "");
  EXPECT_EQ(hub_name("a/b/c"), "a/b-c");
  EXPECT_EQ(hub_name(std::string(500, 'a')).size(), 96U);
}

TEST(PublishingLimits, NameTheModelThatCanBeComputed) {
  const auto text = [](Origin origin) {
    std::string all;
    for (const std::string& limit : publishing_limits(origin)) all += limit + "\n";
    return all;
  };
  EXPECT_NE(text(Origin::negation).find("base − adapter/α"), std::string::npos);
  EXPECT_NE(text(Origin::negation).find("whoever publishes this model publishes θ_bad too"), std::string::npos);
  EXPECT_NE(text(Origin::unknown).find("If negation"), std::string::npos);
  EXPECT_NE(text(Origin::contrast).find("can separate the halves and rebuild θ_bad"), std::string::npos);
  EXPECT_EQ(text(Origin::training).find("θ_bad"), std::string::npos);
  EXPECT_NE(text(Origin::training).find("can be reversed"), std::string::npos);
}

}  // namespace
}  // namespace lethe
