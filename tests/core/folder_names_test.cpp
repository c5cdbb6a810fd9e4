// A run that is not finished is told from one that is, and from what is no run.
#include "core/folder_names.h"

#include "core/files.h"
#include "core/unfinished_folder.h"
#include "folder_test.h"

namespace lethe {
namespace {

class UnfinishedRun : public FolderTest {
 protected:
  std::string refusal(const fs::path& run) const {
    return refusal_of([&] { refuse_unfinished(run, "cannot push it"); });
  }
};

TEST_F(UnfinishedRun, IsRefusedUnderBothItsNames) {
  const fs::path run = folder_ / "run";
  UnfinishedFolder work(run, UnfinishedFolder::Start::fresh, "snapshots");
  for (const std::string& name : {run.string(), run.string() + "/", run.string() + ".unfinished"}) {
    const std::string message = refusal(name);
    EXPECT_NE(message.find("an unfinished one, " + run.string() + ".unfinished"), std::string::npos) << message;
    EXPECT_NE(message.find("lethe unlearn --resume " + run.string() + " "), std::string::npos) << message;
  }
  work.commit();
  EXPECT_EQ(refusal(run), "no error");
}

TEST_F(UnfinishedRun, IsNoOtherFolder) {
  EXPECT_EQ(refusal(folder_ / "nothing"), "no error");
  EXPECT_EQ(refusal("org/model"), "no error");
  EXPECT_EQ(refusal(""), "no error");                   // an empty word of a command line
  fs::create_directories(folder_ / "mine.unfinished");  // a name that somebody chose
  EXPECT_EQ(refusal(folder_ / "mine.unfinished"), "no error");
  fs::create_directories(folder_ / "done");
  fs::create_directories(folder_ / "done.unfinished");  // the finished one counts
  EXPECT_EQ(refusal(folder_ / "done"), "no error");
}

}  // namespace
}  // namespace lethe
