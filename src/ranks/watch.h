// Notices when a rank of the run ends or stalls. Each rank counts beats that rank 0 reads; rank 0 says who was lost.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/error.h"
#include "ranks/wire.h"

namespace lethe {

struct Patience {
  std::chrono::milliseconds beat{250};      ///< between two beats
  std::chrono::milliseconds gone{1500};     ///< without a beat, once a connection broke: the rank has ended
  std::chrono::milliseconds silent{15000};  ///< without a beat: the rank stalls
  std::chrono::milliseconds join{300000};   ///< until all ranks have started
};

/// Why the ranks cannot go on.
struct LostRank {
  int rank = 0;  ///< −1: unknown
  ExitCode code = ExitCode::failed;
  std::string text;   ///< a sentence that names the rank
  bool said = false;  ///< whether that rank has printed why
};

/// Its thread calls run(); the others are called by the rank's main thread.
class Watch {
 public:
  /// @param on_lost  called once by either thread
  Watch(std::shared_ptr<Wire> wire, int rank, int size, const Patience& patience, std::function<void()> on_lost);

  /// Beats until stop(), or until a rank is lost. If another rank than 0 is asked to stop (core/interrupt.h), rank 0 is
  /// asked too.
  void run();
  void stop();
  std::optional<LostRank> lost() const;
  /// Finds out who was lost after a connection broke. @param reason  what the connection said
  LostRank after_break(const std::string& reason);
  /// Whether rank 0 has not answered this rank's beats for too long.
  bool store_is_silent() const;
  void declare(LostRank lost);
  /// Leaves a note that this rank ends, which is not a loss if `code` is done. Rank 0 waits until the others have left.
  void leave(ExitCode code, const std::string& why);

 private:
  using Clock = std::chrono::steady_clock;
  struct Other {
    std::int64_t beats = 0;
    Clock::time_point changed = Clock::now();
    bool left = false;
  };

  void look();
  void look_at(int rank);
  std::string name(int rank) const { return rank_name(rank, size_); }

  std::shared_ptr<Wire> wire_;
  const int rank_, size_;
  const Patience patience_;
  const std::function<void()> on_lost_;
  std::vector<Other> others_;
  bool asked_ = false;  // of run()
  std::atomic<bool> broken_ = false;
  std::atomic<Clock::time_point> answered_ = Clock::now();
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<LostRank> lost_;
  bool stopping_ = false;
};

}  // namespace lethe
