#include "core/random.h"

#include <cmath>
#include <numbers>
#include <unordered_set>

#include "core/error.h"

namespace lethe {
namespace {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> x, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * x[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * x[2];
    x = {static_cast<std::uint32_t>(b >> 32) ^ x[1] ^ key[0], static_cast<std::uint32_t>(b),
         static_cast<std::uint32_t>(a >> 32) ^ x[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return x;
}

}  // namespace

std::uint64_t stable_hash(std::string_view bytes, std::uint64_t seed) {
  std::uint64_t hash = 0xCBF29CE484222325ull ^ (seed * 0x9E3779B97F4A7C15ull);
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3ull;
  }
  hash ^= hash >> 32;  // splitmix's finish: FNV's high bits alone are weak
  hash *= 0xD6E8FEB86659FD93ull;
  hash ^= hash >> 32;
  return hash;
}

RandomStream::RandomStream(std::uint64_t seed, std::string_view purpose, std::uint64_t step) {
  const std::uint64_t key = stable_hash(purpose, seed);
  key_ = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)};
  counter_ = {0, 0, static_cast<std::uint32_t>(step), static_cast<std::uint32_t>(step >> 32)};
}

std::uint32_t RandomStream::next() {
  if (used_ == 4) {
    block_ = philox(counter_, key_);
    if (++counter_[0] == 0) ++counter_[1];
    used_ = 0;
  }
  return block_[used_++];
}

std::uint64_t RandomStream::below(std::uint64_t bound) {
  const std::uint64_t limit = ~std::uint64_t{0} - (~std::uint64_t{0} % bound + 1) % bound;
  while (true) {
    const std::uint64_t high = next();
    const std::uint64_t value = high << 32 | next();
    if (value <= limit) return value % bound;
  }
}

float RandomStream::uniform() {
  return static_cast<float>(next() >> 8) * 0x1p-24f;
}

float RandomStream::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  const double radius = std::sqrt(-2.0 * std::log((next() + 0.5) * 0x1p-32));
  const double angle = 2.0 * std::numbers::pi * (next() * 0x1p-32);
  spare_ = static_cast<float>(radius * std::sin(angle));
  has_spare_ = true;
  return static_cast<float>(radius * std::cos(angle));
}

std::vector<std::size_t> RandomStream::sample(std::size_t population, std::size_t count) {
  if (count > population) {
    throw Error("cannot draw without replacement")
        .wanted(std::to_string(count) + " different items")
        .found(std::to_string(population) + " to draw from");
  }
  std::vector<std::size_t> drawn;  // Floyd's algorithm, then shuffled so that the order is random too
  std::unordered_set<std::size_t> seen;
  for (std::size_t i = population - count; i < population; ++i) {
    const std::size_t candidate = below(i + 1);
    const std::size_t chosen = seen.insert(candidate).second ? candidate : i;
    seen.insert(chosen);
    drawn.push_back(chosen);
  }
  shuffle(drawn);
  return drawn;
}

}  // namespace lethe
