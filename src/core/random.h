// Random numbers from named, counter-based streams. (seed, purpose, step) determines every draw, whatever the number of
// threads, the order of calls, or a resume.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace lethe {

/// One stream of random numbers. Philox 4x32-10 (Salmon et al. 2011), keyed by seed and purpose, counted from the step.
class RandomStream {
 public:
  RandomStream(std::uint64_t seed, std::string_view purpose, std::uint64_t step = 0);

  std::uint32_t next();
  /// Uniform in [0, bound), without bias. bound ≥ 1
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1) with 24 bits.
  float uniform();
  /// Standard normal (Box-Muller).
  float normal();

  template <class T>
  void shuffle(std::vector<T>& items) {
    for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
  }
  /// `count` different numbers of [0, population), in random order. @throws Error if count > population
  std::vector<std::size_t> sample(std::size_t population, std::size_t count);

 private:
  std::array<std::uint32_t, 2> key_;
  std::array<std::uint32_t, 4> counter_;
  std::array<std::uint32_t, 4> block_{};
  int used_ = 4;
  bool has_spare_ = false;
  float spare_ = 0;
};

/// A stable 64-bit hash of bytes (FNV-1a, then mixed): the same on every machine.
std::uint64_t stable_hash(std::string_view bytes, std::uint64_t seed = 0);

}  // namespace lethe
