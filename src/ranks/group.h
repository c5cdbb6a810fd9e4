// The processes that compute one run together, and what they exchange.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lethe {

/// What a rank has exchanged so far.
struct Traffic {
  double seconds = 0;       ///< in collectives, waiting for slower ranks included
  std::uint64_t bytes = 0;  ///< received from other ranks
};

/// All ranks must make the same calls in the same order; each call waits for the others. Each throws Error if a rank
/// was lost: it names the rank, and has ExitCode::interrupted if that rank was interrupted.
class Group {
 public:
  virtual ~Group() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual int local_rank() const = 0;  ///< among the processes of this machine
  /// Every rank's bytes, in the order of the ranks. @param mine  the same size in all ranks @param all  size() times it
  virtual void gather(std::span<const std::byte> mine, std::span<std::byte> all) = 0;
  /// The p-th of size() equal pieces goes to rank p. @param received  a piece of each rank, in their order
  virtual void exchange(std::span<const std::byte> pieces, std::span<std::byte> received) = 0;
  /// Gives all ranks the bytes of rank 0.
  virtual void share(std::span<std::byte> bytes) = 0;
  virtual Traffic traffic() const { return {}; }
};

/// Every rank's text, in the order of the ranks.
std::vector<std::string> gather_texts(Group& group, const std::string& mine);
/// Gives all ranks the text of rank 0. @param mine  of other ranks it is ignored
std::string share_text(Group& group, const std::string& mine);

}  // namespace lethe
