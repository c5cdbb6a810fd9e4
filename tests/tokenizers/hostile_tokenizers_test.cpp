// Hostile tokenizers.
#include <gtest/gtest.h>

#include <bit>

#include "core/error.h"
#include "made_tokenizer.h"
#include "tokenizers/sentencepiece_check.h"

namespace lethe {
namespace {

using HostileTokenizers = MadeTokenizerTest;

Json replacing(const char* from, const std::string& to) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

TEST_F(HostileTokenizers, IdsBeyondAnyVocabularyAreRefused) {
  for (const Json& id : {Json(2147483648), Json(~std::uint64_t{0}), Json(-1), Json(1.5), Json(1'000'000'000)})
    EXPECT_THROW(with({{"model", {{"type", "WordLevel"}, {"vocab", {{"a", id}}}, {"unk_token", "a"}}}}), Error) << id;
  EXPECT_THROW(with({{"post_processor", {{"type", "BertProcessing"}, {"cls", {"a", 2147483648}}, {"sep", {"a", 0}}}}}),
               Error);
}

TEST_F(HostileTokenizers, RulesThatDoubleATextComeToAnEnd) {
  Json steps = Json::array();
  for (int i = 0; i < 60; ++i) steps.push_back(replacing("a", "aa"));
  const Tokenizer doubling = with({{"normalizer", {{"type", "Sequence"}, {"normalizers", steps}}}});
  EXPECT_THROW(doubling.encode("aaa"), Error);
  const Tokenizer undoing = with({{"decoder", {{"type", "Sequence"}, {"decoders", steps}}}});
  EXPECT_THROW(undoing.decode(std::vector<int>{0, 0}), Error);
  const Json nested = {{"type", "Sequence"}, {"decoders", {{{"type", "Sequence"}, {"decoders", steps}}}}};
  EXPECT_THROW(with({{"decoder", nested}}).decode(std::vector<int>{0}), Error);
  const Tokenizer honest = with({{"normalizer", replacing("a", "aaa")}, {"decoder", replacing("a", "bb")}});
  EXPECT_EQ(honest.encode("aaa").ids.size(), 1U);
  EXPECT_EQ(honest.decode(std::vector<int>{0}), "bb");
}

TEST_F(HostileTokenizers, AStepThatIsNullIsRefusedWhenTheFileIsRead) {
  const Json null = Json::array({nullptr});
  EXPECT_THROW(with({{"normalizer", {{"type", "Sequence"}, {"normalizers", null}}}}), Error);
  EXPECT_THROW(with({{"pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", null}}}}), Error);
  EXPECT_THROW(with({{"post_processor", {{"type", "Sequence"}, {"processors", null}}}}), Error);
  EXPECT_THROW(with({{"decoder", {{"type", "Sequence"}, {"decoders", null}}}}), Error);
}

TEST_F(HostileTokenizers, ATemplateThatRepeatsItsTextWithoutEndIsRefused) {
  const auto repeated = [](int texts, int ids) {
    Json single = Json::array(), special = {{"id", "x"}, {"ids", Json::array()}, {"tokens", Json::array()}};
    for (int i = 0; i < texts; ++i) single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
    for (int i = 0; i < ids; ++i) {
      special["ids"].push_back(0U);
      special["tokens"].push_back("a");
    }
    for (int i = 0; i < ids; ++i) single.push_back({{"SpecialToken", {{"id", "x"}, {"type_id", 0}}}});
    return Json{
        {"post_processor", {{"type", "TemplateProcessing"}, {"single", single}, {"special_tokens", {{"x", special}}}}}};
  };
  EXPECT_EQ(with(repeated(2, 2)).encode("a").ids.size(), 2U + 4U);
  EXPECT_THROW(with(repeated(1000, 0)), Error);
  EXPECT_THROW(with(repeated(1, 1000)), Error);
}

TEST_F(HostileTokenizers, InvalidUtf8IsNoToken) {
  write_file(folder_ / "tokenizer.json", "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"\xff\":0}}}");
  EXPECT_THROW(Tokenizer::load(folder_), Error);
}

// Fields of protocol buffers; a message followed by another is both in one.
std::string field(unsigned number, const std::string& bytes) {
  std::string text(1, static_cast<char>(number << 3 | 2));
  for (std::size_t size = bytes.size();; size >>= 7) {
    text += static_cast<char>((size & 0x7F) | (size >= 0x80 ? 0x80 : 0));
    if (size < 0x80) return text + bytes;
  }
}
std::string little(std::uint32_t value) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xFF);
  return bytes;
}
std::string piece(const std::string& text, float score) {
  return field(1, field(1, text) + "\x15" + little(std::bit_cast<std::uint32_t>(score)));
}
std::string charsmap(const std::vector<std::uint32_t>& units, const std::string& texts) {
  std::string bytes = little(static_cast<std::uint32_t>(4 * units.size()));
  for (const std::uint32_t unit : units) bytes += little(unit);
  return field(3, field(2, bytes + texts));
}

class SentencePieceFiles : public HostileTokenizers {
 protected:
  const std::string good_ = read_file(fs::path(LETHE_FIXTURES) / "text_models/bleurt_pieces/spm.model");

  std::string problem(const std::string& more) {
    fs::remove(folder_ / "tokenizer.model");
    write_file(folder_ / "tokenizer.model", good_ + more);
    try {
      Tokenizer::load(folder_).encode("Hello, world");
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_input);
      return error.what();
    }
    return "";
  }
};

TEST_F(SentencePieceFiles, AreCheckedBeforeTheLibraryReadsThem) {
  ASSERT_EQ(problem(piece("xyz", -9)), "");
  EXPECT_NE(problem(piece(std::string("\0a", 2), -9)).find("zero byte"), std::string::npos);
  EXPECT_NE(problem(piece("\xff", -9)).find("UTF-8"), std::string::npos);
  EXPECT_NE(problem(piece("xyz", INFINITY)).find("finite"), std::string::npos);
  EXPECT_NE(problem(piece("xyz", NAN)).find("finite"), std::string::npos);
  EXPECT_NE(problem(piece("", -9)), "");  // the library's own error
  for (std::size_t cut = 1; cut < 12; ++cut) {
    EXPECT_THROW(check_sentencepiece(good_.substr(0, good_.size() - cut), "spm.model"), Error) << cut;
  }
  EXPECT_THROW(check_sentencepiece(std::string(20, '\xff'), "spm.model"), Error);
}

TEST_F(SentencePieceFiles, ATableOfCharactersStaysWithinItself) {
  std::vector<std::uint32_t> units(512, 0xFFFFFFFF);
  units[0] = 256 << 10;  // the root leads to block 256 …
  ASSERT_EQ(problem(charsmap(units, std::string("x\0", 2))), "");
  units[256 ^ 'a'] = 'a' | 1 << 8 | ('a' ^ 1) << 10;  // … "a" leads to unit 257, whose value is text 0
  units[257] = 0;
  ASSERT_EQ(problem(charsmap(units, std::string("x\0", 2))), "");
  const auto refused = [&](const std::vector<std::uint32_t>& changed, const std::string& texts, const char* why) {
    EXPECT_NE(problem(charsmap(changed, texts)).find(why), std::string::npos) << why;
  };
  auto changed = units;
  changed[257] = 2;  // a text after the last
  refused(changed, std::string("x\0", 2), "out of itself");
  changed = units;
  changed[0] = 512 << 10;  // a block after the last
  refused(changed, std::string("x\0", 2), "out of itself");
  changed = units;
  changed[256 ^ 'a'] = 'a' | 0x1FFFFFU << 10 | 1U << 9;  // far after it
  refused(changed, std::string("x\0", 2), "out of itself");
  changed.resize(300);  // a block of which a part is missing
  changed[256 ^ 'a'] = units[256 ^ 'a'];
  refused(changed, std::string("x\0", 2), "out of itself");
  refused(units, "x", "UTF-8");  // a text that does not end
  refused(units, std::string("\xff\0", 2), "UTF-8");
  refused({}, "", "too early");
}

}  // namespace
}  // namespace lethe
