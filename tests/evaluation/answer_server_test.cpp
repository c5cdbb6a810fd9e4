// Answers that an OpenAI-compatible server generates, in place of Lethe.
#include "evaluation/answer_server.h"

#include <gmock/gmock.h>

#include <atomic>
#include <cstdlib>

#include "core/files.h"
#include "core/json.h"
#include "evaluation/answering.h"
#include "folder_test.h"
#include "models/loading.h"
#include "web/local_server.h"

namespace lethe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string served_reply(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status +
         "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

std::string completed(const std::string& text, const std::string& finish = "stop") {
  return served_reply("200 OK", dump_json(Json{{"choices", {{{"text", text}, {"finish_reason", finish}}}}}));
}

Json body_of(const std::string& request) {
  return Json::parse(request.substr(request.find("\r\n\r\n") + 4));
}

class AnswerServers : public FolderTest {
 protected:
  ServedModel served(const LocalServer& server, const std::string& weights = "w") const {
    return {.endpoint = server.url(), .name = "m", .weights = weights, .kept = folder_ / "kept"};
  }
  static std::vector<ServedAnswer> answers(const ServedModel& model, const std::vector<std::vector<int>>& prompts) {
    return AnswerServer(model).answers(prompts, 7, {2}, [](std::size_t) {});
  }
};

TEST_F(AnswerServers, GetTokenIdsAndTheirAnswersStayInOrder) {
  LocalServer server([](const std::string& request, int) {
    EXPECT_TRUE(request.starts_with("POST /v1/completions ")) << request;
    const Json body = body_of(request);
    EXPECT_EQ(body.at("model"), "m");
    EXPECT_EQ(body.at("temperature"), 0);
    EXPECT_EQ(body.at("max_tokens"), 7);
    EXPECT_EQ(body.at("stop_token_ids"), Json({2}));
    const int first = body.at("prompt").at(0).get<int>();
    return ServedReply{completed("answer " + std::to_string(first), first == 3 ? "length" : "stop")};
  });
  std::vector<std::vector<int>> prompts;
  for (int i = 0; i < 20; ++i) prompts.push_back({i, 5});
  const auto found = answers(served(server), prompts);
  for (std::size_t i = 0; i < 20; ++i) {
    EXPECT_EQ(found[i].text, "answer " + std::to_string(i));
    EXPECT_EQ(found[i].ended, i != 3);
  }
}

TEST_F(AnswerServers, AreAskedOnceForTheSameWeights) {
  LocalServer server([](const std::string&, int number) { return ServedReply{completed(std::to_string(number))}; });
  const std::vector<std::vector<int>> prompts = {{1}, {2}};
  const auto first = answers(served(server), prompts), again = answers(served(server), prompts);
  EXPECT_EQ(server.requests(), 2);
  EXPECT_EQ(first[0].text, again[0].text);
  answers(served(server, "other weights"), prompts);  // the same name may serve another model
  EXPECT_EQ(server.requests(), 4);
}

TEST_F(AnswerServers, KeepWhatCameBeforeAnErrorAndNameIt) {
  std::atomic<bool> full{true};
  LocalServer server([&](const std::string& request, int) {
    const bool second = body_of(request).at("prompt") == Json({2});
    return ServedReply{second && full ? served_reply("400 Bad", R"({"error": {"message": "context too long"}})")
                                      : completed("x")};
  });
  ServedModel model = served(server);
  model.parallel = 1;
  const std::string error = refusal_of([&] { answers(model, {{1}, {2}}); });
  EXPECT_THAT(error, HasSubstr("context too long"));
  EXPECT_THAT(error, HasSubstr("the answers so far are kept"));
  full = false;
  EXPECT_EQ(answers(model, {{1}, {2}}).size(), 2U);
  EXPECT_EQ(server.requests(), 3);  // the first answer was kept
}

TEST_F(AnswerServers, AReplyThatIsNoCompletionIsAnError) {
  LocalServer server([](const std::string&, int) { return ServedReply{served_reply("200 OK", "{\"choices\": []}")}; });
  EXPECT_THAT(refusal_of([&] { answers(served(server), {{1}}); }), HasSubstr("choices[0].text"));
}

TEST_F(AnswerServers, SendTheKeyAndNeverShowIt) {
  setenv("LETHE_TEST_KEY", "sk-secret", 1);
  LocalServer server([](const std::string& request, int) {
    EXPECT_THAT(request, HasSubstr("Authorization: Bearer sk-secret"));
    return ServedReply{served_reply("401 No", R"({"error": {"message": "bad key sk-secret"}})")};
  });
  ServedModel model = served(server);
  model.key_env = "LETHE_TEST_KEY";
  const std::string error = refusal_of([&] { answers(model, {{1}}); });
  EXPECT_THAT(error, HasSubstr("401"));
  EXPECT_THAT(error, Not(HasSubstr("sk-secret")));
  model.key_env = "LETHE_TEST_NO_KEY";
  EXPECT_THAT(refusal_of([&] { AnswerServer{model}; }), HasSubstr("LETHE_TEST_NO_KEY, which is not set"));
  model = {.endpoint = "http://example.org/v1", .key_env = "LETHE_TEST_KEY"};
  EXPECT_THAT(refusal_of([&] { AnswerServer{model}; }), HasSubstr("https://"));
}

TEST_F(AnswerServers, AnotherModelBehindTheAddressIsRefused) {
  const fs::path demo = fs::path(LETHE_FIXTURES).parent_path().parent_path() / "assets/demo";
  const CausalLM model = load_model(Checkpoint(demo));
  const Tokenizer tokenizer = Tokenizer::load(demo);
  const std::vector<Question> questions = {{.prompt = "How do I cook soup?"}, {.prompt = "What is a poison?"}};
  EvaluationOptions options;
  options.max_new_tokens = 12;
  const GreedyAnswers own = answer_questions(model, tokenizer, questions, options, "own");

  std::atomic<bool> same{false};
  LocalServer server([&](const std::string& request, int) {
    const Json prompt = body_of(request).at("prompt");
    const bool first = prompt == Json(encode_prompt(tokenizer, options.layout, questions[0].prompt, {}));
    return ServedReply{completed(same ? " " + own.texts[first ? 0 : 1] : "An answer of another model.")};
  });
  ServedModel served_here = served(server);
  const AnswerServer answerer(served_here);
  options.server = &answerer;
  EXPECT_THAT(refusal_of([&] { answer_questions(model, tokenizer, questions, options, "served"); }),
              HasSubstr("seems to run another model"));
  same = true;  // nothing of the other model was kept
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(answer_questions(model, tokenizer, questions, options, "served").texts,
                ElementsAre(" " + own.texts[0], " " + own.texts[1]));
    EXPECT_EQ(server.requests(), 2 + 2 + 2);  // compared twice, then kept
  }
}

}  // namespace
}  // namespace lethe
