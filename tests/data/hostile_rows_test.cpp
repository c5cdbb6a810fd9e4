// Hostile data files.
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

#include "core/error.h"
#include "core/files.h"
#include "data/readers.h"
#include "folder_test.h"

namespace lethe {
namespace {

class HostileRows : public FolderTest {
 protected:
  fs::path file(const std::string& name, const std::string& content) {
    fs::remove(folder_ / name);
    write_file(folder_ / name, content);
    return folder_ / name;
  }
};

struct Read {
  std::vector<std::string> rows;
  ReadReport report;
  std::string error;
};

Read read_all(const fs::path& path, const ReadOptions& options = {}) {
  Read read;
  try {
    RowReader reader(path, options);
    while (const auto row = reader.next()) read.rows.push_back(dump_json(row->fields));
    read.report = reader.report();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_input);
    read.error = error.what();
  }
  return read;
}

TEST_F(HostileRows, AGzipBombIsStoppedEarly) {
  const gzFile out = gzopen((folder_ / "bomb").c_str(), "wb");
  const std::string block(1 << 20, '\n');
  for (int i = 0; i < 100; ++i) gzwrite(out, block.data(), static_cast<unsigned>(block.size()));
  gzclose(out);
  ASSERT_LT(fs::file_size(folder_ / "bomb"), 200'000U);
  for (const char* name : {"bomb.csv.gz", "bomb.jsonl.gz", "bomb.json.gz", "bomb.tsv"}) {  // whatever its name
    fs::copy_file(folder_ / "bomb", folder_ / name);
    const Read read = read_all(folder_ / name);
    EXPECT_NE(read.error.find("for a byte of gzip"), std::string::npos) << name << ": " << read.error;
    EXPECT_NE(read.error.find("found   67,"), std::string::npos) << name << ": " << read.error;  // after 64 MiB
  }
}

TEST_F(HostileRows, InvalidUtf8SpoilsItsOwnRowAlone) {
  for (const char* bytes : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    const Read csv = read_all(file("a.csv", std::string("prompt,response\na,b\n") + bytes + ",d\ne,f\n"));
    EXPECT_EQ(csv.rows.size(), 2U);
    ASSERT_EQ(csv.report.bad.size(), 1U);
    EXPECT_EQ(csv.report.bad[0].line, 3U);
    EXPECT_NE(csv.report.bad[0].why.find("UTF-8"), std::string::npos);
    const std::string lines = std::string("{\"prompt\":\"a\"}\n{\"prompt\":\"") + bytes + "\"}\n{\"prompt\":\"b\"}\n";
    const Read json = read_all(file("a.jsonl", lines));
    EXPECT_EQ(json.rows.size(), 2U);
    ASSERT_EQ(json.report.bad.size(), 1U);
    EXPECT_EQ(json.report.bad[0].line, 2U);
  }
  EXPECT_NE(read_all(file("head.csv", "prompt\xff,response\na,b\n")).error.find("UTF-8"), std::string::npos);
  EXPECT_NE(read_all(file("wide.csv", std::string("\xff\xfe"
                                                  "a\0",
                                                  4)))
                .error.find("UTF-16"),
            std::string::npos);
}

TEST_F(HostileRows, ALineOf100MegabytesIsARowAndALongerOneIsPassedOver) {
  const auto write = [&](const char* name, const char* begin, std::size_t bytes, const char* end) {
    std::ofstream out(folder_ / name, std::ios::binary);
    out << begin;
    const std::string block(1 << 20, 'x');
    for (; bytes > 0; bytes -= std::min(bytes, block.size()))
      out.write(block.data(), static_cast<std::streamsize>(std::min(bytes, block.size())));
    out << end;
  };
  const std::size_t largest = ReadOptions{}.max_row_bytes;
  ASSERT_EQ(largest, 100'000'000U);
  write("longest.jsonl", "{\"prompt\":\"", largest - 13, "\"}\n{\"prompt\":\"b\"}\n");
  RowReader reader(folder_ / "longest.jsonl");
  EXPECT_EQ(reader.next()->fields["prompt"].get_ref<const std::string&>().size(), largest - 13);
  EXPECT_EQ(reader.next()->line, 2U);
  write("longer.jsonl", "{\"prompt\":\"", largest, "\"}\n{\"prompt\":\"b\"}\n");
  const Read longer = read_all(folder_ / "longer.jsonl");
  EXPECT_EQ(longer.rows, (std::vector<std::string>{R"({"prompt":"b"})"}));
  ASSERT_EQ(longer.report.bad.size(), 1U);
  EXPECT_NE(longer.report.bad[0].why.find("longer than 100,000,000 bytes"), std::string::npos);
  write("longer.json", "[{\"prompt\":\"", largest, "\"}]");
  EXPECT_NE(read_all(folder_ / "longer.json").error.find("longer than"), std::string::npos);
  write("longer.csv", "prompt,response\n\"", largest + 1, "");
  EXPECT_NE(read_all(folder_ / "longer.csv").error.find("never closed"), std::string::npos);
}

TEST_F(HostileRows, KeysTwiceDeepNestingAndHugeNumbersSpoilTheirRowAlone) {
  const std::string good = "{\"prompt\":\"a\"}\n";
  for (const std::string& bad : {std::string(R"({"prompt":"a","prompt":"b"})"),
                                 "{\"prompt\":" + std::string(100'000, '['), std::string(R"({"prompt":1e999})")}) {
    const Read read = read_all(file("a.jsonl", good + bad + "\n" + good));
    EXPECT_EQ(read.rows.size(), 2U) << bad.substr(0, 40);
    EXPECT_EQ(read.report.bad_rows, 1U) << bad.substr(0, 40);
  }
  EXPECT_NE(read_all(file("deep.json", std::string(1'000'000, '['))).error, "");
}

#ifdef LETHE_PARQUET_BUILT
TEST_F(HostileRows, ParquetOffsetsThatLeadOutOfTheirTextsAreRefused) {
  const fs::path corpus = fs::path(LETHE_FIXTURES) / "../../fuzz/corpus/parquet";
  const fs::path path = file("a.parquet", read_file(corpus / "found_text_offsets"));
  EXPECT_NE(read_all(path).error.find("offsets out of range"), std::string::npos);
}
#endif

}  // namespace
}  // namespace lethe
