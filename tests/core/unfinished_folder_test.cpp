// OUT.unfinished: one run at a time, no folder of another user, and nothing lost when it is renamed.
#include "core/unfinished_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <set>

#include "core/error.h"
#include "core/files.h"
#include "core/staged_folder.h"
#include "folder_test.h"

namespace lethe {
namespace {

using Start = UnfinishedFolder::Start;

class Unfinished : public FolderTest {
 protected:
  fs::path out() const { return folder_ / "out"; }
  fs::path at_work() const { return folder_ / "out.unfinished"; }
  std::set<std::string> entries() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_)) names.insert(entry.path().filename().string());
    return names;
  }
  /// The folder of a killed run.
  void leave(const std::vector<std::string>& files) const {
    const pid_t child = ::fork();
    if (child == 0) {
      const UnfinishedFolder run(out(), Start::fresh, "snapshots");
      for (const std::string& file : files) {
        fs::create_directories((run.path() / file).parent_path());
        write_file(run.path() / file, file);
      }
      ::_exit(0);
    }
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  }
  std::string refused(Start start = Start::fresh) const {
    return refusal_of([&] { const UnfinishedFolder run(out(), start, "snapshots"); });
  }
};

TEST_F(Unfinished, IsRenamedWithoutItsSnapshots) {
  {
    UnfinishedFolder run(out(), Start::fresh, "snapshots");
    EXPECT_EQ(fs::status(run.path()).permissions(), fs::perms::owner_all);
    fs::create_directory(run.path() / "snapshots");
    write_file(run.path() / "snapshots" / "step", "x");
    write_file(run.path() / "model", "y");
    run.commit();
  }
  EXPECT_EQ(entries(), std::set<std::string>{"out"});
  EXPECT_EQ(std::distance(fs::directory_iterator(out()), fs::directory_iterator()), 1);
  EXPECT_EQ(read_file(out() / "model"), "y");
}

TEST_F(Unfinished, StaysWholeWhereItCannotGetItsName) {
  for (const char* way : {"another folder", "a file"}) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    std::string text;
    {
      UnfinishedFolder run(out(), Start::fresh, "snapshots");
      fs::create_directory(run.path() / "snapshots");
      write_file(run.path() / "snapshots" / "step", "x");
      write_file(run.path() / "model", "y");
      if (std::string(way) == "a file") {
        write_file(out(), "mine");
      } else {
        fs::create_directories(out() / "mine");
      }
      text = refusal_of([&] { run.commit(); });
    }
    EXPECT_NE(text.find("kept"), std::string::npos) << text;
    EXPECT_NE(text.find(at_work().string()), std::string::npos) << text;
    EXPECT_EQ(read_file(at_work() / "snapshots" / "step"), "x");
    EXPECT_EQ(read_file(at_work() / "model"), "y");
    fs::remove_all(out());
    UnfinishedFolder again(out(), Start::resume, "snapshots");
    again.commit();
    EXPECT_EQ(read_file(out() / "model"), "y");
  }
}

TEST_F(Unfinished, AWholeOneWithoutSnapshotsIsNotOverwrittenEither) {
  {
    UnfinishedFolder run(out(), Start::fresh, "snapshots");
    write_file(run.path() / "results", "y");
    fs::create_directories(out() / "mine");
    EXPECT_NE(refusal_of([&] { run.commit(); }).find("mv " + at_work().string()), std::string::npos);
  }
  fs::remove_all(out());
  EXPECT_NE(refused().find("did not get this name"), std::string::npos);
  EXPECT_EQ(read_file(at_work() / "results"), "y");
}

TEST_F(Unfinished, PathsWithDotsAndLinksAreThoseOfTheFileSystem) {
  fs::create_directories(folder_ / "deep" / "er");
  fs::create_directory_symlink(folder_ / "deep" / "er", folder_ / "link");
  const std::vector<std::pair<fs::path, fs::path>> cases = {{"nowhere/../a", "a"},
                                                            {"link/../b", "deep/b"},  // not the link's own parent
                                                            {"./c/", "c"},
                                                            {"deep/./../d", "d"},
                                                            {"new/er/e", "new/er/e"}};
  for (const auto& [given, place] : cases) {
    UnfinishedFolder run(folder_ / given, Start::fresh, "snapshots");
    write_file(run.path() / "model", "y");
    run.commit();
    EXPECT_TRUE(fs::exists(folder_ / place / "model")) << given;
  }
  EXPECT_FALSE(fs::exists(folder_ / "nowhere"));
  StagedFolder staged(folder_ / "link" / ".." / "f");
  staged.commit();
  EXPECT_TRUE(fs::exists(folder_ / "deep" / "f"));
  fs::create_directory(folder_ / "here");
  const fs::path before = fs::current_path();
  fs::current_path(folder_ / "here");
  UnfinishedFolder run(".", Start::fresh, "snapshots");
  fs::current_path(before);
  write_file(run.path() / "model", "y");
  run.commit();
  EXPECT_TRUE(fs::exists(folder_ / "here" / "model"));
}

TEST_F(Unfinished, AFolderThatNoRunMadeIsLeftAlone) {
  const auto refuses = [&](const std::string& word) {
    for (const Start start : {Start::fresh, Start::resume}) {
      const std::string text = refused(start);
      EXPECT_NE(text.find(word), std::string::npos) << text;
      EXPECT_NE(text.find(at_work().string()), std::string::npos) << text;
    }
  };
  fs::create_directories(at_work());
  write_file(at_work() / "thesis", "mine");
  refuses("no run of lethe made");
  write_file(at_work() / ".lock", "");  // written by another program
  refuses("no run of lethe made");
  write_file(at_work() / ".lock", "12345\n");
  refuses("no run of lethe made");
  EXPECT_EQ(read_file(at_work() / "thesis"), "mine");
  fs::remove(at_work() / ".lock");
  write_file(folder_ / "target", "lethe: an unfinished run\n");
  fs::create_symlink(folder_ / "target", at_work() / ".lock");
  for (const Start start : {Start::fresh, Start::resume}) EXPECT_NE(refused(start), "no error");
  EXPECT_EQ(read_file(folder_ / "target"), "lethe: an unfinished run\n");
  fs::remove(at_work() / ".lock");
  fs::create_hard_link(folder_ / "target", at_work() / ".lock");
  refuses(".lock");
  EXPECT_EQ(read_file(at_work() / "thesis"), "mine");
  fs::remove_all(at_work());
  fs::create_directories(folder_ / "elsewhere");
  write_file(folder_ / "elsewhere" / "thesis", "mine");
  fs::create_directory_symlink("elsewhere", at_work());
  refuses("a link");
  EXPECT_EQ(read_file(folder_ / "elsewhere" / "thesis"), "mine");
  fs::remove(at_work());
  write_file(at_work(), "mine");
  refuses("a file");
  EXPECT_EQ(read_file(at_work()), "mine");
}

TEST_F(Unfinished, AnothersFolderAndOneThatOthersMayWriteToAreLeftAlone) {
  leave({"snapshots/step", "model"});
  for (const fs::perms open : {fs::perms::group_write, fs::perms::others_write}) {
    fs::permissions(at_work(), fs::perms::owner_all | open);
    EXPECT_NE(refused(Start::resume).find("another user"), std::string::npos);
  }
  fs::permissions(at_work(), fs::perms::owner_all);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown(at_work().c_str(), 12345, 12345), 0);
    EXPECT_NE(refused(Start::resume).find("another user"), std::string::npos);
    ASSERT_EQ(::chown(at_work().c_str(), 0, 0), 0);
    ASSERT_EQ(::chown((at_work() / ".lock").c_str(), 12345, 12345), 0);
    EXPECT_NE(refused(Start::resume).find(".lock"), std::string::npos);
    ASSERT_EQ(::chown((at_work() / ".lock").c_str(), 0, 0), 0);
  }
  EXPECT_EQ(read_file(at_work() / "model"), "model");
  const UnfinishedFolder run(out(), Start::resume, "snapshots");
}

TEST_F(Unfinished, WhatAKilledRunLeftIsResumedOrReplaced) {
  leave({"snapshots/step"});
  EXPECT_NE(refused().find("an unfinished run"), std::string::npos);
  { const UnfinishedFolder run(out(), Start::resume, "snapshots"); }
  EXPECT_TRUE(fs::exists(at_work() / "snapshots" / "step"));
  fs::remove_all(at_work());
  leave({"metrics"});
  {
    const UnfinishedFolder run(out(), Start::fresh, "snapshots");
    EXPECT_FALSE(fs::exists(run.path() / "metrics"));
  }
  EXPECT_EQ(entries(), std::set<std::string>{});
  fs::create_directories(at_work());  // killed before there was a lock
  { const UnfinishedFolder run(out(), Start::fresh, "snapshots"); }
  EXPECT_EQ(entries(), std::set<std::string>{});
}

TEST_F(Unfinished, ACommitThatWasKilledHalfWayIsCompletedByTheNextCommand) {
  leave({"snapshots/step", "model"});
  write_file(at_work() / ".lock", "lethe: an unfinished run, whole\n", Access::owner_only);
  fs::rename(at_work(), out());  // the next thing would have been to remove the snapshots
  {
    const int held = ::open((out() / ".lock").c_str(), O_RDWR);
    ASSERT_EQ(::flock(held, LOCK_EX | LOCK_NB), 0);
    EXPECT_NE(refused().find("already holds something"), std::string::npos);  // the other run is completing it
    EXPECT_TRUE(fs::exists(out() / "snapshots"));
    ::close(held);
  }
  EXPECT_NE(refused().find("already holds something"), std::string::npos);
  EXPECT_FALSE(fs::exists(out() / "snapshots"));
  EXPECT_FALSE(fs::exists(out() / ".lock"));
  EXPECT_EQ(read_file(out() / "model"), "model");
  // Not so a folder of the user's.
  fs::create_directories(out() / "snapshots");
  EXPECT_NE(refused().find("already holds something"), std::string::npos);
  EXPECT_TRUE(fs::exists(out() / "snapshots"));
}

TEST_F(Unfinished, ARunThatIsNamedByItsFolderLosesNothing) {  // --resume out.unfinished
  leave({"snapshots/step", "recipe.yaml"});
  complete_commit(at_work(), "snapshots");
  EXPECT_THROW(UnfinishedFolder(at_work(), Start::resume, "snapshots"), Error);
  EXPECT_THROW(UnfinishedFolder(at_work(), Start::fresh, "snapshots"), Error);
  EXPECT_TRUE(fs::exists(at_work() / "snapshots" / "step"));
  EXPECT_EQ(fs::status(at_work()).permissions(), fs::perms::owner_all);
  { const UnfinishedFolder run(out(), Start::resume, "snapshots"); }
  EXPECT_TRUE(fs::exists(at_work() / "snapshots" / "step"));
}

// Many processes at once, again and again: each writes its number into two files, and one folder gets the name.
template <class Work>
void race(const fs::path& folder, Work work) {
  constexpr int kProcesses = 6, kRounds = 40;
  for (int round = 0; round < kRounds; ++round) {
    int start[2];
    ASSERT_EQ(::pipe(start), 0);
    std::vector<pid_t> children;
    for (int i = 0; i < kProcesses; ++i) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::close(start[1]);
        char byte;
        (void)!::read(start[0], &byte, 1);  // all at once, when the pipe is closed
        ::_exit(work(std::to_string(i)));
      }
      children.push_back(child);
    }
    ::close(start[0]);
    ::close(start[1]);
    int winner = -1;
    for (int i = 0; i < kProcesses; ++i) {
      int status = 0;
      ASSERT_EQ(::waitpid(children[i], &status, 0), children[i]);
      ASSERT_TRUE(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3)) << status;
      if (WEXITSTATUS(status) != 0) continue;
      ASSERT_EQ(winner, -1) << "two runs got one name";
      winner = i;
    }
    ASSERT_NE(winner, -1);
    for (const char* file : {"a", "b"}) ASSERT_EQ(read_file(folder / "out" / file), std::to_string(winner));
    ASSERT_EQ(std::distance(fs::directory_iterator(folder / "out"), fs::directory_iterator()), 2);
    fs::remove_all(folder);
    fs::create_directories(folder);
  }
}

TEST_F(Unfinished, RunsAtTheSameMomentAreOne) {
  race(folder_, [&](const std::string& number) {
    for (;;) {  // in the way of the one at work, until it has finished
      try {
        UnfinishedFolder run(out(), Start::fresh, "snapshots");
        fs::create_directory(run.path() / "snapshots");
        for (const char* file : {"snapshots/step", "a", "b"}) write_file(run.path() / file, number);
        run.commit();
        return 0;
      } catch (const Error& error) {
        if (std::string(error.what()).find("another run at work") == std::string::npos)
          return static_cast<int>(error.code());
      } catch (const std::exception&) {
        return 1;
      }
    }
  });
}

TEST_F(Unfinished, StagedFoldersOfOneNameAtTheSameMomentAreKeptApart) {
  race(folder_, [&](const std::string& number) {
    try {
      StagedFolder staged(out());
      for (const char* file : {"a", "b"}) write_file(staged.path() / file, number);
      staged.commit();
      return 0;
    } catch (const Error& error) {
      return static_cast<int>(error.code());
    }
  });
}

}  // namespace
}  // namespace lethe
