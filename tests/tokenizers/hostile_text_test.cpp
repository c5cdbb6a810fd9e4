// A megabyte of repeated text takes time in proportion, in every tokenizer.
#include <gtest/gtest.h>

#include <chrono>

#include "core/error.h"
#include "tokenizers/tokenizer.h"

namespace lethe {
namespace {

std::string repeated(std::string_view part, std::size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += part;
  return text;
}

double seconds_for(const Tokenizer& tokenizer, const std::string& text) {
  const auto begin = std::chrono::steady_clock::now();
  const Encoding encoding = tokenizer.encode(text);
  EXPECT_LE(encoding.ids.size(), text.size() + 2);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

TEST(HostileText, TimeGrowsWithLengthAlone) {
  for (const char* name : {"byte_level", "prepend_replace", "metaspace", "bert_uncased", "unigram", "word_ends"}) {
    const Tokenizer tokenizer = Tokenizer::load(std::filesystem::path(LETHE_FIXTURES) / "tokenizers" / name);
    for (const char* part : {"a", " ", "\u0301", "👍", "<", "\n", "日"}) {
      // Something quadratic would take 64 times as long per byte; the bound allows for a busy machine.
      const double little = seconds_for(tokenizer, repeated(part, 1 << 13));
      const double much = seconds_for(tokenizer, repeated(part, 1 << 19));
      EXPECT_LT(much, std::max(64 * 12 * little, 2.0)) << name << " " << part;
    }
  }
}

}  // namespace
}  // namespace lethe
