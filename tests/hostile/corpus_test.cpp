// The fuzzer's targets without the fuzzer: every file of the corpus, and some mutations of each, from a fixed seed.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "fuzz/targets.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

struct Input {
  std::string name, bytes;
};

std::vector<Input> corpus_of(const FuzzTarget& target) {
  std::vector<Input> inputs;
  for (const auto& entry : fs::directory_iterator(fs::path(LETHE_CORPUS) / target.name))
    inputs.push_back({entry.path().filename(), read_file(entry.path())});
  std::sort(inputs.begin(), inputs.end(), [](const Input& a, const Input& b) { return a.name < b.name; });
  return inputs;
}

bool is_read_here([[maybe_unused]] const FuzzTarget& target) {
#ifdef LETHE_PARQUET_BUILT
  return true;
#else
  return target.name != "parquet";  // the optional component, which refuses all
#endif
}

/// Whether the target accepts the input. An exception other than lethe::Error, or a long time, is a failure.
bool takes(const FuzzTarget& target, const Input& input) {
  const std::clock_t begin = std::clock();
  bool taken = false;
  try {
    taken = accepts(target, {reinterpret_cast<const std::uint8_t*>(input.bytes.data()), input.bytes.size()});
  } catch (const std::exception& other) {
    const fs::path kept = fs::path(testing::TempDir()) / ("lethe_finding_" + std::string(target.name));
    std::error_code none;
    fs::remove(kept, none);
    write_file(kept, input.bytes);
    ADD_FAILURE() << target.name << ", " << input.name << ": " << other.what() << "\nkept as " << kept;
  }
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  EXPECT_LT(seconds, 5) << target.name << ", " << input.name;  // a second, and more for sanitizers
  return taken;
}

/// One change or a few, of the kinds that break readers.
std::string mutated(std::string bytes, const std::vector<Input>& corpus, std::mt19937_64& random) {
  static const std::vector<std::string> numbers = {
      "-1", "0", "255", "2147483648", "9223372036854775808", "18446744073709551615", "1e999", "null", "\"\"", "{}"};
  const auto below = [&](std::size_t bound) { return bound == 0 ? 0 : static_cast<std::size_t>(random() % bound); };
  for (std::size_t left = 1 + below(4); left > 0; --left) {
    const std::size_t at = below(bytes.size() + 1), length = std::min(1 + below(16), bytes.size() - at);
    switch (below(8)) {
      case 0:
        if (at < bytes.size()) bytes[at] = static_cast<char>(random());
        break;
      case 1:
        if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ 1 << below(8));
        break;
      case 2:
        bytes.erase(at, length);
        break;
      case 3:
        bytes.insert(at, bytes.substr(below(bytes.size() + 1), 1 + below(64)));
        break;
      case 4:
        bytes.resize(at);
        break;
      case 5: {  // a number in the text becomes another
        const std::size_t begin = bytes.find_first_of("0123456789", at);
        if (begin == std::string::npos) break;
        bytes.replace(begin, bytes.find_first_not_of("0123456789", begin) - begin, numbers[below(numbers.size())]);
        break;
      }
      case 6: {  // the rest of another file
        const std::string& other = corpus[below(corpus.size())].bytes;
        bytes.replace(at, std::string::npos, other.substr(std::min(other.size(), at)));
        break;
      }
      default:
        bytes.insert(at, std::string(1 + below(300), at < bytes.size() ? bytes[at] : '['));
    }
  }
  return bytes;
}

TEST(HostileInput, EveryGoodFileOfTheCorpusIsReadAndEveryBadOneRefused) {
  for (const FuzzTarget& target : fuzz_targets()) {
    if (!is_read_here(target)) continue;
    const std::vector<Input> corpus = corpus_of(target);
    EXPECT_GE(corpus.size(), 6U) << target.name;
    for (const Input& input : corpus) {
      const bool taken = takes(target, input);
      if (input.name.starts_with("found_")) continue;  // what the fuzzer found may be either
      EXPECT_EQ(taken, !input.name.starts_with("bad_")) << target.name << ", " << input.name;
    }
  }
}

TEST(HostileInput, MutationsOfTheCorpusAreReadOrRefused) {
  constexpr std::size_t kRounds = 2000;  // of each target, over all its files
  for (const FuzzTarget& target : fuzz_targets()) {
    if (!is_read_here(target)) continue;
    const std::vector<Input> corpus = corpus_of(target);
    std::mt19937_64 random(8888);
    for (std::size_t round = 0; round < kRounds && !HasFailure(); ++round) {
      const Input& from = corpus[round % corpus.size()];
      takes(target, {from.name + " in round " + std::to_string(round), mutated(from.bytes, corpus, random)});
    }
  }
}

}  // namespace
}  // namespace lethe
