// An output that cannot be written is refused before the work, with the folder and the reason.
#include "core/output_place.h"

#include <sys/wait.h>
#include <unistd.h>

#include "core/files.h"
#include "core/staged_folder.h"
#include "core/unfinished_folder.h"
#include "folder_test.h"

namespace lethe {
namespace {

class OutputPlace : public FolderTest {
 protected:
  /// The message that another user than root gets.
  std::string refused_as_a_user(const std::function<void()>& action) {
    if (::geteuid() != 0) return refusal_of(action);
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      if (::setuid(12345) != 0) ::_exit(1);
      const std::string text = refusal_of(action);
      ::_exit(::write(ends[1], text.data(), text.size()) < 0);
    }
    ::close(ends[1]);
    std::string text(4096, '\0');
    text.resize(static_cast<std::size_t>(::read(ends[0], text.data(), text.size())));
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    return text;
  }
};

TEST_F(OutputPlace, AnUnwritableParentIsReportedAsSuch) {
  fs::create_directories(folder_ / "locked");
  fs::permissions(folder_ / "locked", fs::perms(0755));
  const std::string locked = (folder_ / "locked").string();
  for (const std::string out : {"/new", "/a/b/new", "/new/"}) {
    for (const std::function<void()>& use : std::vector<std::function<void()>>{
             [&] { check_parent_folder(locked + out); }, [&] { StagedFolder staged(locked + out); },
             [&] { UnfinishedFolder run(locked + out, UnfinishedFolder::Start::fresh, "p"); },
             [&] { check_output_file(locked + "/file.jsonl"); }}) {
      const std::string message = refused_as_a_user(use);
      if (::geteuid() != 0) break;  // the folder is this user's own
      EXPECT_NE(message.find("Permission denied"), std::string::npos) << message;
      EXPECT_NE(message.find(locked + "\n"), std::string::npos) << message;
    }
  }
  EXPECT_TRUE(fs::is_empty(locked));
}

TEST_F(OutputPlace, AnInputIsNotOverwrittenByWhatIsMadeFromIt) {
  const fs::path input = folder_ / "prompts.jsonl";
  write_file(input, "{}\n");
  fs::create_symlink(input, folder_ / "link.jsonl");
  for (const fs::path& output : {input, folder_ / "." / "prompts.jsonl", folder_ / "link.jsonl"})
    EXPECT_NE(refusal_of([&] { check_output_file(output.string(), input.string()); }).find("the input itself"),
              std::string::npos)
        << output;
  check_output_file((folder_ / "answers.jsonl").string(), input.string());
}

TEST_F(OutputPlace, AFileInPlaceOfAFolderIsNamed) {
  write_file(folder_ / "file", "");
  for (const char* out : {"file/new", "file/a/b/new"}) {
    const std::string message = refusal_of([&] { check_parent_folder(folder_ / out); });
    EXPECT_NE(message.find("file, not a folder"), std::string::npos) << message;
    EXPECT_NE(message.find((folder_ / "file").string() + "\n"), std::string::npos) << message;
  }
  EXPECT_NE(refusal_of([&] { check_output_file(folder_.string()); }).find("found   a folder"), std::string::npos);
  fs::create_symlink(folder_ / "nowhere", folder_ / "link");
  EXPECT_NE(refusal_of([&] { check_parent_folder(folder_ / "link/new"); }).find("leads nowhere"), std::string::npos);
  EXPECT_NE(refusal_of([&] { check_output_file((folder_ / "a/file.jsonl").string()); }).find("no such folder"),
            std::string::npos);
}

TEST_F(OutputPlace, WhatCanBeMadeIsNotMadeYet) {
  check_parent_folder(folder_ / "a/b/c");
  check_output_file((folder_ / "file.jsonl").string());
  check_output_file("-");
  check_output_file("/dev/null");
  EXPECT_TRUE(fs::is_empty(folder_));
  make_parent_folders(folder_ / "a/b/c");
  EXPECT_TRUE(fs::is_directory(folder_ / "a/b"));
  EXPECT_FALSE(fs::exists(folder_ / "a/b/c"));
}

}  // namespace
}  // namespace lethe
