#include "tokenizers/vocabulary.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <functional>

#include "core/error.h"

namespace lethe {

Vocabulary::Vocabulary(const Json& tokens) {
  if (!tokens.is_object()) throw bad_input("cannot read a vocabulary").wanted("an object {token: id}");
  reserve(tokens.size());
  for (const auto& [token, id] : tokens.items()) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() > 10'000'000) {
      throw bad_input("cannot read a vocabulary")
          .with("token", excerpt(token))
          .wanted("an id")
          .found(excerpt(dump_json(id)));
    }
    add(token, id.get<int>());
  }
}

std::size_t Vocabulary::slot_of(std::string_view token) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t slot = std::hash<std::string_view>{}(token)&mask;
  while (slots_[slot] != 0 && entries_[slots_[slot] - 1].token != token) slot = (slot + 1) & mask;
  return slot;
}

void Vocabulary::rehash(std::size_t slots) {
  slots_.assign(slots, 0);
  for (std::size_t i = 0; i < entries_.size(); ++i)
    slots_[slot_of(entries_[i].token)] = static_cast<std::uint32_t>(i + 1);
}

void Vocabulary::reserve(std::size_t count) {
  entries_.reserve(count);
  by_id_.reserve(count);
  if (slots_.size() < 2 * count) rehash(std::bit_ceil(2 * count + 16));
}

void Vocabulary::add(std::string token, int id) {
  if (slots_.size() < 2 * (entries_.size() + 1)) rehash(std::bit_ceil(4 * entries_.size() + 16));
  ++count_;
  std::uint32_t& slot = slots_[slot_of(token)];
  if (slot == 0) {
    longest_ = std::max(longest_, token.size());
    entries_.push_back({std::move(token), id});
    slot = static_cast<std::uint32_t>(entries_.size());
  }
  entries_[slot - 1].id = id;
  const auto number = static_cast<std::size_t>(id);
  if (number >= by_id_.size()) by_id_.resize(number + 1);
  by_id_[number] = slot;
}

int Vocabulary::find(std::string_view token) const {
  if (slots_.empty()) return -1;
  const std::uint32_t entry = slots_[slot_of(token)];
  return entry == 0 ? -1 : entries_[entry - 1].id;
}

std::optional<int> Vocabulary::id(std::string_view token) const {
  const int found = find(token);
  return found < 0 ? std::nullopt : std::optional<int>(found);
}

const std::string& Vocabulary::token(int id) const {
  static const std::string none;
  const auto number = static_cast<std::size_t>(id);
  return id < 0 || number >= by_id_.size() || by_id_[number] == 0 ? none : entries_[by_id_[number] - 1].token;
}

std::array<int, 256> byte_tokens(const Vocabulary& vocabulary) {
  std::array<int, 256> ids{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    ids[byte] = vocabulary.find(name);
  }
  return ids;
}

}  // namespace lethe
