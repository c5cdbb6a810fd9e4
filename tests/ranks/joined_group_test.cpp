// Ranks over a wire of threads: collectives, a rank that ends with and without a word, one that stalls, and one that
// never comes.
#include "ranks/joined_group.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "core/error.h"
#include "core/interrupt.h"
#include "thread_group.h"

namespace lethe {
namespace {

using namespace std::chrono_literals;

/// What the wires of one group share.
struct Exchange {
  explicit Exchange(int size) : meeting(size) {}
  std::string note(const std::string& key) {
    const std::lock_guard lock(mutex);
    return notes[key];
  }
  std::mutex mutex;
  std::map<std::string, std::string> notes;
  std::map<std::string, std::int64_t> numbers;
  MeetingOfThreads meeting;
  std::atomic<bool> silent = false;  // the beats of other ranks than 0 do not arrive
};

/// Runs a collective in a thread, as gloo does.
class WireOfThreads : public Wire {
 public:
  WireOfThreads(std::shared_ptr<Exchange> exchange, int rank, int size)
      : exchange_(std::move(exchange)), rank_(rank), size_(size), group_(exchange_->meeting, rank, size) {}
  ~WireOfThreads() override {
    if (work_.joinable()) work_.join();
  }
  void set_note(const std::string& key, const std::string& text) override {
    const std::lock_guard lock(exchange_->mutex);
    exchange_->notes[key] = text;
  }
  std::string note(const std::string& key) override { return exchange_->note(key); }
  std::int64_t add(const std::string& key, std::int64_t amount) override {
    const std::lock_guard lock(exchange_->mutex);
    if (exchange_->silent && rank_ > 0) return exchange_->numbers[key];
    return exchange_->numbers[key] += amount;
  }
  void connect(std::chrono::milliseconds) override {}
  void start(Collective collective, const void* in, void* out, std::size_t bytes) override {
    if (work_.joinable()) work_.join();
    done_ = failed_ = false;
    work_ = std::thread([this, collective, in, out, bytes] {
      const std::size_t all = bytes * static_cast<std::size_t>(size_);
      const auto* from = static_cast<const std::byte*>(in);
      auto* to = static_cast<std::byte*>(out);
      try {
        if (collective == Collective::gather) group_.gather({from, bytes}, {to, all});
        if (collective == Collective::exchange) group_.exchange({from, all}, {to, all});
        if (collective == Collective::share) group_.share({to, bytes});
      } catch (const Error&) {
        failed_ = true;
      }
      done_ = true;
    });
  }
  bool done(std::chrono::milliseconds limit) override {
    for (const auto end = std::chrono::steady_clock::now() + limit; !done_ && std::chrono::steady_clock::now() < end;)
      std::this_thread::sleep_for(1ms);
    if (failed_) throw std::runtime_error("connection closed by peer");
    return done_;
  }

 private:
  std::shared_ptr<Exchange> exchange_;  // outlives a group that lost a rank
  int rank_, size_;
  ThreadGroup group_;
  std::thread work_;
  std::atomic<bool> done_ = false, failed_ = false;
};

constexpr Patience kShort{.beat = 20ms, .gone = 200ms, .silent = 700ms};

std::string sentence_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Runs ranks as threads; each joins, works, and leaves as with_group() does.
void joined(const std::shared_ptr<Exchange>& exchange, int size, const std::function<void(JoinedGroup&)>& work) {
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      RankPlace place{.rank = rank, .size = size, .host = "test", .port = 1, .hosts_store = rank == 0};
      JoinedGroup group(
          place, [&](const RankPlace&, int, std::string&) -> Wire* { return new WireOfThreads(exchange, rank, size); },
          kShort, [] {});
      work(group);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(JoinedGroup, GathersExchangesAndShares) {
  const auto exchange = std::make_shared<Exchange>(3);
  joined(exchange, 3, [](JoinedGroup& group) {
    const std::vector<std::string> wanted = {"", "a", "bb"};
    EXPECT_EQ(gather_texts(group, wanted[static_cast<std::size_t>(group.rank())]), wanted);
    EXPECT_EQ(share_text(group, group.rank() == 0 ? "from rank 0" : "from another"), "from rank 0");
    const char own = static_cast<char>('a' + group.rank());
    const std::string pieces = {own, '0', own, '1', own, '2'};
    std::string received(6, ' ');
    group.exchange(std::as_bytes(std::span(pieces)), std::as_writable_bytes(std::span(received)));
    const char place = static_cast<char>('0' + group.rank());
    EXPECT_EQ(received, (std::string{'a', place, 'b', place, 'c', place}));
    group.leave(ExitCode::done, "");
  });
}

TEST(JoinedGroup, ARankThatFailsTellsTheOthersWhy) {
  const auto exchange = std::make_shared<Exchange>(3);
  joined(exchange, 3, [](JoinedGroup& group) {
    if (group.rank() == 1) return group.leave(ExitCode::bad_input, "cannot read harmful.jsonl");
    const std::string sentence = sentence_of([&] { gather_texts(group, "here"); });
    EXPECT_NE(sentence.find("rank 1 of 3 ended: cannot read harmful.jsonl"), std::string::npos) << sentence;
    EXPECT_EQ(group.lost()->code, ExitCode::bad_input);
    group.leave(ExitCode::failed, "");
  });
}

TEST(JoinedGroup, ARankThatEndsWithoutAWordIsNamedInAllOthers) {
  const auto exchange = std::make_shared<Exchange>(3);
  joined(exchange, 3, [&](JoinedGroup& group) {
    if (group.rank() == 2) return exchange->meeting.lose(2);  // its beats end too
    const std::string sentence = sentence_of([&] { gather_texts(group, "here"); });
    EXPECT_NE(sentence.find("rank 2 of 3 has ended without a word"), std::string::npos) << sentence;
    group.leave(ExitCode::failed, "");
  });
}

TEST(JoinedGroup, ARankThatStallsIsNamed) {
  const auto exchange = std::make_shared<Exchange>(2);
  const auto start = std::chrono::steady_clock::now();
  joined(exchange, 2, [&](JoinedGroup& group) {
    if (group.rank() == 1) {
      exchange->silent = true;
      while (exchange->note("lost").empty()) std::this_thread::sleep_for(5ms);
      exchange->meeting.lose(1);
      return;
    }
    const std::string sentence = sentence_of([&] { gather_texts(group, "here"); });
    EXPECT_NE(sentence.find("rank 1 of 2 has not answered"), std::string::npos) << sentence;
  });
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

TEST(JoinedGroup, NamesTheRanksThatDoNotCome) {
  const auto exchange = std::make_shared<Exchange>(3);
  const RankPlace place{.rank = 0, .size = 3, .host = "test", .port = 1, .hosts_store = true};
  Patience patience = kShort;
  patience.join = 200ms;
  const std::string sentence = sentence_of([&] {
    JoinedGroup group(
        place, [&](const RankPlace&, int, std::string&) -> Wire* { return new WireOfThreads(exchange, 0, 3); },
        patience, [] {});
  });
  EXPECT_NE(sentence.find("rank 1, 2"), std::string::npos) << sentence;
}

}  // namespace
}  // namespace lethe
