// A Group over the wire of the optional component.
#pragma once

#include <functional>
#include <memory>
#include <thread>

#include "core/interrupt.h"
#include "ranks/group.h"
#include "ranks/rank_place.h"
#include "ranks/watch.h"
#include "ranks/wire_component.h"

namespace lethe {

class JoinedGroup : public Group {
 public:
  /// Waits until all ranks have come; Ctrl-C ends the waiting.
  /// @param on_lost  called once, by any thread, when a rank was lost; by default the work of this process stops
  /// @throws Error naming the ranks that did not come, or why rank 0 cannot be reached
  JoinedGroup(const RankPlace& place, const WireOpener& open, const Patience& patience = {},
              const std::function<void()>& on_lost = request_stop);
  ~JoinedGroup() override;

  int rank() const override { return place_.rank; }
  int size() const override { return place_.size; }
  int local_rank() const override { return place_.local_rank; }
  void gather(std::span<const std::byte> mine, std::span<std::byte> all) override;
  void exchange(std::span<const std::byte> pieces, std::span<std::byte> received) override;
  void share(std::span<std::byte> bytes) override;
  Traffic traffic() const override { return traffic_; }

  /// Tells the others that this rank ends, and why.
  void leave(ExitCode code, const std::string& why);
  std::optional<LostRank> lost() const { return watch_->lost(); }

 private:
  void await_all(const Patience& patience);
  void connect();
  void end();
  void run(Collective collective, const void* in, void* out, std::size_t bytes);

  RankPlace place_;
  std::shared_ptr<Wire> wire_;
  std::shared_ptr<Watch> watch_;
  std::thread beats_;
  Traffic traffic_;
};

/// Whether threads of a group are still waiting for a rank that was lost. They would keep the program from ending: end
/// it with _exit().
bool ranks_abandoned();

}  // namespace lethe
