// Ranks that fetch parts of what they hold together: unevenly, in any order, and between other collectives.
#include "ranks/serving_group.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>

#include "core/error.h"
#include "thread_group.h"

namespace lethe {
namespace {

/// Three parts; part p has two pieces of rank r: the bytes 10p + r, and twice that.
class Holder {
 public:
  explicit Holder(Group& group) : serving(group) {
    std::vector<ServingGroup::Pieces> parts;
    for (std::size_t part = 0; part < bytes_.size(); ++part) {
      const auto value = static_cast<unsigned char>(10 * part + static_cast<std::size_t>(group.rank()));
      bytes_[part] = {std::byte{value}, std::byte{static_cast<unsigned char>(2 * value)},
                      std::byte{static_cast<unsigned char>(2 * value)}};
      const std::span<const std::byte> all(bytes_[part]);
      parts.push_back({all.first(1), all.subspan(1, part + 1 > 2 ? 2 : 1)});
    }
    serving.offer(std::move(parts));
  }
  /// The first piece of each rank.
  std::vector<int> fetch(std::size_t part) {
    const auto size = static_cast<std::size_t>(serving.size());
    std::vector<std::byte> first(size), second(size * (part + 1 > 2 ? 2 : 1));
    serving.fetch(part, {first, second});
    std::vector<int> values;
    for (std::size_t rank = 0; rank < size; ++rank) {
      values.push_back(std::to_integer<int>(first[rank]));
      EXPECT_EQ(std::to_integer<int>(second[rank * second.size() / size]), 2 * values.back());
    }
    return values;
  }
  ServingGroup serving;

 private:
  std::array<std::array<std::byte, 3>, 3> bytes_{};
};

TEST(ServingGroup, RanksFetchDifferentPartsADifferentNumberOfTimes) {
  as_ranks(3, [](Group& group) {
    Holder holder(group);
    for (int i = 0; i < 4 * group.rank(); ++i) {
      const int part = (i + group.rank()) % 3;
      EXPECT_EQ(holder.fetch(static_cast<std::size_t>(part)),
                (std::vector<int>{10 * part, 10 * part + 1, 10 * part + 2}));
    }
    holder.serving.serve();
  });
}

TEST(ServingGroup, KeepsNoMemoryOfPartsThatOthersFetched) {
  as_ranks(2, [](Group& group) {
    Holder holder(group);
    if (group.rank() == 0) holder.fetch(2);
    if (group.rank() == 1) {
      holder.fetch(0);
      EXPECT_GT(holder.serving.kept_for_others(), 0U);
    }
    holder.serving.serve();
    EXPECT_EQ(holder.serving.kept_for_others(), 0U);
  });
}

TEST(ServingGroup, ACollectiveWaitsForRanksThatStillFetch) {
  as_ranks(2, [](Group& group) {
    Holder holder(group);
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < (group.rank() == 0 ? 5 : 1); ++i) holder.fetch(static_cast<std::size_t>(i % 3));
      EXPECT_EQ(gather_texts(holder.serving, std::to_string(10 * round + group.rank())),
                (std::vector<std::string>{std::to_string(10 * round), std::to_string(10 * round + 1)}));
      if (group.rank() == 1) holder.fetch(2);
      EXPECT_EQ(share_text(holder.serving, "from rank 0"), "from rank 0");
    }
  });
}

TEST(ServingGroup, ALostRankEndsThoseThatFetchAndThoseThatServe) {
  std::atomic<int> ended = 0;
  EXPECT_THROW(as_ranks(3,
                        [&](Group& group) {
                          Holder holder(group);
                          holder.fetch(0);
                          if (group.rank() == 1) throw Error("broken");
                          try {
                            if (group.rank() == 0) holder.fetch(1);
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
