// Ranks that ask for common work: unevenly, in any order, and between other collectives.
#include "ranks/serving_group.h"

#include <gtest/gtest.h>

#include <atomic>

#include "core/error.h"
#include "thread_group.h"

namespace lethe {
namespace {

/// A work that gathers ten times its subject plus each rank's number, and one that counts who asked for it.
class Holder {
 public:
  explicit Holder(Group& group) : serving(group) {
    gather_ = serving.offer([this](Group& direct, std::int64_t subject, const std::vector<bool>& asks) {
      const std::int64_t mine = 10 * subject + direct.rank();
      std::vector<std::int64_t> all(static_cast<std::size_t>(direct.size()));
      direct.gather(std::as_bytes(std::span(&mine, 1)), std::as_writable_bytes(std::span(all)));
      if (asks[static_cast<std::size_t>(direct.rank())]) gathered_ = all;
    });
    count_ = serving.offer([this](Group&, std::int64_t subject, const std::vector<bool>& asks) {
      EXPECT_EQ(subject, 7);
      asked = asks;
    });
  }
  std::vector<std::int64_t> gather(std::int64_t subject) {
    gathered_.clear();
    serving.ask(gather_, subject);
    return gathered_;
  }
  void count() { serving.ask(count_, 7); }

  ServingGroup serving;
  std::vector<bool> asked;

 private:
  std::int64_t gather_ = 0, count_ = 0;
  std::vector<std::int64_t> gathered_;
};

TEST(ServingGroup, RanksAskForDifferentWorkADifferentNumberOfTimes) {
  as_ranks(3, [](Group& group) {
    Holder holder(group);
    for (int i = 0; i < 4 * group.rank(); ++i) {
      const std::int64_t subject = (i + group.rank()) % 3;
      EXPECT_EQ(holder.gather(subject), (std::vector<std::int64_t>{10 * subject, 10 * subject + 1, 10 * subject + 2}));
    }
    holder.serving.serve();
  });
}

TEST(ServingGroup, WorkKnowsWhoAskedForIt) {
  as_ranks(3, [](Group& group) {
    Holder holder(group);
    group.rank() == 1 ? holder.serving.serve() : holder.count();
    if (group.rank() != 1) holder.serving.serve();
    EXPECT_EQ(holder.asked, (std::vector<bool>{true, false, true}));
  });
}

TEST(ServingGroup, ACollectiveWaitsForRanksThatStillAsk) {
  as_ranks(2, [](Group& group) {
    Holder holder(group);
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < (group.rank() == 0 ? 5 : 1); ++i) holder.gather(i % 3);
      EXPECT_EQ(gather_texts(holder.serving, std::to_string(10 * round + group.rank())),
                (std::vector<std::string>{std::to_string(10 * round), std::to_string(10 * round + 1)}));
      if (group.rank() == 1) holder.gather(2);
      EXPECT_EQ(share_text(holder.serving, "from rank 0"), "from rank 0");
    }
  });
}

TEST(ServingGroup, ALostRankEndsThoseThatAskAndThoseThatServe) {
  std::atomic<int> ended = 0;
  EXPECT_THROW(as_ranks(3,
                        [&](Group& group) {
                          Holder holder(group);
                          holder.gather(0);
                          if (group.rank() == 1) throw Error("broken");
                          try {
                            if (group.rank() == 0) holder.gather(1);
                            holder.serving.serve();
                          } catch (const Error&) {
                            ++ended;
                            throw;
                          }
                        }),
               Error);
  EXPECT_EQ(ended, 2);
}

}  // namespace
}  // namespace lethe
