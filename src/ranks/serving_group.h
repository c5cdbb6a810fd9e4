// A group whose ranks do work together as soon as one of them needs it: each helps the others while it waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "ranks/group.h"

namespace lethe {

/// Ranks need not ask for the same work, nor equally often. In a round each rank names the work that it needs, or none;
/// then all ranks do the named work. A rank that calls a collective of the group needs none, and takes part in rounds
/// until no rank needs one. So a rank can evaluate a model while the others only serve. What happens in which round
/// depends on what the ranks ask for, never on their speed.
class ServingGroup : public Group {
 public:
  /// @param group  outlives this; it is not used directly meanwhile
  explicit ServingGroup(Group& group) : group_(group) {}

  /// What all ranks do together, with collectives of `group`. @param asks  by rank: whether it asked for this
  using Work = std::function<void(Group& group, std::int64_t subject, const std::vector<bool>& asks)>;
  /// All ranks offer the same works in the same order. Nobody may ask for one whose objects are gone.
  /// @return its number, for ask()
  std::int64_t offer(Work work);
  /// Does a work with the other ranks, as soon as each of them asks for one, or waits. @param subject  at least 0
  void ask(std::int64_t work, std::int64_t subject);
  /// Helps the others until all ranks are here, or in another collective.
  void serve();

  int rank() const override { return group_.rank(); }
  int size() const override { return group_.size(); }
  int local_rank() const override { return group_.local_rank(); }
  void gather(std::span<const std::byte> mine, std::span<std::byte> all) override;
  void exchange(std::span<const std::byte> pieces, std::span<std::byte> received) override;
  void share(std::span<std::byte> bytes) override;
  Traffic traffic() const override { return group_.traffic(); }

 private:
  using Named = std::pair<std::int64_t, std::int64_t>;  // work, subject
  bool round(const Named& wanted);

  Group& group_;
  std::vector<Work> works_;
};

}  // namespace lethe
