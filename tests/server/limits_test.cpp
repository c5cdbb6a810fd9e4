// Wrong, hostile and too large requests are refused in OpenAI's form, and cost nothing but their own reply.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "core/random.h"
#include "served_demo.h"
#include "server/answer_group.h"
#include "server/api_error.h"

namespace lethe {
namespace {

using namespace std::chrono_literals;

ServedDemo& limited() {
  static ServedDemo demo({.batch = 2, .waiting = 3, .longest_wait = 0.3, .longest_prompt = 40});
  return demo;
}

/// Status and "param" of the error with which a body is refused.
std::pair<int, std::string> refusal(const std::string& body, const std::string& path = "/v1/completions") {
  const WebReply reply = limited().post(path, body);
  EXPECT_GE(reply.status, 400) << body << "\n" << reply.body;
  const Json error = parse_json(reply.body, "error")["error"];
  EXPECT_TRUE(error["message"].is_string());
  EXPECT_TRUE(error["type"].is_string());
  return {reply.status, error["param"].is_string() ? error["param"].get<std::string>() : ""};
}

using Refused = std::pair<int, std::string>;

TEST(Requests, AreRefusedWithTheNameOfTheWrongKey) {
  const auto with = [](const std::string& more) { return R"({"model":"demo","prompt":"a",)" + more + "}"; };
  EXPECT_EQ(refusal(with(R"("max_tokens":"many")")), Refused(400, "max_tokens"));
  EXPECT_EQ(refusal(with(R"("max_tokens":1e300)")), Refused(400, "max_tokens"));
  EXPECT_EQ(refusal(with(R"("max_tokens":99999999999999999999)")), Refused(400, "max_tokens"));
  EXPECT_EQ(refusal(with(R"("max_tokens":-1)")), Refused(400, "max_tokens"));
  EXPECT_EQ(refusal(with(R"("temperature":-0.1)")), Refused(400, "temperature"));
  EXPECT_EQ(refusal(with(R"("temperature":true)")), Refused(400, "temperature"));
  EXPECT_EQ(refusal(with(R"("top_p":1.5)")), Refused(400, "top_p"));
  EXPECT_EQ(refusal(with(R"("n":0)")), Refused(400, "n"));
  EXPECT_EQ(refusal(with(R"("n":100)")), Refused(400, "n"));  // more than may wait
  EXPECT_EQ(refusal(with(R"("seed":1.5)")), Refused(400, "seed"));
  EXPECT_EQ(refusal(with(R"("stop":[""])")), Refused(400, "stop"));
  EXPECT_EQ(refusal(with(R"("stop":[1])")), Refused(400, "stop"));
  EXPECT_EQ(refusal(with(R"("logprobs":21)")), Refused(400, "logprobs"));
  EXPECT_EQ(refusal(with(R"("stream":"yes")")), Refused(400, "stream"));
  EXPECT_EQ(refusal(with(R"("stream_options":[])")), Refused(400, "stream_options"));
  EXPECT_EQ(refusal(with(R"("frequency_penalty":0.5)")), Refused(400, "frequency_penalty"));
  EXPECT_EQ(refusal(with(R"("logit_bias":{"5":-100})")), Refused(400, "logit_bias"));
  EXPECT_EQ(refusal(with(R"("best_of":2)")), Refused(400, "best_of"));
  EXPECT_EQ(refusal(R"({"model":"other","prompt":"a"})"), Refused(404, "model"));
  EXPECT_EQ(refusal(R"({"prompt":"a"})"), Refused(400, "model"));
  for (const char* prompt : {"1", "null", "{}", "[]", "[[]]", "[-1]", "[512]", "[1.5]", "[1,\"a\"]", "[\"a\",1]",
                             "[[1],[\"a\"]]", "[99999999999999999999]", "[[[1]]]"}) {
    EXPECT_EQ(refusal(R"({"model":"demo","prompt":)" + std::string(prompt) + "}").first, 400) << prompt;
  }
  const auto chat = [](const std::string& messages) {
    return refusal(R"({"model":"demo","messages":)" + messages + "}", "/v1/chat/completions");
  };
  for (const char* messages : {"null", "[]", "{}", "[1]", R"([{"role":"user"}])", R"([{"role":1,"content":"a"}])",
                               R"([{"role":"tool","content":"a"}])", R"([{"role":"user","content":1}])",
                               R"([{"role":"assistant","content":"a"}])",
                               R"([{"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]}])"}) {
    EXPECT_EQ(chat(messages), Refused(400, "messages")) << messages;
  }
  EXPECT_EQ(refusal(R"({"model":"demo","messages":[{"role":"user","content":"a"}],"tools":[{"type":"function"}]})",
                    "/v1/chat/completions"),
            Refused(400, "tools"));
}

TEST(Requests, OfBrokenJsonAreRefused) {
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("nul"), deep, R"({"model":)" + deep + "}",
        std::string("{\"model\":\"demo\",\"prompt\":\"\xC3\x28\"}"), std::string("{\"model\":\"demo\0\"}", 16),
        std::string(R"({"model":"demo","model":"demo","prompt":"a"})"),
        std::string(R"({"model":"demo","prompt":"\ud800"})")}) {
    EXPECT_EQ(refusal(body).first, 400) << body.substr(0, 60);
  }
}

TEST(Requests, WithAnyBytesChangedGetAReplyAndNoCrash) {
  const std::vector<std::string> bodies = {
      R"({"model":"demo","prompt":["a b",[1,2]],"max_tokens":2,"stop":["x"],"logprobs":2,"echo":true,"seed":-5})",
      R"({"model":"demo","messages":[{"role":"user","content":"Hi"}],"max_tokens":2,"top_p":0.5,"n":2,"logprobs":true})"};
  const std::string bytes("\"{}[],:0e-9\\\x00\xFF\xC3u", 16);
  const ServedDemo demo({.longest_answer = 0.02, .default_tokens = 4});
  RandomStream random(1, "bodies");
  for (int i = 0; i < 2000; ++i) {
    const bool chat = i % 2 == 1;
    std::string body = bodies[chat ? 1 : 0];
    for (std::uint64_t changes = 1 + random.below(4); changes-- > 0;) {
      const std::size_t at = random.below(body.size() + 1) % std::max<std::size_t>(1, body.size());
      const std::uint64_t way = random.below(3);
      if (way == 0 && !body.empty()) body[at] = bytes[random.below(bytes.size())];
      if (way == 1) body.erase(at, 1 + random.below(5));
      if (way == 2) body.insert(at, body.substr(at, random.below(12)));
    }
    const WebReply reply = demo.post(chat ? "/v1/chat/completions" : "/v1/completions", body);
    EXPECT_TRUE(reply.status == 200 || reply.status == 400 || reply.status == 404) << reply.status << " " << body;
    if (!reply.stream) parse_json(reply.body, "the reply");
  }
}

TEST(Requests, WithLongPromptsAreRefusedBeforeTheyReachTheModel) {
  const std::vector<int> longest(40, 5), longer(41, 5);
  EXPECT_EQ(refusal(dump_json(Json{{"model", "demo"}, {"prompt", longer}})), Refused(400, "prompt"));
  EXPECT_EQ(limited().completion({{"prompt", longest}, {"max_tokens", 1}})["usage"]["prompt_tokens"], 40);
}

AnswerRequest long_answer(std::int64_t tokens = 200) {
  AnswerRequest request;
  request.prompt = limited().model().encode("Where");
  request.max_new_tokens = tokens;
  request.sampling.temperature = 5;  // nearly uniform: it hardly ever ends by itself
  request.streamed = true;
  return request;
}

/// Keeps the model's thread busy while it exists.
class Busy {
 public:
  explicit Busy(LiveModel& model)
      : thread_([&model, this] {
          model.change([this](CausalLM&) {
            begun_ = true;
            while (!end_) std::this_thread::sleep_for(1ms);
          });
        }) {
    while (!begun_) std::this_thread::sleep_for(1ms);
  }
  ~Busy() {
    end_ = true;
    thread_.join();
  }

 private:
  std::atomic<bool> begun_{false}, end_{false};
  std::thread thread_;
};

TEST(Queue, RefusesWhatWouldWaitTooMany) {
  const Busy busy(limited().model());
  const auto still_there = [] { return true; };
  {
    RequestAnswers first(limited().model(), {long_answer(), long_answer()});
    RequestAnswers second(limited().model(), {long_answer()});
    EXPECT_EQ(refusal(R"({"model":"demo","prompt":"a"})").first, 429);
    EXPECT_THROW(second.next(still_there), ApiError) << "its longest wait is 0.3 s";
  }
  // Those that nobody waits for any more leave their places.
  RequestAnswers third(limited().model(), {long_answer(), long_answer(), long_answer()});
}

TEST(Queue, EndsAWaitThatIsTooLong) {
  const Busy busy(limited().model());
  EXPECT_EQ(refusal(R"({"model":"demo","prompt":"a"})").first, 503);
}

TEST(Queue, CountsTheWaitOfARequestUntilItsFirstAnswerBegins) {
  const ServedDemo demo({.batch = 1, .longest_wait = 0.02});
  RequestAnswers group(demo.model(), {long_answer(), long_answer(), long_answer()});
  std::size_t ended = 0;
  while (const auto next = group.next([] { return true; })) ended += next->second.ended() ? 1 : 0;
  EXPECT_EQ(ended, 3U);
}

/// Status of the error with which a change is refused; 0: it was made.
int status_of_change(const std::function<bool()>& connected, std::atomic<int>& made) {
  try {
    limited().model().change([&](CausalLM&) { ++made; }, connected);
    return 0;
  } catch (const ApiError& error) {
    return error.status();
  }
}

TEST(Queue, BoundsChangesAndDropsThoseOfClientsThatLeft) {
  std::atomic<int> made{0}, dropped{0}, refused{0};
  std::atomic<bool> left{false};
  {
    const Busy busy(limited().model());
    std::vector<std::thread> clients;
    for (int i = 0; i < 20; ++i) {
      clients.emplace_back([&] {
        const int status = status_of_change([&] { return !left; }, made);
        dropped += status == 499 ? 1 : 0;
        refused += status == 429 ? 1 : 0;
      });
    }
    for (int tries = 0; tries < 500 && refused < 4; ++tries) std::this_thread::sleep_for(10ms);
    EXPECT_EQ(refused, 4);
    left = true;
    for (std::thread& client : clients) client.join();
  }
  EXPECT_EQ(dropped, 16);
  EXPECT_EQ(status_of_change([] { return true; }, made), 0);
  EXPECT_EQ(made, 1);
}

TEST(Answers, ThatCannotBeginFailAndOthersFollow) {
  const ServedDemo demo({.longest_wait = 5});
  demo.model().change([](CausalLM& model) {  // one without a limit of its own
    DecoderSpec spec = model.spec();
    spec.max_positions = 0;
    CausalLM unlimited(spec);
    const std::vector<Parameter> from = model.parameters(), to = unlimited.parameters();
    for (std::size_t i = 0; i < to.size(); ++i) *to[i].tensor = *from[i].tensor;
    model = std::move(unlimited);
  });
  AnswerRequest request = long_answer(std::int64_t{1} << 60);  // no memory holds its keys and values
  const auto status = [&] {
    try {
      RequestAnswers group(demo.model(), {request});
      while (group.next([] { return true; })) {
      }
      return 200;
    } catch (const ApiError& error) {
      return error.status();
    }
  };
  EXPECT_EQ(status(), 500);
  request.max_new_tokens = 3;
  EXPECT_EQ(status(), 200);
}

TEST(Answers, HaveNoMoreTokensThanTheServerPermitsOrItsMemoryHolds) {
  const auto tokens = [](const ServedDemo& demo, std::size_t prompt, std::int64_t wanted) {
    const Json reply = demo.completion(
        {{"prompt", std::vector<int>(prompt, 5)}, {"max_tokens", wanted}, {"temperature", 5}, {"seed", 1}});
    return reply["usage"]["completion_tokens"].get<std::int64_t>();
  };
  const ServedDemo few({.most_answer_tokens = 3});
  EXPECT_LE(tokens(few, 4, 1 << 30), 3);
  const std::int64_t token_bytes = 2 * 3 * 4 * 32 * 4;  // keys and values; layers, heads, their width, float32
  const ServedDemo small({.cache_bytes = 50 * token_bytes});
  EXPECT_LE(tokens(small, 40, 100), 10);
  const Json longer{{"model", "demo"}, {"prompt", std::vector<int>(51, 5)}};
  EXPECT_EQ(small.post("/v1/completions", dump_json(longer)).status, 400);
}

TEST(Requests, OfTooManyTokensInAllAreRefusedBeforeTheyAreCopied) {
  const ServedDemo demo({.waiting = 4096});
  const std::vector<std::vector<int>> prompts(5, std::vector<int>(255, 5));
  const Json body{{"model", "demo"}, {"prompt", prompts}, {"n", 128},
                  {"echo", true},    {"logprobs", 0},     {"max_tokens", 0}};
  const WebReply reply = demo.post("/v1/completions", dump_json(body));
  EXPECT_EQ(reply.status, 400);
  EXPECT_NE(reply.body.find("log-probabilities"), std::string::npos) << reply.body.substr(0, 300);
  const std::vector<std::vector<int>> few(8, std::vector<int>(5, 5));
  const Json answers{{"model", "demo"}, {"prompt", few}, {"n", 128}, {"logprobs", 20}, {"max_tokens", 200}};
  EXPECT_EQ(demo.post("/v1/completions", dump_json(answers)).status, 400);
}

TEST(Requests, OfATextThatCannotFitAreRefusedBeforeItIsEncoded) {
  const std::string text(1'000'000, 'a');
  for (const WebReply& reply :
       {limited().post("/v1/completions", dump_json(Json{{"model", "demo"}, {"prompt", text}})),
        limited().post("/v1/chat/completions",
                       dump_json(Json{{"model", "demo"}, {"messages", {{{"role", "user"}, {"content", text}}}}}))}) {
    EXPECT_EQ(reply.status, 400);
    EXPECT_NE(reply.body.find("1,000,000 bytes"), std::string::npos) << reply.body.substr(0, 300);
  }
}

TEST(Clients, ThatCloseTheirConnectionFreeTheirRow) {
  std::atomic<int> asked{0};
  const auto gone = [&] { return ++asked < 2; };
  {
    RequestAnswers group(limited().model(), {long_answer(), long_answer()});  // both places of the batch
    EXPECT_THROW(while (group.next(gone)){}, ApiError);
  }
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(limited().completion({{"prompt", "Where"}, {"max_tokens", 1}})["choices"].size(), 1U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

TEST(Clients, ThatGiveUpEndTheirAnswerAtItsNextToken) {
  Answer answer(long_answer(), limited().model().tokenizer(), std::make_shared<Bell>());
  EXPECT_TRUE(answer.add({.id = 5}));
  answer.give_up();
  EXPECT_FALSE(answer.add({.id = 5}));
}

TEST(Answers, EndAfterTheLongestTime) {
  ServedDemo demo({.longest_answer = 0});
  const Json choice = demo.completion({{"prompt", "Where"}, {"max_tokens", 100}, {"temperature", 5}})["choices"][0];
  EXPECT_EQ(choice["finish_reason"], "length");
}

TEST(Stopping, EndsRunningAndWaitingAnswersAndRefusesOthers) {
  ServedDemo demo({.batch = 1});
  AnswerRequest request = long_answer();
  RequestAnswers group(demo.model(), {request, request});
  demo.model().stop();
  EXPECT_THROW(while (group.next([] { return true; })){}, ApiError);
  EXPECT_EQ(demo.post("/v1/completions", R"({"model":"demo","prompt":"a"})").status, 503);
  EXPECT_THROW(demo.model().change([](CausalLM&) {}), ApiError);
}

}  // namespace
}  // namespace lethe
