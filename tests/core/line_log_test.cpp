// A log that cannot be written does not stop the work that it logs.
#include "core/line_log.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "core/error.h"
#include "core/files.h"
#include "folder_test.h"

namespace lethe {
namespace {

class LineLogTest : public FolderTest {
 protected:
  // Limits the size of this process's files; writes beyond it fail, as on a full disk.
  static void limit_files(rlim_t bytes) {
    rlimit limit{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = std::min(bytes, limit.rlim_max);
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  }
  void SetUp() override {
    FolderTest::SetUp();
    before_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  void TearDown() override {
    limit_files(RLIM_INFINITY);
    std::signal(SIGXFSZ, before_);
    FolderTest::TearDown();
  }
  void (*before_)(int) = SIG_DFL;
};

TEST_F(LineLogTest, LinesWaitUntilThereIsSpaceAgain) {
  const fs::path path = folder_ / "metrics.jsonl";
  {
    LineLog log(path);
    log.append("one");
    limit_files(6);  // half of the second line fits
    log.append("two");
    log.append("three");
    EXPECT_EQ(read_file(path), "one\ntw");
    limit_files(RLIM_INFINITY);
    log.append("four");
    EXPECT_EQ(read_file(path), "one\ntwo\nthree\nfour\n");
    limit_files(20);
    log.append("five");
    limit_files(RLIM_INFINITY);
  }
  EXPECT_EQ(read_file(path), "one\ntwo\nthree\nfour\nfive\n");  // the destructor tries once more
}

TEST_F(LineLogTest, WhatWaitsIsBounded) {
  LineLog log("/dev/full");
  const std::string line(LineLog::most_waiting / 2, 'x');
  log.append(line);
  EXPECT_THROW(log.append(line), Error);
}

}  // namespace
}  // namespace lethe
