// OpenAI's API over the demo's model: answers are those of `lethe generate`, in the form that clients read.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <future>
#include <thread>

#include "core/error.h"
#include "generation/scoring.h"
#include "served_demo.h"

namespace lethe {
namespace {

const char* kPrompt = "Where does Mira live?";

ServedDemo& served() {
  static ServedDemo demo;
  return demo;
}

TEST(Completions, AnswerAsGenerateDoes) {
  const Generated wanted = served().generated(kPrompt, {.max_new_tokens = 20});
  const Json reply = served().completion({{"prompt", kPrompt}, {"max_tokens", 20}, {"temperature", 0}});
  EXPECT_EQ(reply["object"], "text_completion");
  EXPECT_EQ(reply["model"], "demo");
  const Json& choice = reply["choices"][0];
  EXPECT_EQ(choice["text"], served().decoded(wanted.ids));
  EXPECT_EQ(choice["index"], 0);
  EXPECT_EQ(choice["finish_reason"], wanted.stopped ? "stop" : "length");
  EXPECT_TRUE(choice["logprobs"].is_null());
  EXPECT_EQ(reply["usage"]["prompt_tokens"], served().model().encode(kPrompt).size());
  EXPECT_EQ(reply["usage"]["completion_tokens"], wanted.ids.size());
  EXPECT_EQ(reply["usage"]["total_tokens"], served().model().encode(kPrompt).size() + wanted.ids.size());
}

TEST(Completions, TakePromptsInAllFourForms) {
  const std::vector<int> ids = served().model().encode(kPrompt);
  const auto texts_of = [](const Json& prompt) {
    std::vector<std::string> texts;
    const Json reply = served().completion({{"prompt", prompt}, {"max_tokens", 6}, {"temperature", 0}});
    for (const Json& choice : reply["choices"]) texts.push_back(choice["text"]);
    return texts;
  };
  const std::vector<std::string> one = texts_of(kPrompt);
  const std::string other = texts_of("Tell me")[0];
  EXPECT_EQ(texts_of(ids), one);
  EXPECT_EQ(texts_of({kPrompt, "Tell me"}), (std::vector<std::string>{one[0], other}));
  EXPECT_EQ(texts_of({Json(ids), Json(served().model().encode("Tell me"))}), (std::vector<std::string>{one[0], other}));
}

TEST(Completions, RepeatWithTheSameSeedAndGiveSeveralAnswers) {
  const auto texts_of = [](Json body) {
    body.update({{"prompt", kPrompt}, {"max_tokens", 12}, {"temperature", 1.2}});
    std::vector<std::string> texts;
    const Json reply = served().completion(body);
    for (const Json& choice : reply["choices"]) texts.push_back(choice["text"]);
    return texts;
  };
  const auto three = texts_of({{"seed", 7}, {"n", 3}});
  EXPECT_EQ(texts_of({{"seed", 7}, {"n", 3}}), three);
  EXPECT_EQ(texts_of({{"seed", 7}})[0], three[0]);
  EXPECT_NE(three[0], three[1]);
  EXPECT_NE(texts_of({{"seed", 8}})[0], three[0]);
  GenerationOptions options{.max_new_tokens = 12, .sampling = {.temperature = 1.2}, .seed = 7};
  EXPECT_EQ(three[0], served().decoded(served().generated(kPrompt, options).ids));
  EXPECT_NE(texts_of({})[0], texts_of({})[0]) << "requests without a seed differ";
}

TEST(Completions, EchoThePromptWithItsLogProbabilitiesAsHarnessesNeedThem) {
  const std::vector<int> ids = served().model().encode(kPrompt);
  std::vector<float> wanted;
  served().model().change([&](CausalLM& model) { wanted = score_rows(model, {&ids, 1})[0]; });
  for (const int tokens : {0, 1}) {
    const Json reply = served().completion(
        {{"prompt", ids}, {"max_tokens", tokens}, {"temperature", 0}, {"echo", true}, {"logprobs", 1}});
    const Json& choice = reply["choices"][0];
    EXPECT_TRUE(choice["text"].get<std::string>().starts_with(served().decoded(ids)));
    const Json& logprobs = choice["logprobs"];
    for (const char* key : {"tokens", "token_logprobs", "top_logprobs", "text_offset"})
      ASSERT_EQ(logprobs[key].size(), ids.size() + static_cast<std::size_t>(tokens)) << key;
    EXPECT_TRUE(logprobs["token_logprobs"][0].is_null());
    EXPECT_TRUE(logprobs["top_logprobs"][0].is_null());
    for (std::size_t i = 1; i < ids.size(); ++i) {
      EXPECT_NEAR(logprobs["token_logprobs"][i].get<double>(), wanted[i - 1], 1e-4) << i;
      double best = -INFINITY;
      for (const Json& value : logprobs["top_logprobs"][i]) best = std::max(best, value.get<double>());
      EXPECT_GE(best, logprobs["token_logprobs"][i].get<double>());
    }
    // The first token, <|endoftext|>, is not part of the visible text.
    std::string joined;
    for (std::size_t i = 1; i < logprobs["tokens"].size(); ++i) joined += logprobs["tokens"][i];
    EXPECT_EQ(joined, choice["text"]);
    EXPECT_EQ(logprobs["text_offset"][1], 0);
    EXPECT_EQ(logprobs["text_offset"][2], served().decoded({ids[1]}).size());
  }
}

TEST(Completions, EndAtAStopTextEvenAcrossTokens) {
  const std::string whole =
      served().completion({{"prompt", kPrompt}, {"max_tokens", 20}, {"temperature", 0}})["choices"][0]["text"];
  ASSERT_GT(whole.size(), 8U);
  for (std::size_t at = 1; at + 4 < whole.size(); ++at) {
    const std::string stop = whole.substr(at, 4);
    const Json choice = served().completion(
        {{"prompt", kPrompt}, {"max_tokens", 20}, {"temperature", 0}, {"stop", {"never there", stop}}})["choices"][0];
    EXPECT_EQ(choice["text"], whole.substr(0, whole.find(stop)));
    EXPECT_EQ(choice["finish_reason"], "stop");
  }
}

TEST(Completions, StreamTheSameTextInServerSentEvents) {
  const Json body = {{"prompt", {kPrompt, "Tell me"}},
                     {"max_tokens", 15},
                     {"temperature", 0},
                     {"stop", "zzz"},
                     {"logprobs", 1},
                     {"echo", true},
                     {"stream_options", {{"include_usage", true}}}};
  const Json whole = served().completion(body);
  const std::vector<std::string> events = served().events("/v1/completions", body);
  ASSERT_GE(events.size(), 4U) << "a choice each, usage, [DONE]; on a busy machine several tokens share an event";
  EXPECT_EQ(events.back(), "[DONE]");
  std::vector<std::string> texts(2), finished(2);
  std::vector<std::size_t> tokens(2);
  Json usage;
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    const Json event = parse_json(events[i], "event");
    EXPECT_EQ(event["object"], "text_completion");
    if (event["choices"].empty()) usage = event["usage"];
    for (const Json& choice : event["choices"]) {
      EXPECT_TRUE(event["usage"].is_null());
      const auto index = choice["index"].get<std::size_t>();
      texts[index] += choice["text"];
      tokens[index] += choice["logprobs"]["tokens"].size();
      if (!choice["finish_reason"].is_null()) finished[index] = choice["finish_reason"];
    }
  }
  EXPECT_EQ(usage, whole["usage"]);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(texts[i], whole["choices"][i]["text"]);
    EXPECT_EQ(finished[i], whole["choices"][i]["finish_reason"]);
    EXPECT_EQ(tokens[i], whole["choices"][i]["logprobs"]["tokens"].size());
  }
}

TEST(Chats, GoThroughTheModelsTemplate) {
  const std::vector<int> laid_out = served().model().encode_chat(kPrompt, {});
  EXPECT_TRUE(served().decoded(laid_out).starts_with("### Question: ")) << "SKU's text: it has no chat template";
  const Json prompt = served().completion({{"prompt", laid_out}, {"max_tokens", 15}, {"temperature", 0}});
  const Json reply = served().chat({{"messages", {{{"role", "user"}, {"content", kPrompt}}}},
                                    {"max_completion_tokens", 15},
                                    {"temperature", 0},
                                    {"logprobs", true},
                                    {"top_logprobs", 2}});
  EXPECT_EQ(reply["object"], "chat.completion");
  const Json& choice = reply["choices"][0];
  EXPECT_EQ(choice["message"]["role"], "assistant");
  EXPECT_EQ(choice["message"]["content"], prompt["choices"][0]["text"]);
  const Json& logprobs = choice["logprobs"]["content"];
  ASSERT_EQ(logprobs.size(), reply["usage"]["completion_tokens"].get<std::size_t>());
  EXPECT_EQ(logprobs[0]["top_logprobs"].size(), 2U);
  EXPECT_EQ(logprobs[0]["top_logprobs"][0]["token"], logprobs[0]["token"]);
  EXPECT_TRUE(logprobs[0]["bytes"].is_array());
  const Json parts = {{{"role", "user"}, {"content", {{{"type", "text"}, {"text", kPrompt}}}}}};
  EXPECT_EQ(served().chat({{"messages", parts}, {"max_tokens", 15}, {"temperature", 0}})["choices"][0]["message"],
            choice["message"]);
}

TEST(Chats, StreamARoleThenTheTextThenTheEnd) {
  const Json body = {{"messages", {{{"role", "user"}, {"content", kPrompt}}}}, {"max_tokens", 12}, {"temperature", 0}};
  const Json whole = served().chat(body);
  const std::vector<std::string> events = served().events("/v1/chat/completions", body);
  std::string text, finish;
  for (std::size_t i = 0; i + 1 < events.size(); ++i) {
    const Json event = parse_json(events[i], "event");
    EXPECT_EQ(event["object"], "chat.completion.chunk");
    const Json& choice = event["choices"][0];
    EXPECT_EQ(choice["delta"].contains("role"), i == 0);
    text += choice["delta"].value("content", "");
    if (!choice["finish_reason"].is_null()) finish = choice["finish_reason"];
  }
  EXPECT_EQ(text, whole["choices"][0]["message"]["content"]);
  EXPECT_EQ(finish, whole["choices"][0]["finish_reason"]);
}

TEST(Batching, GivesEachRequestTheAnswerThatItHasAlone) {
  std::vector<std::string> prompts, alone;
  for (const char* begin : {"Where", "Tell me about", "What is", "How", "A", "The", "Who lives", "Mira"}) {
    for (const char* end : {"", " Mira", " the town"}) prompts.push_back(std::string(begin) + end);
  }
  for (const std::string& prompt : prompts)
    alone.push_back(served().decoded(served().generated(prompt, {.max_new_tokens = 25}).ids));
  std::vector<std::string> together(prompts.size());
  std::vector<std::thread> clients;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    clients.emplace_back([&, i] {
      const Json reply = served().completion({{"prompt", prompts[i]}, {"max_tokens", 25}, {"temperature", 0}});
      together[i] = reply["choices"][0]["text"];
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(together, alone);
}

TEST(Changes, RunBetweenAnswersEvenIfThereAreAlwaysOthersThatWait) {
  std::atomic<bool> over{false};
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back([&, i] {
      for (int k = 0; !over; ++k) {
        served().completion({{"prompt", kPrompt}, {"max_tokens", 40 + 7 * ((i + k) % 8)}, {"temperature", 5}});
        ++answered;
      }
    });
  }
  for (int i = 0; i < 3; ++i) {
    std::future<void> change = std::async(std::launch::async, [] { served().model().change([](CausalLM&) {}); });
    const bool ready = change.wait_for(std::chrono::seconds(20)) == std::future_status::ready;
    EXPECT_TRUE(ready);
    if (!ready || i == 2) over = true;  // else it would wait for the clients
    change.wait();
  }
  for (std::thread& client : clients) client.join();
  EXPECT_GE(answered, 8);
  EXPECT_THROW(served().model().change([](CausalLM&) { throw bad_input("no such alpha"); }), Error);
}

TEST(Models, AreListedWithWhatTheirCardsWarnOf) {
  const WebReply reply = served().routes().answer({.method = "GET", .path = "/v1/models"});
  const Json list = parse_json(reply.body, "models");
  EXPECT_EQ(list["object"], "list");
  EXPECT_EQ(list["data"][0]["id"], "demo");
  EXPECT_EQ(list["data"][0]["max_model_len"], 256);
  EXPECT_FALSE(list["data"][0].contains("warning"));
  EXPECT_EQ(parse_json(served().routes().answer({.method = "GET", .path = "/v1/models/demo"}).body, "model")["id"],
            "demo");
  EXPECT_EQ(served().routes().answer({.method = "GET", .path = "/v1/models/other"}).status, 404);
  EXPECT_NE(find_original(demo_folder()).danger, "");
  EXPECT_EQ(find_original(demo_folder()).name, "original");
}

TEST(Stream, ThatFailsInTheMiddleEndsWithAnErrorEvent) {
  const ServedDemo demo;
  const WebReply reply =
      demo.post("/v1/completions", R"({"model":"demo","prompt":"Where","max_tokens":5,"stream":true})");
  ASSERT_EQ(reply.status, 200);
  std::vector<std::string> sent;
  reply.stream([&](std::string_view piece) {
    sent.emplace_back(piece);
    if (sent.size() == 1) throw std::bad_alloc();
    return true;
  });
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_TRUE(parse_json(sent.back().substr(6), "event").contains("error"));
  EXPECT_EQ(sent.back().find("bad_alloc"), std::string::npos);
}

}  // namespace
}  // namespace lethe
