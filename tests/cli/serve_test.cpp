// lethe serve as a program: it prints its address, answers, logs no prompt, and ends cleanly.
#include <chrono>
#include <thread>
#include <utility>

#include "program_fixture.h"
#include "web/http.h"

namespace lethe {
namespace {

class Serve : public FolderTest {
 protected:
  /// Starts the server and waits for its address.
  void start(const std::string& arguments) {
    log_ = (folder_ / "log").string();
    server_ = start_program("serve " + arguments + " --port 0", log_);
    for (int i = 0; i < 1200 && address_.empty(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      const std::string text = fs::exists(log_) ? "\n" + read_file(log_) : "";
      const std::size_t at = text.find("\nhttp://");
      if (at != std::string::npos) address_ = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    }
    ASSERT_NE(address_, "") << read_file(log_);
  }
  void TearDown() override {
    if (server_ > 0) stop(SIGKILL);
    FolderTest::TearDown();
  }
  /// @return the exit status
  int stop(int signal) {
    ::kill(server_, signal);
    return ended(std::exchange(server_, 0));
  }
  HttpReply ask(const std::string& path, const std::optional<std::string>& json = {},
                const std::string& secret_header = "") const {
    HttpReply found;
    HttpPool({.timeout = 60, .retries = 0})
        .send_all(1, {.request =
                          [&](std::size_t) {
                            return HttpRequest{address_ + path, secret_header, json};
                          },
                      .read =
                          [&](std::size_t, const HttpReply& reply) {
                            found = reply;
                            return HttpNext::finished;
                          }});
    return found;
  }
  const std::string model_ = (fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").string();
  std::string log_, address_;
  pid_t server_ = 0;
};

TEST_F(Serve, AnswersUnderGivenNamesLogsNoPromptAndEndsOnASignal) {
  start("mine=" + model_ + " --original " + model_);
  const Json models = parse_json(ask("/v1/models").body, "models");
  EXPECT_EQ(models["data"][0]["id"], "mine");
  EXPECT_EQ(models["data"][1]["id"], "original");
  EXPECT_NE(models["data"][1]["warning"].get<std::string>().find("original"), std::string::npos);
  for (const char* name : {"mine", "original"}) {
    const HttpReply reply = ask(
        "/v1/completions", dump_json(Json{{"model", name}, {"prompt", "Where does Mira live?"}, {"max_tokens", 5}}));
    EXPECT_EQ(reply.status, 200) << reply.body;
  }
  EXPECT_EQ(ask("/v1/completions", "{").status, 400);
  EXPECT_EQ(stop(SIGTERM), 0) << "whoever manages the server has ended it";
  const std::string log = read_file(log_);
  EXPECT_NE(log.find("POST /v1/completions 200, 5 tokens"), std::string::npos) << log;
  EXPECT_NE(log.find("it shares the unchanged weights of mine"), std::string::npos) << log;
  EXPECT_EQ(log.find("Mira"), std::string::npos) << log;
}

TEST_F(Serve, WantsTheKeyOfAVariable) {
  ::setenv("SERVE_TEST_KEY", "sk-test", 1);
  start(model_ + " --key-env SERVE_TEST_KEY");
  EXPECT_EQ(ask("/v1/models").status, 401);
  EXPECT_EQ(ask("/v1/models", {}, "Authorization: Bearer sk-test").status, 200);
  EXPECT_EQ(ask("/health").status, 200);
  EXPECT_EQ(stop(SIGINT), 130);
  EXPECT_EQ(read_file(log_).find("sk-test"), std::string::npos);
}

TEST_F(Serve, SaysWhatIsWrongWithARequestOnOneLine) {
  start(model_);
  const HttpReply broken = ask("/v1/completions", "{");
  EXPECT_EQ(broken.status, 400);
  const std::string message = parse_json(broken.body, "reply")["error"]["message"];
  EXPECT_EQ(message.find("\\n"), std::string::npos) << message;
  EXPECT_NE(message.find("; "), std::string::npos) << message;
  const HttpReply nameless = ask("/v1/completions", R"({"prompt": "a"})");
  EXPECT_NE(nameless.body.find("the request has no \\\"model\\\""), std::string::npos) << nameless.body;
  EXPECT_EQ(stop(SIGINT), 130);
}

// Its recipe has a relative path.
TEST_F(Serve, FindsTheOriginalOfARunThatWasStartedInAnotherFolder) {
  fs::create_directories(folder_ / "elsewhere");
  fs::create_directory_symlink(fs::canonical(model_), folder_ / "elsewhere/base");
  const std::string few = shared_demo() + "/few/";
  expect_all(shell("cd " + (folder_ / "elsewhere").string() +
                   " && " LETHE_PROGRAM " unlearn --quiet --threads 1 --model base --harmful " + few +
                   "harmful.jsonl --normal " + few +
                   "normal.jsonl tuning=lora training.steps=1 evaluation.prompts=0 negation.alpha=0.5 --out run"),
             0, {});
  start((folder_ / "elsewhere/run").string());
  const Json models = parse_json(ask("/v1/models").body, "models");
  ASSERT_EQ(models["data"].size(), 2U) << read_file(log_);
  EXPECT_EQ(models["data"][1]["id"], "original");
  EXPECT_EQ(stop(SIGTERM), 0);
}

TEST_F(Serve, RefusesWhatItCannotServe) {
  expect_all(run("serve " + model_ + " --host 0.0.0.0"), 2, {"without a key", "--key-env"});
  expect_all(run("serve " + model_ + " --key-env LETHE_NO_SUCH_VARIABLE"), 2, {"LETHE_NO_SUCH_VARIABLE"});
  const Outcome no_key = run("serve " + model_ + " --key-env sk-the-key-itself");
  expect_all(no_key, 2, {"--key-env", "the name of an environment variable"});
  EXPECT_EQ(no_key.text.find("sk-the-key-itself"), std::string::npos) << no_key.text;
  expect_all(run("serve " + model_ + " --key-env \"\""), 2, {"--key-env", "the name of a variable is missing"});
  expect_all(run("serve " + model_ + " --longest-answer nan"), 2, {"--longest-answer", "a number"});
  expect_all(run("serve a=" + model_ + " a=" + model_), 2, {"two models under one name", "name=MODEL"});
  expect_all(run("serve " + (folder_ / "nothing").string()), 3, {"nothing"});
  fs::create_directories(folder_ / "lost");
  write_file(folder_ / "lost" / "adapter_config.json", R"({"base_model_name_or_path": "no/such-base"})");
  expect_all(run("serve " + (folder_ / "lost").string()), 3, {"base of the adapter", "no/such-base", "lethe merge"});
}

}  // namespace
}  // namespace lethe
