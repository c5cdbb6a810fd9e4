// Parquet files as pandas and pyarrow write them (tools/fixtures/parquet.py), and the errors if they cannot be
// read.
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/error.h"
#include "core/files.h"
#include "data/pairs.h"
#include "data/readers.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

const fs::path kParquet = fs::path(LETHE_FIXTURES) / "parquet";

#ifdef LETHE_PARQUET_BUILT
TEST(Parquet, RowsAreThoseThatWereWritten) {
  const Json wanted = read_json(kParquet / "rows.json");
  ASSERT_EQ(wanted.size(), 3U);
  for (const auto& [name, rows] : wanted.items()) {
    RowReader reader(kParquet / (name + ".parquet"));
    std::size_t count = 0;
    while (const auto row = reader.next()) {
      ASSERT_LT(count, rows.size()) << name;
      EXPECT_EQ(row->fields, rows[count]) << name;
      EXPECT_EQ(row->line, ++count);
    }
    EXPECT_EQ(count, rows.size()) << name;
    EXPECT_EQ(reader.report().bad_rows, 0U);
  }
}

TEST(Parquet, HoldsPairsAndChatsLikeAnyOtherFile) {
  const auto pairs = [](const std::string& source) {
    const std::vector<DataSource> sources = {parse_data_source((kParquet / source).string())};
    return load_pairs(sources, Role::generic).pairs;
  };
  EXPECT_EQ(pairs("pandas_snappy.parquet:where=id >= 2").size(), 2U);
  const auto chats = pairs("chats_gzip.parquet");
  ASSERT_EQ(chats.size(), 3U);
  EXPECT_EQ(chats[2].prompt + chats[2].response, "Q3A3");
  EXPECT_EQ(chats[2].before.size(), 3U);
}

TEST(Parquet, BrokenFilesAreRefused) {
  const std::string whole = read_file(kParquet / "pandas_snappy.parquet");
  for (const std::size_t size : {std::size_t{0}, std::size_t{3}, whole.size() / 2, whole.size() - 1}) {
    const fs::path path = fs::path(testing::TempDir()) / "lethe_broken.parquet";
    write_file(path, whole.substr(0, size));
    EXPECT_THROW(
        {
          RowReader reader(path);
          while (reader.next()) continue;
        },
        Error)
        << size;
  }
  EXPECT_THROW(RowReader(kParquet / "missing.parquet"), Error);
}
#else
TEST(Parquet, IfTheComponentIsNotBuiltTheMessageSaysWhatToDo) {
  try {
    RowReader reader(kParquet / "pandas_snappy.parquet");
    FAIL() << "read";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    EXPECT_NE(std::string(error.what()).find("make parquet"), std::string::npos) << error.what();
  }
}
#endif

}  // namespace
}  // namespace lethe
