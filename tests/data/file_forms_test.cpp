// Files as programs write them: JSON over several lines, wrappers, NaN, separators, line ends, folders; and
// the errors for files that are not rows of text.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include "core/error.h"
#include "core/files.h"
#include "data/benchmarks.h"
#include "data/pairs.h"
#include "folder_test.h"

namespace lethe {
namespace {

class FileForms : public FolderTest {
 protected:
  std::string file(const std::string& name, const std::string& content) {
    fs::remove(folder_ / name);
    write_file(folder_ / name, content);
    return (folder_ / name).string();
  }
  /// "prompt=response" of each pair, and the lines of rows that cannot be used.
  static std::string read(const std::string& source) {
    const std::vector<DataSource> sources = {parse_data_source(source)};
    const LoadedPairs loaded = load_pairs(sources, Role::generic);
    std::string text;
    for (const Pair& pair : loaded.pairs) text += pair.prompt + "=" + pair.response + " ";
    for (const FileReport& report : loaded.files) {
      for (const BadRow& row : report.rows.bad) text += "line " + std::to_string(row.line) + " ";
    }
    return text;
  }
  static std::string refusal(const std::string& source) {
    try {
      return "read: " + read(source);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_input);
      return error.what();
    }
  }
};

TEST_F(FileForms, JsonIsReadAsAnArrayOverSeveralLinesAndInAWrapperWhateverTheName) {
  const std::string one = R"({"prompt": "a", "response": "b"})", two = R"({"prompt": "c", "response": "d"})";
  const std::string pretty =
      "{\n \"prompt\": \"a\",\n \"response\": \"b\"\n}\n{\n \"prompt\": \"c\",\n \"response\": \"d\"\n}\n";
  for (const char* name : {"x.json", "x.jsonl"}) {
    for (const std::string& text :
         {one + "\n" + two, "[" + one + "," + two + "]", "[\n" + one + ",\n" + two + "\n]\n", pretty,
          "{\"data\": [" + one + ", " + two + "]}",
          "{\n\"version\": 1, \"meta\": {\"data\": [1]},\n\"data\": [\n" + one + ",\n" + two +
              "],\n\"n\": {\"b\": 2}}\n",
          "\xEF\xBB\xBF" + one + "\r\n\r\n" + two + "\r\n", one + "\r" + two + "\r",
          "{\"prompt\": \"a\", \"response\": \"b\", \"score\": NaN}\n" + two,
          "{\"prompt\": \"a\", \"response\": \"b\", \"x\": {\"y\": [-Infinity, Infinity, NaN]}}\n" + two}) {
      EXPECT_EQ(read(file(name, text)), "a=b c=d ") << name << ": " << text;
    }
    EXPECT_EQ(read(file(name, "{\"prompt\": NaN, \"response\": \"b\"}\n" + two + "\n")), "c=d line 1 ");
    EXPECT_EQ(read(file(name, "{\"prompt\": \"NaN \\\" NaN\", \"response\": \"b\", \"z\": NaN}\n")), "NaN \" NaN=b ");
    EXPECT_NE(refusal(file(name, "{\"train\": [" + one + "], \"test\": [" + two + "]}")).find("second list"),
              std::string::npos);
  }
  // A broken line affects no other line.
  EXPECT_EQ(read(file("y.jsonl", "{\"prompt\": \"a\", \"resp\n" + two + "\n")), "c=d line 1 ");
  EXPECT_EQ(read(file("y.jsonl", "{\"prompt\": \"a\",\n" + two + "\n")), "c=d line 1 ");
}

TEST_F(FileForms, CsvIsSeparatedAsItsHeaderSaysAndLinesMayEndInCr) {
  EXPECT_EQ(read(file("a.csv", "prompt;response\n\"a;b\";c\n")), "a;b=c ");
  EXPECT_EQ(read(file("a.csv", "prompt\tresponse\na, b\tc\n")), "a, b=c ");
  EXPECT_EQ(read(file("a.csv", "sep=;\r\nprompt;response\r\na;c\r\n")), "a=c ");
  EXPECT_EQ(read(file("a.csv", "prompt|response\na|c\n")), "a=c ");
  EXPECT_EQ(read(file("a.tsv", "prompt,response\na,c\n")), "a=c ");
  EXPECT_EQ(read(file("a.csv", "prompt, response\na,c;d;e\n")), "a=c;d;e ");
  EXPECT_EQ(read(file("a.csv", "\xEF\xBB\xBF\"prompt\";\"response\"\n\"a\";\"c\"\n")), "a=c ");
  EXPECT_EQ(read(file("a.csv", "prompt,response\ra,b\r\r\"c\rd\",e\rf\r")), "a=b c\rd=e line 6 ");
  EXPECT_EQ(read(file("a.csv", "prompt,response\na\rb,c\n")), "a\rb=c ");  // where lines end in LF, a CR is text
  EXPECT_EQ(read(file("a.csv", "prompt,response\na,b,\nc,d,,\ne,f,g\n")), "a=b c=d line 4 ");
  EXPECT_EQ(read(file("a.csv", "prompt,response,\na,b,\n")), "a=b ");
}

TEST_F(FileForms, OtherEncodingsAreRefusedByName) {
  using namespace std::string_literals;
  EXPECT_NE(refusal(file("a.csv", "\xFF\xFEp\0r\0"s)).find("UTF-16"), std::string::npos);
  EXPECT_NE(refusal(file("a.jsonl", "{\0\"\0p\0r\0o\0m\0p\0t\0\"\0"s)).find("UTF-16LE"), std::string::npos);
  EXPECT_NE(refusal(file("a.json", "\0{\0\"\0p\0r\0o\0m\0p\0t\0\""s)).find("UTF-16BE"), std::string::npos);
  EXPECT_NE(refusal(file("a.json", "\xFF\xFE\0\0{\0\0\0"s)).find("UTF-32"), std::string::npos);
}

TEST_F(FileForms, AFolderOrAPatternNamesSeveralFiles) {
  fs::create_directories(folder_ / "parts");
  file("parts/b.jsonl", "{\"prompt\":\"c\",\"response\":\"d\"}\n");
  file("parts/a.jsonl", "{\"prompt\":\"a\",\"response\":\"b\"}\n");
  file("parts/README.md", "notes");
  const std::string folder = (folder_ / "parts").string();
  EXPECT_EQ(read(folder), "a=b c=d ");
  EXPECT_EQ(read(folder + "/*.jsonl"), "a=b c=d ");
  EXPECT_EQ(read(folder + "/?.jsonl:where=prompt == 'c'"), "c=d ");
  EXPECT_NE(refusal(folder + "/*.csv").find("none"), std::string::npos);
  file("parts/train.jsonl", "{\"prompt\":\"e\",\"response\":\"f\"}\n");
  EXPECT_NE(refusal(folder).find("different files: a.jsonl, b.jsonl, train.jsonl"), std::string::npos);
  EXPECT_NE(refusal(folder).find("*"), std::string::npos);
  fs::create_directories(folder_ / "saved");
  file("saved/state.json", "{}");
  EXPECT_NE(refusal((folder_ / "saved").string()).find("load_from_disk"), std::string::npos);
  fs::create_directories(folder_ / "none");
  EXPECT_NE(refusal((folder_ / "none").string()).find("*"), std::string::npos);
}

TEST_F(FileForms, BinaryFormatsAreRefusedByNameWithAWayToExportThem) {
  using namespace std::string_literals;
  const struct {
    const char* name;
    std::string content;
    std::vector<const char*> said;
  } files[] = {
      {"a.xlsx", "PK\3\4\x14\0\6\0xl/workbook.xml"s, {"Excel", "read_excel"}},
      {"a.csv", "PK\3\4\x14\0\6\0[Content_Types].xml xl/"s, {"Excel", "read_excel"}},
      {"b.xlsx", "not one", {"Excel", "read_excel"}},
      {"a.arrow", "\xFF\xFF\xFF\xFF\x10\0\0\0"s, {"Arrow", "Dataset.from_file"}},
      {"a.feather", "ARROW1\0\0"s, {"Feather", "read_feather"}},
      {"a.jsonl", "SQLite format 3\0"s, {"SQLite", "sqlite3"}},
      {"a.pkl", "\x80\4\x95"s, {"pickle", "read_pickle"}},
      {"a.zip", "PK\3\4\x14\0\0\0a.csv"s, {"zip", "zipfile"}},
      {"c.csv", "\x89PNG\r\n\x1a\n"s, {"image"}},
      {"a.json", "<!DOCTYPE html>\n<html>", {"web page", "/resolve/"}},
      {"d.parquet", "version https://git-lfs.github.com/spec/v1\n", {"Git LFS", "git lfs pull"}},
      {"e.csv", "PAR1....", {"Parquet"}},
      {"a.txt", "text", {"plain text"}},
      {"a.zst", "\x28\xB5\x2F\xFD", {"zstd"}},
  };
  for (const auto& [name, content, said] : files) {
    const std::string message = refusal(file(name, content));
    for (const char* word : said) EXPECT_NE(message.find(word), std::string::npos) << name << ": " << message;
  }
  for (const char* address : {"hf://datasets/a/b", "hf://datasets/a/b@main/data/train.parquet"}) {
    const std::string message = refusal(address);
    EXPECT_NE(message.find("Hugging Face Hub"), std::string::npos) << message;
    EXPECT_NE(message.find("load_dataset('a/b', split='train')"), std::string::npos) << message;
  }
  EXPECT_NE(refusal("https://example.org/a.jsonl").find("curl"), std::string::npos);
  EXPECT_NE(refusal((folder_ / "nothere.xlsx").string()).find("No such file"), std::string::npos);
  // Too short for its format to be recognised.
  for (const char* begin : {"B", "BZh", "RIFF", "P", "\x80"})
    EXPECT_NE(refusal(file("short.csv", begin)).find("cannot"), std::string::npos) << begin;
  // The same within gzip.
  const std::string path = (folder_ / "a.jsonl.gz").string();
  gzFile out = gzopen(path.c_str(), "wb");
  gzwrite(out, "<html><body>", 12);
  gzclose(out);
  EXPECT_NE(refusal(path).find("web page"), std::string::npos);
}

TEST_F(FileForms, APipeOrAFileWithoutANameOfItsOwnIsReadByWhatItHolds) {
  const std::string rows = "{\"prompt\":\"a\",\"response\":\"b\"}\n", table = "prompt;response\na;b\n";
  for (const std::string& content : {rows, table}) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    ASSERT_EQ(::write(ends[1], content.data(), content.size()), static_cast<ssize_t>(content.size()));
    ::close(ends[1]);
    EXPECT_EQ(read("/dev/fd/" + std::to_string(ends[0])), "a=b ");
    ::close(ends[0]);
    // `--data /dev/stdin < FILE`: a file, but under no name that says what it is.
    const int opened = ::open(file("any.name", content).c_str(), O_RDONLY);
    EXPECT_EQ(read("/dev/fd/" + std::to_string(opened)), "a=b ");
    ::close(opened);
  }
  EXPECT_NE(refusal("/dev/fd/900").find("No such file"), std::string::npos);
}

TEST_F(FileForms, ChoicesAreRecognisedRowByRowToo) {
  const std::vector<DataSource> sources = {parse_data_source(
      file("choices.jsonl",
           "{\"question\":\"Q\",\"answer\":0,\"choices\":[\"a\",\"b\"]}\n"
           "{\"question\":\"Q\",\"best_answer\":\"a\",\"correct_answers\":[\"a\"],\"incorrect_answers\":[\"b; c\"]}\n"
           "{\"Question\":\"Q\",\"mc1_targets\":{\"a\":1,\"b\":0},\"mc2_targets\":{\"a\":1,\"b\":0}}\n{\"x\":1}\n"))};
  const LoadedChoices loaded = load_choices(sources);
  ASSERT_EQ(loaded.questions.size(), 3U);
  EXPECT_EQ(loaded.questions[1].choices, (std::vector<std::string>{"a", "b; c"}));
  EXPECT_EQ(loaded.files[0].rows.bad_rows, 1U);
}

TEST_F(FileForms, AChatOfVeryManyTurnsIsRefusedBeforeItsContextsFillTheMemory) {
  std::string chat = "{\"messages\":[";
  for (int i = 0; i < 20'000; ++i)
    chat += std::string(i > 0 ? "," : "") + R"({"role":"user","content":"q"},{"role":"assistant","content":"a"})";
  EXPECT_NE(refusal(file("long.jsonl", chat + "]}\n")).find("so many turns"), std::string::npos);
}

}  // namespace
}  // namespace lethe
