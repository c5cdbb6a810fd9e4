// Inputs that can be read once: pipes, descriptors, standard input. None of them counts as empty.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "core/file_hash.h"
#include "core/files.h"
#include "core/input_file.h"
#include "core/interrupt.h"
#include "core/json.h"
#include "folder_test.h"

namespace lethe {
namespace {

class Input : public FolderTest {
 protected:
  std::string at(const std::string& name) const { return (folder_ / name).string(); }
  /// Starts a thread that sends `text` through a pipe, in two parts.
  std::thread sender(const std::string& pipe, std::string text) const {
    return std::thread([pipe, text = std::move(text)] {
      const Descriptor file(::open(pipe.c_str(), O_WRONLY));
      for (const std::string& part : {text.substr(0, text.size() / 2), text.substr(text.size() / 2)})
        EXPECT_EQ(::write(file.get(), part.data(), part.size()), static_cast<ssize_t>(part.size()));
    });
  }
};

TEST_F(Input, OfAPipeIsReadWholeAndAsOftenAsNeeded) {
  ASSERT_EQ(::mkfifo(at("pipe.json").c_str(), 0600), 0);
  const std::string text = "{\"a\": \"" + std::string(300000, 'x') + "\"}";
  std::thread thread = sender(at("pipe.json"), text);
  EXPECT_EQ(read_file(at("pipe.json")), text);
  thread.join();
  EXPECT_EQ(read_json(at("pipe.json")).at("a").get<std::string>().size(), 300000U);
  write_file(at("file"), text);
  EXPECT_EQ(file_hash(at("pipe.json")), file_hash(at("file")));
  EXPECT_EQ(read_file(readable_path(at("pipe.json"))), text);
  EXPECT_EQ(readable_path(at("file")), at("file"));
}

TEST_F(Input, OfAPipeThatReplacesAnotherIsReadAnew) {  // file systems give a new file the number of a removed one
  for (int round = 0; round < 10; ++round) {
    ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
    const std::string text = "text " + std::to_string(round);
    std::thread thread = sender(at("pipe"), text);
    EXPECT_EQ(read_file(at("pipe")), text);
    // A reader that was given an older copy leaves the sender waiting.
    const Descriptor release(::open(at("pipe").c_str(), O_RDONLY | O_NONBLOCK));
    thread.join();
    fs::remove(at("pipe"));
  }
}

TEST_F(Input, OfAnInheritedDescriptorIsReadToo) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "text", 4), 4);
  ::close(ends[1]);
  EXPECT_EQ(read_file("/dev/fd/" + std::to_string(ends[0])), "text");
  EXPECT_EQ(read_file("/proc/self/fd/" + std::to_string(ends[0])), "text");
  ::close(ends[0]);
}

TEST_F(Input, FilesOfTheSystemThatSayTheyAreEmptyAreNot) {
  EXPECT_FALSE(read_file("/proc/self/status").empty());
  write_file(at("empty"), "");
  EXPECT_TRUE(read_file(at("empty")).empty());
  EXPECT_TRUE(read_file("/dev/null").empty());
  EXPECT_NE(refusal_of([] { read_file("/dev/zero"); }).find("a device"), std::string::npos);
}

TEST_F(Input, APipeWithoutAWriterCanBeInterrupted) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  EXPECT_EXIT(
      {
        handle_interrupts();
        std::thread([] {
          std::this_thread::sleep_for(std::chrono::milliseconds(50));
          ::kill(::getpid(), SIGINT);
        }).detach();
        try {
          read_file(at("pipe"));
        } catch (const Error& error) {
          ::_exit(static_cast<int>(error.code()));
        }
        ::_exit(0);
      },
      testing::ExitedWithCode(130), "");
}

TEST_F(Input, StandardInputThatIsClosedIsAnErrorAndNotEmpty) {
  EXPECT_EXIT(
      {
        ::close(STDIN_FILENO);
        (void)::open("/dev/null", O_WRONLY);
        try {
          read_standard_input();
        } catch (const Error&) {
          ::_exit(0);
        }
        ::_exit(1);
      },
      testing::ExitedWithCode(0), "");
}

TEST_F(Input, DamagedJsonIsRefusedByFileAndKey) {
  const Json json = Json::parse(R"({"text": 1, "count": -1, "large": 99, "list": {}, "object": [], "number": "1"})");
  const std::vector<std::pair<std::string, std::function<void()>>> cases = {
      {"text", [&] { json_text(json, "text", "run.json"); }},
      {"count", [&] { json_count(json, "count", "run.json"); }},
      {"large", [&] { json_count(json, "large", "run.json", 98); }},
      {"list", [&] { json_list(json, "list", "run.json"); }},
      {"object", [&] { json_object(json, "object", "run.json"); }},
      {"number", [&] { json_number(json, "number", "run.json"); }},
      {"missing", [&] { json_text(json, "missing", "run.json"); }},
      {"any", [&] { json_text(Json::array(), "any", "run.json"); }}};
  for (const auto& [key, action] : cases) {
    const std::string text = refusal_of(action);
    EXPECT_NE(text.find("run.json"), std::string::npos) << text;
    EXPECT_NE(text.find(key), std::string::npos) << text;
  }
}

TEST_F(Input, PathsOfAnyBytesSurviveARoundTripThroughJson) {
  for (const std::string& path : {std::string("daten.jsonl"), std::string("d\xe4ten \xff\x01.jsonl"), std::string()}) {
    OrderedJson object = OrderedJson::object();
    put_bytes(object, "path", path);
    const Json again = parse_json(dump_json(object), "x");
    EXPECT_EQ(json_bytes(again, "path", "x"), path);
  }
  for (const char* digits : {"e", "zz", "e4 4"})
    EXPECT_NE(refusal_of([&] {
                json_bytes(Json{{"path", "x"}, {"path_bytes", digits}}, "path", "run.json");
              }).find("path_bytes"),
              std::string::npos);
}

}  // namespace
}  // namespace lethe
