#include "ranks/joined_group.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "core/join.h"
#include "core/messages.h"
#include "core/seconds_since.h"

namespace lethe {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

std::atomic<bool> abandoned = false;

// For what threads of a lost group may still use. Never destroyed.
void keep_for_ever(std::shared_ptr<const void> object) {
  static std::mutex mutex;
  static auto& kept = *new std::vector<std::shared_ptr<const void>>();
  const std::lock_guard lock(mutex);
  kept.push_back(std::move(object));
}

// The memory of a collective. If a rank is lost, the others may still write into it.
struct Staged {
  std::unique_ptr<std::byte[]> in, out;
};

std::string arrival_key(int rank) {
  return "here/" + std::to_string(rank);
}

// Tries for a second at a time, so that Ctrl-C is heard.
std::shared_ptr<Wire> open_wire(const RankPlace& place, const WireOpener& open, Clock::time_point end) {
  std::string error;
  while (true) {
    stop_if_interrupted();
    if (Wire* wire = open(place, 1000, error)) return std::shared_ptr<Wire>(wire);
    if (!place.hosts_store && Clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(50));
      continue;
    }
    const std::string where = place.host + ":" + std::to_string(place.port);
    throw Error(place.hosts_store ? "cannot listen at " + where : "cannot reach rank 0 at " + where)
        .found(excerpt(error, 300))
        .hint(place.hosts_store ? "another MASTER_PORT"
                                : "check MASTER_ADDR and MASTER_PORT, and that rank 0 has started");
  }
}

Error lost_error(const LostRank& lost) {
  Error error(lost.text, lost.code);
  if (lost.code == ExitCode::failed && lost.rank >= 0 && !lost.said)
    error.hint("look at that process's own output; the system may have ended it because memory was full");
  return error;
}

}  // namespace

bool ranks_abandoned() {
  return abandoned;
}

JoinedGroup::JoinedGroup(const RankPlace& place, const WireOpener& open, const Patience& patience,
                         const std::function<void()>& on_lost)
    : place_(place) {
  wire_ = open_wire(place, open, Clock::now() + patience.join);
  try {
    await_all(patience);
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {
    throw Error(rank_name(0, size()) + " has ended, or cannot be reached");
  }
  watch_ = std::make_shared<Watch>(wire_, rank(), size(), patience, on_lost);
  beats_ = std::thread([watch = watch_] { watch->run(); });
  try {
    connect();
  } catch (...) {
    end();
    throw;
  }
}

// In a thread of its own: it waits for all ranks, of which one may have ended.
void JoinedGroup::connect() {
  std::packaged_task<void()> task([wire = wire_] { wire->connect(std::chrono::seconds(60)); });
  std::future<void> connected = task.get_future();
  std::thread(std::move(task)).detach();
  while (connected.wait_for(milliseconds(50)) != std::future_status::ready) {
    if (const auto lost = watch_->lost()) throw lost_error(*lost);
  }
  try {
    connected.get();
  } catch (const std::exception& error) {
    throw lost_error(watch_->after_break(error.what()));
  }
}

void JoinedGroup::await_all(const Patience& patience) {
  wire_->set_note(arrival_key(rank()), "here");
  const auto start = Clock::now();
  bool told = false;
  while (true) {
    stop_if_interrupted();
    std::vector<std::string> missing;
    for (int other = 0; other < size(); ++other) {
      if (wire_->note(arrival_key(other)).empty()) missing.push_back(std::to_string(other));
    }
    if (missing.empty()) return;
    if (Clock::now() - start > patience.join)
      throw Error("cannot start with " + std::to_string(size()) + " ranks")
          .with("missing", "rank " + excerpt(join(missing, ", "), 100))
          .hint("start all processes, or unset RANK and WORLD_SIZE to run alone");
    if (!std::exchange(told, told || Clock::now() - start > std::chrono::seconds(2)) && told)
      say("waiting at " + place_.host + ":" + std::to_string(place_.port) + " for rank " +
          excerpt(join(missing, ", "), 100));
    std::this_thread::sleep_for(milliseconds(50));
  }
}

JoinedGroup::~JoinedGroup() {
  end();
}

void JoinedGroup::end() {
  watch_->stop();
  if (!lost()) {
    beats_.join();
    return;
  }
  // A collective may wait for the lost rank for ever, and a note for its answer. Both stay as they are.
  abandoned = true;
  beats_.detach();
  keep_for_ever(watch_);
}

void JoinedGroup::gather(std::span<const std::byte> mine, std::span<std::byte> all) {
  run(Collective::gather, mine.data(), all.data(), mine.size());
}

void JoinedGroup::exchange(std::span<const std::byte> pieces, std::span<std::byte> received) {
  run(Collective::exchange, pieces.data(), received.data(), pieces.size() / static_cast<std::size_t>(size()));
}

void JoinedGroup::share(std::span<std::byte> bytes) {
  run(Collective::share, nullptr, bytes.data(), bytes.size());
}

void JoinedGroup::run(Collective collective, const void* in, void* out, std::size_t bytes) {
  if (bytes == 0) return;
  const auto start = Clock::now();
  const std::size_t all = bytes * static_cast<std::size_t>(size());
  const auto staged = std::make_shared<Staged>();
  if (in != nullptr) {
    const std::size_t sent = collective == Collective::gather ? bytes : all;
    staged->in = std::make_unique_for_overwrite<std::byte[]>(sent);
    std::copy_n(static_cast<const std::byte*>(in), sent, staged->in.get());
  }
  auto* const result = static_cast<std::byte*>(out);
  const std::size_t received = collective == Collective::share ? bytes : all;
  staged->out = std::make_unique_for_overwrite<std::byte[]>(received);
  if (collective == Collective::share) std::copy_n(result, received, staged->out.get());
  try {
    if (const auto lost = watch_->lost()) throw lost_error(*lost);
    wire_->start(collective, staged->in.get(), staged->out.get(), bytes);
    while (!wire_->done(milliseconds(100))) {
      if (watch_->store_is_silent()) watch_->declare({.rank = 0, .text = rank_name(0, size()) + " does not answer"});
      if (const auto lost = watch_->lost()) throw lost_error(*lost);
    }
    std::copy_n(staged->out.get(), received, result);
    traffic_.seconds += seconds_since(start);
    if (collective == Collective::share)
      traffic_.bytes += rank() > 0 ? bytes : 0;
    else
      traffic_.bytes += all - bytes;
  } catch (const Error&) {
    keep_for_ever(staged);
    throw;
  } catch (const std::exception& error) {
    keep_for_ever(staged);
    throw lost_error(watch_->after_break(error.what()));
  }
}

void JoinedGroup::leave(ExitCode code, const std::string& why) {
  const auto lost = watch_->lost();
  if (lost && lost->rank == 0 && !lost->said) return;  // nobody is left to read it
  try {
    watch_->leave(code, why);
  } catch (const std::exception&) {  // the others notice that this rank ends
  }
}

}  // namespace lethe
