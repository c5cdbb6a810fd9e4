// A group whose ranks hold data together and fetch parts of it, each when it needs one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "ranks/group.h"

namespace lethe {

/// Ranks need not fetch the same parts, nor equally often. In a round each rank names the part that it needs, or none;
/// then all ranks gather the named parts. A rank that calls a collective of the group needs none, and takes part in
/// rounds until no rank needs one. So a rank can evaluate a model while the others only serve.
class ServingGroup : public Group {
 public:
  /// @param group  outlives this; it is not used directly meanwhile
  explicit ServingGroup(Group& group) : group_(group) {}

  /// This rank's pieces of each part, by part; a part may have several. The sizes are the same in all ranks.
  using Pieces = std::vector<std::span<const std::byte>>;
  void offer(std::vector<Pieces> parts) { parts_ = std::move(parts); }
  /// The pieces of a part of all ranks, in their order. @param all  for each piece of the part: size() times its size
  void fetch(std::size_t part, const std::vector<std::span<std::byte>>& all);
  /// Serves the others until all ranks are here, or in another collective.
  void serve();
  /// Bytes of memory that this rank keeps for parts that others fetch. After serve() there are none.
  std::size_t kept_for_others() const { return unused_.capacity(); }

  int rank() const override { return group_.rank(); }
  int size() const override { return group_.size(); }
  int local_rank() const override { return group_.local_rank(); }
  void gather(std::span<const std::byte> mine, std::span<std::byte> all) override;
  void exchange(std::span<const std::byte> pieces, std::span<std::byte> received) override;
  void share(std::span<std::byte> bytes) override;
  Traffic traffic() const override { return group_.traffic(); }

 private:
  bool round(std::int64_t wanted, const std::vector<std::span<std::byte>>& all);

  Group& group_;
  std::vector<Pieces> parts_;
  std::vector<std::byte> unused_;  // of parts that other ranks fetch
};

}  // namespace lethe
