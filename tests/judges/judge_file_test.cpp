// A judge's file: what is refused.
#include "judges/judge_file.h"

#include "core/error.h"
#include "core/files.h"
#include "folder_test.h"

namespace lethe {
namespace {

using JudgeKeys = FolderTest;

TEST_F(JudgeKeys, AJudgesFileWithAKeyTwiceIsRefusedByFileKeyAndLine) {
  const std::string path = (folder_ / "judge.yaml").string();
  write_file(path, "kind: endpoint\nmodel: a\nmodel: b\n");
  try {
    JudgeFile judge(path);
    FAIL() << "a key twice was read";
  } catch (const Error& error) {
    const std::string text = error.what();
    for (const char* part : {"judge.yaml", "model", "given twice", "3"}) EXPECT_NE(text.find(part), std::string::npos);
    EXPECT_EQ(error.code(), ExitCode::bad_input);
  }
  write_file(path, "kind: endpoint\n? [a]\n: b\n");
  EXPECT_THROW(JudgeFile{path}, Error);
}

}  // namespace
}  // namespace lethe
