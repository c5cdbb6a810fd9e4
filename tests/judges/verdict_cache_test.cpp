// The disk cache of verdicts.
#include "judges/verdict_cache.h"

#include "folder_test.h"

namespace lethe {
namespace {

class VerdictCaches : public FolderTest {};

TEST_F(VerdictCaches, KeepTheFormOfTheirFiles) {  // verdicts may have cost money: later builds must find them
  const Json asked = {{"prompt", "p"}};
  VerdictCache(folder_).keep(asked, Verdict{0.5, "label", "reason"});
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(read_json(entry.path()),
              Json({{"asked", asked}, {"harm", 0.5}, {"label", "label"}, {"reason", "reason"}}));
  }
  EXPECT_EQ(files, 1U);
  const auto found = VerdictCache(folder_).find(asked);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->harm, 0.5);
  EXPECT_EQ(found->label, "label");
}

}  // namespace
}  // namespace lethe
