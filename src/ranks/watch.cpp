#include "ranks/watch.h"

#include <algorithm>
#include <cstdlib>
#include <thread>
#include <utility>

#include "core/interrupt.h"

namespace lethe {
namespace {

constexpr const char *kVerdict = "lost", *kStop = "stop";
constexpr std::size_t kLongestReason = 2000;

std::string beat_key(int rank) {
  return "beat/" + std::to_string(rank);
}

std::string leave_key(int rank) {
  return "left/" + std::to_string(rank);
}

// "130 why"
struct Leave {
  ExitCode code;
  std::string why;
};
Leave leave_in(const std::string& note) {
  return {static_cast<ExitCode>(std::atoi(note.c_str())), note.substr(std::min(note.find(' '), note.size() - 1) + 1)};
}

// "1 130 text"
std::string verdict_text(const LostRank& lost) {
  return std::to_string(lost.rank) + " " + std::to_string(static_cast<int>(lost.code)) + " " + lost.text;
}
LostRank verdict_in(const std::string& note) {
  LostRank lost{.rank = std::atoi(note.c_str()), .said = true};
  const Leave rest = leave_in(note.substr(std::min(note.find(' '), note.size() - 1) + 1));
  lost.code = rest.code;
  lost.text = rest.why;
  return lost;
}

std::string seconds_text(std::chrono::milliseconds time) {
  return std::to_string(time.count() / 1000) + " s";
}

}  // namespace

Watch::Watch(std::shared_ptr<Wire> wire, int rank, int size, const Patience& patience, std::function<void()> on_lost)
    : wire_(std::move(wire)),
      rank_(rank),
      size_(size),
      patience_(patience),
      on_lost_(std::move(on_lost)),
      others_(static_cast<std::size_t>(size)) {}

void Watch::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_ && !lost_) {
    lock.unlock();
    try {
      wire_->add(beat_key(rank_), 1);
      look();
      answered_ = Clock::now();
    } catch (const std::exception&) {
      declare({.rank = 0, .text = name(0) + " has ended, or cannot be reached"});
    }
    lock.lock();
    changed_.wait_for(lock, patience_.beat, [&] { return stopping_; });
  }
}

void Watch::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

void Watch::look() {
  if (rank_ != 0) {
    // Rank 0 may be in a part of the run that the others do not share.
    if (interrupted() && !std::exchange(asked_, true)) wire_->set_note(kStop, "asked");
    if (const std::string verdict = wire_->note(kVerdict); !verdict.empty()) return declare(verdict_in(verdict));
    return look_at(0);
  }
  if (!asked_ && !wire_->note(kStop).empty()) {
    asked_ = true;
    request_stop();
  }
  for (int rank = 1; rank < size_; ++rank) look_at(rank);
}

void Watch::look_at(int rank) {
  Other& other = others_[static_cast<std::size_t>(rank)];
  if (other.left) return;
  if (const std::string note = wire_->note(leave_key(rank)); !note.empty()) {
    other.left = true;
    const Leave leave = leave_in(note);
    if (leave.code == ExitCode::done) return;
    const bool was_interrupted = leave.code == ExitCode::interrupted;
    return declare({.rank = rank,
                    .code = leave.code,
                    .text = name(rank) + (was_interrupted ? " was interrupted" : " ended: " + leave.why),
                    .said = true});
  }
  const std::int64_t beats = wire_->add(beat_key(rank), 0);
  const auto now = Clock::now();
  if (beats != other.beats) {
    other.beats = beats;
    other.changed = now;
  }
  const auto quiet = now - other.changed;
  if (broken_ && quiet > patience_.gone)
    return declare({.rank = rank, .text = name(rank) + " has ended without a word"});
  if (quiet > patience_.silent)
    declare({.rank = rank, .text = name(rank) + " has not answered for " + seconds_text(patience_.silent)});
}

void Watch::declare(LostRank lost) {
  {
    const std::lock_guard lock(mutex_);
    if (lost_) return;
    lost_ = lost;
    changed_.notify_all();
  }
  on_lost_();
  if (rank_ != 0) return;
  try {
    wire_->set_note(kVerdict, verdict_text(lost));
  } catch (const std::exception&) {  // the others notice that rank 0 ends
  }
}

std::optional<LostRank> Watch::lost() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

LostRank Watch::after_break(const std::string& reason) {
  broken_ = true;
  {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, 3 * patience_.gone, [&] { return lost_.has_value(); });
  }
  declare({.rank = -1, .text = "the connection between the ranks broke: " + excerpt(reason, 300)});
  return lost().value();
}

bool Watch::store_is_silent() const {
  return Clock::now() - answered_.load() > patience_.silent;
}

void Watch::leave(ExitCode code, const std::string& why) {
  const std::string note = std::to_string(static_cast<int>(code)) + " " + why.substr(0, kLongestReason);
  wire_->set_note(leave_key(rank_), note);
  if (rank_ != 0) return;
  const auto end = Clock::now() + 2 * patience_.gone;
  const int gone = lost() ? lost()->rank : 0;
  for (int rank = 1; rank < size_ && Clock::now() < end;) {
    if (rank != gone && wire_->note(leave_key(rank)).empty()) {
      std::this_thread::sleep_for(patience_.beat / 5);
    } else {
      ++rank;
    }
  }
}

}  // namespace lethe
