// Shared by tests of several ranks: a group whose ranks are threads of the test.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"
#include "ranks/group.h"

namespace lethe {

/// Where the threads exchange bytes: each offers its own, waits for the others, and copies.
class MeetingOfThreads {
 public:
  explicit MeetingOfThreads(int size) : offered_(static_cast<std::size_t>(size)) {}

  using Offers = std::vector<std::span<const std::byte>>;
  void exchange(int rank, std::span<const std::byte> mine, const std::function<void(const Offers&)>& take) {
    std::unique_lock lock(mutex_);
    offered_[static_cast<std::size_t>(rank)] = mine;
    await_all(lock);
    take(offered_);
    await_all(lock);
  }
  /// The others throw.
  void lose(int rank) {
    const std::lock_guard lock(mutex_);
    lost_ = rank;
    changed_.notify_all();
  }

 private:
  void await_all(std::unique_lock<std::mutex>& lock) {
    const std::size_t round = round_;
    if (++arrived_ == offered_.size()) {
      arrived_ = 0;
      ++round_;
      changed_.notify_all();
      return;
    }
    changed_.wait(lock, [&] { return round_ != round || lost_ >= 0; });
    if (round_ == round) throw Error("rank " + std::to_string(lost_) + " has ended");
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Offers offered_;
  std::size_t arrived_ = 0, round_ = 0;
  int lost_ = -1;
};

class ThreadGroup : public Group {
 public:
  ThreadGroup(MeetingOfThreads& meeting, int rank, int size) : meeting_(meeting), rank_(rank), size_(size) {}
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int local_rank() const override { return rank_; }
  void gather(std::span<const std::byte> mine, std::span<std::byte> all) override {
    meeting_.exchange(rank_, mine, [&](const MeetingOfThreads::Offers& offers) {
      for (std::size_t i = 0; i < offers.size(); ++i) copy(offers[i], all.subspan(i * mine.size()));
    });
    traffic_.bytes += all.size() - mine.size();
  }
  void exchange(std::span<const std::byte> pieces, std::span<std::byte> received) override {
    const std::size_t piece = pieces.size() / static_cast<std::size_t>(size_);
    meeting_.exchange(rank_, pieces, [&](const MeetingOfThreads::Offers& offers) {
      for (std::size_t i = 0; i < offers.size(); ++i)
        copy(offers[i].subspan(static_cast<std::size_t>(rank_) * piece, piece), received.subspan(i * piece));
    });
    traffic_.bytes += received.size() - piece;
  }
  Traffic traffic() const override { return traffic_; }
  void share(std::span<std::byte> bytes) override {
    meeting_.exchange(rank_, bytes, [&](const MeetingOfThreads::Offers& offers) {
      if (rank_ != 0) copy(offers[0], bytes);
    });
  }

 private:
  static void copy(std::span<const std::byte> from, std::span<std::byte> to) {
    std::copy(from.begin(), from.end(), to.begin());
  }
  MeetingOfThreads& meeting_;
  int rank_, size_;
  Traffic traffic_;
};

/// Runs `work` as each rank of a group. Rank 0 is this thread.
/// @throws what rank 0 threw; else what another rank threw
inline void as_ranks(int size, const std::function<void(Group&)>& work) {
  MeetingOfThreads meeting(size);
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(size));
  const auto run = [&](int rank) {
    ThreadGroup group(meeting, rank, size);
    try {
      work(group);
    } catch (...) {
      failures[static_cast<std::size_t>(rank)] = std::current_exception();
      meeting.lose(rank);
    }
  };
  std::vector<std::thread> others;
  for (int rank = 1; rank < size; ++rank) others.emplace_back(run, rank);
  run(0);
  for (std::thread& other : others) other.join();
  for (const std::exception_ptr& failure : failures) {
    if (failure) std::rethrow_exception(failure);
  }
}

}  // namespace lethe
