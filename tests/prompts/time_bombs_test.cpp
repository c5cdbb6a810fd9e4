// Tokenizers and templates that would take hours where a step costs as much as the whole text: each is linear or
// refused.
#include <gtest/gtest.h>

#include "made_tokenizer.h"
#include "prompts/chat_template.h"

namespace lethe {
namespace {

constexpr std::size_t kMegabyte = 1 << 20;

class TimeBombs : public MadeTokenizerTest {
 protected:
  static Json token(const std::string& content, const Json& flags = Json::object()) {
    Json made = {{"id", 5}, {"content", content}, {"special", true}};
    made.update(flags);
    return made;
  }
};

std::string repeated(std::string_view part, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += part;
  return text;
}

TEST_F(TimeBombs, AnAddedTokenOfAMegabyteIsLookedForInOnePass) {
  const std::string letters(kMegabyte, 'a');
  const Tokenizer tokenizer =
      with({{"added_tokens", Json::array({token(letters + "b"), token(letters.substr(1) + "c")})}});
  EXPECT_EQ(tokenizer.encode(letters).ids.size(), 1U);
  EXPECT_EQ(tokenizer.encode(letters + letters + "b").ids.size(), 2U);
  const ByteRange given[] = {{0, 2 * kMegabyte}};
  EXPECT_EQ(tokenizer.encode(letters + letters + "b", {.add_special = false, .plain = given}).ids.size(), 1U);
}

TEST_F(TimeBombs, TenThousandAddedTokensThatBeginAlikeAreLookedForInOnePass) {
  Json tokens = Json::array();
  for (int i = 0; i < 10'000; ++i) tokens.push_back(token(std::string(100, '<') + std::to_string(i) + ">"));
  EXPECT_EQ(with({{"added_tokens", tokens}}).encode(std::string(kMegabyte, '<')).ids.size(), 1U);
}

TEST_F(TimeBombs, TokensThatEachTakeAllSpacesAfterThemAreBounded) {
  const Json spaces = {{"added_tokens", Json::array({token(" ", {{"rstrip", true}})})}};
  EXPECT_GT(with(spaces).encode(std::string(100, ' ')).ids.size(), 1U);
  EXPECT_THROW(with(spaces).encode(std::string(kMegabyte, ' ')), Error);
}

TEST_F(TimeBombs, MoreThanAHundredStepsAreRefused) {
  struct Part {
    const char *kind, *steps;
    Json step;
  };
  for (const auto& [kind, steps, step] : {Part{"normalizer", "normalizers", {{"type", "Lowercase"}}},
                                          Part{"pre_tokenizer", "pretokenizers", {{"type", "WhitespaceSplit"}}},
                                          Part{"post_processor", "processors", {{"type", "ByteLevel"}}},
                                          Part{"decoder", "decoders", {{"type", "Fuse"}}}}) {
    const auto sequence = [&, steps = steps](const Json& one, std::size_t count) {
      return Json{{"type", "Sequence"}, {steps, Json(std::vector<Json>(count, one))}};
    };
    EXPECT_NO_THROW(with({{kind, sequence(step, 100)}})) << kind;
    EXPECT_THROW(with({{kind, sequence(step, 10'000)}}), Error) << kind;
    EXPECT_THROW(with({{kind, sequence(sequence(step, 20), 20)}}), Error) << kind;
  }
}

TEST_F(TimeBombs, APostProcessorOfThousandsOfPiecesIsRefused) {
  const Json special = {{"x", {{"id", "x"}, {"ids", Json::array()}, {"tokens", Json::array()}}}};
  const auto pieces = [&](std::size_t count) {
    const Json piece = {{"SpecialToken", {{"id", "x"}, {"type_id", 0}}}};
    return Json{
        {"post_processor",
         {{"type", "TemplateProcessing"}, {"single", std::vector<Json>(count, piece)}, {"special_tokens", special}}}};
  };
  EXPECT_NO_THROW(with(pieces(100)));
  EXPECT_THROW(with(pieces(10'000)), Error);
}

TEST_F(TimeBombs, WhatEachPieceOfATextBecomesIsBoundedTogether) {
  const Json added = Json::array({token("|")});
  const Tokenizer prepending =
      with({{"added_tokens", added}, {"normalizer", {{"type", "Prepend"}, {"prepend", std::string(1000, 'x')}}}});
  EXPECT_EQ(prepending.encode("a|a").ids.size(), 3U);
  EXPECT_THROW(prepending.encode(repeated("a|", 100'000)), Error);
  const Tokenizer marking =
      with({{"added_tokens", added},
            {"pre_tokenizer",
             {{"type", "Metaspace"}, {"replacement", std::string(1000, 'x')}, {"prepend_scheme", "always"}}}});
  EXPECT_THROW(marking.encode(repeated("a|", 100'000)), Error);
  const Tokenizer growing =
      with({{"decoder", {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(1000, 'x')}}}});
  EXPECT_EQ(growing.decode(std::vector<int>{0, 0}).size(), 2000U);
  EXPECT_THROW(growing.decode(std::vector<int>(100'000, 0)), Error);
}

TEST_F(TimeBombs, TextsThatAreWrittenAgainAndAgainAreShort) {
  const std::string longer(1001, 'x');
  EXPECT_THROW(with({{"normalizer", {{"type", "Prepend"}, {"prepend", longer}}}}), Error);
  EXPECT_THROW(with({{"normalizer", {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", longer}}}}),
               Error);
  EXPECT_THROW(with({{"pre_tokenizer", {{"type", "Metaspace"}, {"replacement", longer}}}}), Error);
  const Json vocabulary = {{longer, 0}, {"a", 1}};
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix", "unk_token"}) {
    const Json model = {{"type", "BPE"}, {"vocab", vocabulary}, {"merges", Json::array()}, {key, longer}};
    EXPECT_THROW(with({{"model", model}}), Error) << key;
  }
  EXPECT_THROW(with({{"model", {{"type", "WordPiece"}, {"vocab", vocabulary}, {"unk_token", longer}}}}), Error);
}

TEST_F(TimeBombs, AVocabularyThatLeadsFarAtEachPlaceIsRefusedForSuchATextOnly) {
  const std::string far(100'000, 'a');
  const Json pieces = {{"a", 0}, {"##a", 1}, {"##" + far + "b", 2}, {"<unk>", 3}};
  const Tokenizer words = with({{"model",
                                 {{"type", "WordPiece"},
                                  {"vocab", pieces},
                                  {"unk_token", "<unk>"},
                                  {"max_input_chars_per_word", 10'000'000U}}}});
  EXPECT_EQ(words.encode("aaaa").ids.size(), 4U);
  EXPECT_EQ(words.encode(std::string(200, 'a')).ids.size(), 200U);
  EXPECT_THROW(words.encode(std::string(200'000, 'a')), Error);
  const Json scored =
      Json::array({Json::array({"<unk>", 0.0}), Json::array({"a", -1.0}), Json::array({far + "b", -2.0})});
  const Tokenizer unigram = with({{"model", {{"type", "Unigram"}, {"vocab", scored}, {"unk_id", 0U}}}});
  EXPECT_EQ(unigram.encode("aaaa").ids.size(), 4U);
  EXPECT_THROW(unigram.encode(std::string(200'000, 'a')), Error);
}

TEST_F(TimeBombs, ATemplatesWorkIsCountedWhereverItIsDone) {
  const auto render = [](const std::string& source) {
    const OrderedJson none = OrderedJson::object();
    return ChatTemplate(source, none, "bomb").render(none).text();
  };
  // Macros defined again and again, each in a scope of its own.
  EXPECT_EQ(
      render("{% for i in range(400) %}{% for j in range(400) %}{% macro f() %}{% endmacro %}{% endfor %}{% endfor %}"),
      "");
  // A name looked for through two hundred scopes.
  const std::string deep = "{% set q = 1 %}" + repeated("{% for x in [1] %}", 200) +
                           "{% for i in range(99999) %}{{ q }}{{ q }}{% endfor %}" + repeated("{% endfor %}", 200);
  EXPECT_THROW(render(deep), Error);
  // A dict, a text and many names that are read whole for each use.
  std::string many, names;
  for (int i = 0; i < 2'000; ++i) {
    many += (i > 0 ? ", 'k" : "'k") + std::to_string(i) + "': 1";
    names += (i > 0 ? ", k" : "k") + std::to_string(i) + "=1";
  }
  EXPECT_THROW(render("{% set d = {" + many +
                      "} %}{% for i in range(99999) %}{% for k in d %}{% break %}{% endfor %}{% endfor %}"),
               Error);
  EXPECT_THROW(render("{% set d = {" + many + "} %}{% for i in range(99999) %}{{ d.k1999 }}{% endfor %}"), Error);
  EXPECT_THROW(render("{% set n = namespace(" + names + ") %}{% for i in range(99999) %}{{ n.k1999 }}{% endfor %}"),
               Error);
}

}  // namespace
}  // namespace lethe
