// --output does not replace devices, pipes, links or open descriptors, and standard output loses nothing.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <csignal>
#include <iostream>
#include <thread>

#include "core/files.h"
#include "core/output_file.h"
#include "core/output_place.h"
#include "core/standard_output.h"
#include "folder_test.h"

namespace lethe {
namespace {

class Output : public FolderTest {
 protected:
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  std::size_t entries() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }
  /// The text that a reader of the pipe receives while `action` runs.
  std::string read_from(const std::string& pipe, const std::function<void()>& action) const {
    std::string text;
    std::thread reader([&] {
      const Descriptor file(::open(pipe.c_str(), O_RDONLY));
      char buffer[4096];
      for (ssize_t got; (got = ::read(file.get(), buffer, sizeof buffer)) > 0;)
        text.append(buffer, static_cast<std::size_t>(got));
    });
    action();
    reader.join();
    return text;
  }
};

TEST_F(Output, ReplacesAFileAndLeavesNoOther) {
  write_output(at("file"), "one");
  write_output(at("file"), "two");
  EXPECT_EQ(read_file(at("file")), "two");
  EXPECT_EQ(entries(), 1U);
}

TEST_F(Output, FollowsLinksAndLeavesThemLinks) {
  fs::create_directories(at("elsewhere"));
  write_file(at("elsewhere/file"), "old");
  fs::create_symlink("elsewhere/file", at("link"));
  fs::create_symlink("link", at("second"));
  fs::create_symlink("elsewhere/new", at("dangling"));
  write_output(at("second"), "through two links");
  write_output(at("dangling"), "made");
  for (const char* link : {"link", "second", "dangling"}) EXPECT_TRUE(fs::is_symlink(at(link))) << link;
  EXPECT_EQ(read_file(at("elsewhere/file")), "through two links");
  EXPECT_EQ(read_file(at("elsewhere/new")), "made");
  fs::create_symlink("loop", at("loop"));
  EXPECT_THROW(write_output(at("loop"), "x"), Error);
}

TEST_F(Output, WritesToAPipeOfALengthThatFillsIt) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  const std::string text(1 << 20, 'x');
  EXPECT_EQ(read_from(at("pipe"), [&] { write_output(at("pipe"), text); }), text);
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
  fs::create_symlink("pipe", at("link"));
  EXPECT_EQ(read_from(at("pipe"), [&] { write_output(at("link"), "short"); }), "short");
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
  EXPECT_EQ(read_from(at("pipe"),
                      [&] {
                        FileWriter log(at("pipe"));
                        log.write("in ");
                        log.write("pieces");
                        log.close();
                      }),
            "in pieces");
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
}

TEST_F(Output, APipeWhoseReaderLeavesTakesNoMore) {
  std::signal(SIGPIPE, SIG_IGN);
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  std::thread reader([&] {
    const Descriptor file(::open(at("pipe").c_str(), O_RDONLY));
    char byte;
    EXPECT_EQ(::read(file.get(), &byte, 1), 1);
  });
  EXPECT_NO_THROW(write_output(at("pipe"), std::string(1 << 20, 'x')));
  reader.join();
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
}

TEST_F(Output, WritesToDevicesAndLeavesThemDevices) {
  if (::mknod(at("null").c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) GTEST_SKIP() << "only root makes devices";
  if (::mknod(at("full").c_str(), S_IFCHR | 0600, makedev(1, 7)) != 0) GTEST_SKIP() << "only root makes devices";
  struct stat status {};
  write_output(at("null"), "x");
  ASSERT_EQ(::stat(at("null").c_str(), &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
  try {
    write_output(at("full"), "x");
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::failed);
    EXPECT_NE(std::string(error.what()).find("No space left"), std::string::npos) << error.what();
  }
  ASSERT_EQ(::stat(at("full").c_str(), &status), 0);
  EXPECT_TRUE(S_ISCHR(status.st_mode));
}

TEST_F(Output, WritesToOpenDescriptorsWhereTheyAre) {
  const Descriptor file(::open(at("file").c_str(), O_RDWR | O_CREAT, 0600));
  ASSERT_EQ(::write(file.get(), "before ", 7), 7);
  const std::string number = std::to_string(file.get());
  write_output("/dev/fd/" + number, "dev ");
  write_output("/proc/self/fd/" + number, "proc ");
  fs::create_symlink("/dev/fd/" + number, at("link"));
  write_output(at("link"), "link");
  EXPECT_EQ(read_file(at("file")), "before dev proc link");
  EXPECT_THROW(write_output("/dev/fd/987", "x"), Error);
}

// The folder that matters is the target's: /dev, or that of a link, is often read-only.
TEST_F(Output, IsCheckedWhereItsLinksLead) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs a second user";
  constexpr uid_t kNobody = 65534;
  for (const char* name : {"open", "closed"}) fs::create_directories(at(name));
  ASSERT_EQ(::chown(at("open").c_str(), kNobody, kNobody), 0);
  fs::create_symlink("../open/file", at("closed/link"));
  fs::create_symlink("../closed/file", at("open/link"));
  fs::create_symlink("../closed", at("open/up"));  // open/up/.. is not open
  const auto refused = [&](const std::string& path) {
    try {
      check_output_file(path);
      return false;
    } catch (const Error&) {
      return true;
    }
  };
  EXPECT_EXIT(
      {
        if (::setuid(kNobody) != 0) ::_exit(9);
        const int file = ::open(at("open/taken").c_str(), O_RDWR | O_CREAT, 0600);
        ::dup2(file, STDOUT_FILENO);
        const bool right = !refused("/dev/stdout") && !refused("/dev/fd/1") && !refused(at("closed/link")) &&
                           refused(at("open/link")) && refused(at("open/up/../x")) && !refused(at("open/x"));
        ::_exit(right ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

// In a separate process, with this file as standard output.
void with_output(const std::string& path, int flags, const std::function<int()>& action) {
  const int file = ::open(path.c_str(), flags, 0600);
  ::dup2(file, STDOUT_FILENO);
  ::_exit(action());
}

TEST_F(Output, OfTheProgramIsCheckedToItsEnd) {
  const auto print = [](std::size_t size) {
    return [size] {
      StandardOutput output;
      std::cout << std::string(size, 'x');
      try {
        output.finish();
        return 0;
      } catch (const Error& error) {
        return std::string(error.what()).find("No space left") != std::string::npos ? 7 : 8;
      }
    };
  };
  for (const std::size_t size : {std::size_t{1}, std::size_t{5000}, std::size_t{1} << 20}) {
    EXPECT_EXIT(with_output("/dev/full", O_WRONLY, print(size)), testing::ExitedWithCode(7), "") << size;
    EXPECT_EXIT(with_output(at("file"), O_WRONLY | O_CREAT | O_TRUNC, print(size)), testing::ExitedWithCode(0), "");
    EXPECT_EQ(fs::file_size(at("file")), size);
  }
  EXPECT_EXIT(with_output("/dev/full", O_WRONLY, print(0)), testing::ExitedWithCode(0), "");
}

TEST_F(Output, ThatIsClosedIsNoPlaceForAResultAndNoPlaceForAnotherFile) {
  const auto closed = [&] {
    for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::close(number);
    open_standard_streams();
    const int next = ::open(at("weights").c_str(), O_WRONLY | O_CREAT, 0600);
    if (next <= STDERR_FILENO) return 1;
    std::cerr << "progress" << std::endl;
    try {
      print_result("x");
      return 2;
    } catch (const Error&) {
      return fs::file_size(at("weights")) == 0 ? 0 : 3;
    }
  };
  EXPECT_EXIT(::_exit(closed()), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace lethe
