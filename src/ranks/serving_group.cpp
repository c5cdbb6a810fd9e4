#include "ranks/serving_group.h"

#include <algorithm>
#include <set>

namespace lethe {
namespace {

constexpr std::int64_t kNone = -1;

}  // namespace

void ServingGroup::fetch(std::size_t part, const std::vector<std::span<std::byte>>& all) {
  while (!round(static_cast<std::int64_t>(part), all)) {
  }
}

void ServingGroup::serve() {
  while (!round(kNone, {})) {
  }
  std::vector<std::byte>().swap(unused_);  // assigning {} would keep the memory
}

// @return whether this rank has what it wanted: the part, or that no rank needs one
bool ServingGroup::round(std::int64_t wanted, const std::vector<std::span<std::byte>>& all) {
  std::vector<std::int64_t> named(static_cast<std::size_t>(size()));
  group_.gather(std::as_bytes(std::span(&wanted, 1)), std::as_writable_bytes(std::span(named)));
  std::set<std::int64_t> parts(named.begin(), named.end());
  parts.erase(kNone);
  for (const std::int64_t part : parts) {
    const Pieces& pieces = parts_.at(static_cast<std::size_t>(part));
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      if (part != wanted) unused_.resize(std::max(unused_.size(), pieces[i].size() * static_cast<std::size_t>(size())));
      const std::span<std::byte> to = part == wanted ? all.at(i) : std::span(unused_);
      group_.gather(pieces[i], to.first(pieces[i].size() * static_cast<std::size_t>(size())));
    }
  }
  return wanted != kNone || parts.empty();
}

void ServingGroup::gather(std::span<const std::byte> mine, std::span<std::byte> all) {
  serve();
  group_.gather(mine, all);
}

void ServingGroup::exchange(std::span<const std::byte> pieces, std::span<std::byte> received) {
  serve();
  group_.exchange(pieces, received);
}

void ServingGroup::share(std::span<std::byte> bytes) {
  serve();
  group_.share(bytes);
}

}  // namespace lethe
