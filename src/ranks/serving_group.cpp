#include "ranks/serving_group.h"

#include <map>
#include <utility>

namespace lethe {
namespace {

constexpr std::int64_t kNone = -1;

}  // namespace

std::int64_t ServingGroup::offer(Work work) {
  works_.push_back(std::move(work));
  return static_cast<std::int64_t>(works_.size()) - 1;
}

void ServingGroup::ask(std::int64_t work, std::int64_t subject) {
  round({work, subject});
}

void ServingGroup::serve() {
  while (round({kNone, 0})) {
  }
}

// @return whether a rank asked for work
bool ServingGroup::round(const Named& wanted) {
  const std::int64_t mine[] = {wanted.first, wanted.second};
  std::vector<std::int64_t> all(2 * static_cast<std::size_t>(size()));
  group_.gather(std::as_bytes(std::span(mine)), std::as_writable_bytes(std::span(all)));
  std::map<Named, std::vector<bool>> named;  // in an order that is the same in all ranks
  for (std::size_t rank = 0; 2 * rank < all.size(); ++rank) {
    const Named name(all[2 * rank], all[2 * rank + 1]);
    if (name.first == kNone) continue;
    auto& asks = named[name];
    asks.resize(static_cast<std::size_t>(size()));
    asks[rank] = true;
  }
  for (const auto& [name, asks] : named) works_.at(static_cast<std::size_t>(name.first))(group_, name.second, asks);
  return !named.empty();
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
