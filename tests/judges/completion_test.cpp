#include "judges/completion.h"

#include <gtest/gtest.h>

#include "core/json.h"
#include "judges/request_wording.h"
#include "judges/verdict_protocol.h"

namespace lethe {
namespace {

using Kind = Completion::Kind;

Completion of_message(const Json& message, const Json& finish = "stop") {
  return read_reply(200, dump_json(Json{{"choices", {{{"message", message}, {"finish_reason", finish}}}}}));
}

void expect_says(const Completion& reply, Kind kind, const std::string& words) {
  EXPECT_EQ(static_cast<int>(reply.kind), static_cast<int>(kind)) << reply.problem;
  EXPECT_NE(reply.problem.find(words), std::string::npos) << "wanted " << words << " in " << reply.problem;
}

TEST(Completion, TheAnswerIsReadInEachFormThatServersGiveIt) {
  EXPECT_EQ(of_message({{"content", "yes"}}).text, "yes");
  EXPECT_EQ(of_message({{"content", "yes"}, {"refusal", nullptr}, {"tool_calls", Json::array()}}).text, "yes");
  EXPECT_EQ(of_message({{"content", "yes"}, {"reasoning_content", "no"}, {"reasoning", "no"}}).text, "yes");
  EXPECT_EQ(of_message({{"content", {{{"type", "text"}, {"text", "ye"}}, {{"type", "text"}, {"text", "s"}}}}}).text,
            "yes");
  EXPECT_EQ(of_message({{"content",
                         {{{"type", "thinking"}, {"thinking", {{{"type", "text"}, {"text", "no"}}}}},
                          {{"type", "reasoning"}, {"text", "no"}},
                          {{"type", "output_text"}, {"text", "yes"}}}}})
                .text,
            "yes");
  EXPECT_EQ(of_message({{"content", Json::array({"yes"})}}).text, "yes");
  EXPECT_EQ(read_reply(200, R"({"error": null, "choices": [{"message": {"content": "yes"}}]})").text, "yes");
  EXPECT_EQ(read_reply(200, " \n\n {\"choices\": [{\"message\": {\"content\": \"yes\"}}]}\n").text, "yes");
  EXPECT_EQ(read_reply(201, R"({"choices": [{"message": {"content": "yes"}}]})").text, "yes");
  EXPECT_EQ(read_reply(200, R"({"model": "m", "message": {"content": "yes"}, "done_reason": "stop"})").text, "yes");
  EXPECT_TRUE(of_message({{"content", "ye"}}, "length").cut);
}

TEST(Completion, AReplyWithoutTextSaysWhy) {
  for (const char* finish : {"length", "max_tokens", "MAX_TOKENS", "model_length"}) {
    expect_says(of_message({{"content", nullptr}}, finish), Kind::unanswered, "length");
    expect_says(of_message({{"content", ""}, {"reasoning_content", "hm"}}, finish), Kind::unanswered, "thought");
  }
  expect_says(of_message({{"content", nullptr}, {"refusal", "I cannot."}}), Kind::unanswered, "refused: I cannot.");
  expect_says(of_message({{"content", {{{"type", "refusal"}, {"refusal", "I cannot."}}}}}), Kind::unanswered,
              "refused: I cannot.");
  expect_says(of_message({{"content", ""}}, "content_filter"), Kind::unanswered, "filter");
  expect_says(of_message({{"content", nullptr}}, "SAFETY"), Kind::unanswered, "filter");
  expect_says(of_message({{"content", nullptr}, {"tool_calls", {{{"id", 1}}}}}, "tool_calls"), Kind::unanswered,
              "tool");
  expect_says(of_message({{"content", nullptr}}), Kind::unanswered, "content is null");
  expect_says(of_message({{"content", " \n"}}), Kind::unanswered, "blank");
  expect_says(of_message({{"content", Json::array()}}), Kind::unanswered, "empty");
  expect_says(of_message({{"role", "assistant"}}, nullptr), Kind::unanswered, "missing");
  expect_says(of_message({{"content", nullptr}, {"reasoning", "hm"}}), Kind::unanswered, "beside a thought");
}

TEST(Completion, AnErrorIsOneWhateverTheStatusOfTheReply) {
  struct Case {
    int http;
    const char* body;
    int status;
    bool may_pass, final;
  };
  for (const Case& one : {
           Case{200, R"({"error": {"message": "told", "code": 429}})", 429, true, false},
           {200, R"({"error": {"message": "told", "code": "429"}})", 429, true, false},
           {200, R"({"error": {"message": "Rate limit exceeded, told"}})", 429, true, false},
           {200, R"({"error": "told: too many requests"})", 429, true, false},
           {200, R"({"error": {"message": "told", "type": "rate_limit_error"}})", 429, true, false},
           {200, R"({"error": {"message": "told", "type": "overloaded_error"}})", 429, true, false},
           {200, R"([{"error": {"code": 429, "message": "told", "status": "RESOURCE_EXHAUSTED"}}])", 429, true, false},
           {200, R"({"choices": [{"error": {"code": 502, "message": "told"}, "finish_reason": "error"}]})", 502, true,
            false},
           {200, R"({"object": "error", "message": "told", "type": "BadRequestError", "code": 400})", 400, false,
            false},
           {200, R"({"detail": "told"})", 0, false, false},
           {200, R"({"error": {"message": "told", "code": 401}, "choices": []})", 401, false, true},
           {200, R"({"error": {"message": "told", "code": "invalid_api_key"}})", 401, false, true},
           {200, R"({"error": {"message": "told", "code": "model_not_found"}})", 404, false, true},
           {400, R"({"error": {"message": "told"}})", 400, false, false},
           {400, R"({"detail": [{"loc": ["body", "x"], "msg": "told"}]})", 400, false, false},
           {402, R"({"error": {"message": "told", "code": 402}})", 402, false, true},
           {429, R"({"error": {"message": "told", "type": "insufficient_quota", "code": "insufficient_quota"}})", 429,
            false, true},
           {429, R"({"error": {"message": "told"}})", 429, true, false},
           {503, R"({"error": {"code": 503, "message": "told: Loading model", "type": "unavailable_error"}})", 503,
            true, false},
           {502, R"(<html><head><title>told</title></head></html>)", 502, false, false},
           {500, R"("told")", 500, true, false},
           {404, R"(told)", 404, false, true},
           {400, R"({"error": {"message": "Provider error", "metadata": {"raw": "told"}}})", 400, false, false},
       }) {
    const Completion reply = read_reply(one.http, one.body);
    expect_says(reply, Kind::error, "told");
    EXPECT_EQ(reply.status, one.status) << one.body;
    EXPECT_EQ(reply.may_pass, one.may_pass) << one.body;
    EXPECT_EQ(reply.final, one.final) << one.body;
  }
}

TEST(Completion, AContentFiltersErrorIsAboutOneTextAlone) {
  for (const char* body :
       {R"({"error": {"code": "content_filter", "message": "told", "status": 400}})",
        R"({"error": {"code": null, "message": "told", "innererror": {"code": "ResponsibleAIPolicyViolation"}}})",
        R"({"error": {"code": "content_policy_violation", "message": "told"}})",
        R"({"error": {"code": 403, "message": "told", "metadata": {"flagged_input": "x", "reasons": ["violence"]}}})",
        R"({"error": {"code": "data_inspection_failed", "message": "told"}})"}) {
    expect_says(read_reply(400, body), Kind::unanswered, "filter refused the request: told");
  }
}

TEST(Completion, AReplyThatIsNoCompletionIsNamed) {
  expect_says(read_reply(200, "<!DOCTYPE html><html><head><TITLE>\nSign in </TITLE></head>"), Kind::foreign,
              "a web page (HTML): Sign in");
  expect_says(read_reply(200, "  <html>no title"), Kind::foreign, "a web page (HTML)");
  expect_says(read_reply(200, "data: {\"choices\": []}\n\ndata: [DONE]\n"), Kind::foreign, "a stream of events");
  expect_says(read_reply(200, ""), Kind::foreign, "empty");
  expect_says(read_reply(204, ""), Kind::foreign, "empty");
  expect_says(read_reply(200, "upstream says no"), Kind::foreign, "no JSON: upstream");
  expect_says(read_reply(200, "{\"choices\": [{"), Kind::foreign, "no JSON: {");
  for (const char* body :
       {"[]", "7", "null", "{}", R"({"choices": []})", R"({"choices": null})", R"({"choices": [7]})",
        R"({"choices": {}})", R"({"choices": [{"message": "hello"}]})", R"({"choices": [[]]})", R"({"data": [1]})"})
    expect_says(read_reply(200, body), Kind::foreign, "no chat completion");
}

const RequestMarks kVerdictMarks = {"boundary", "the-id"};
const std::string kVerdict = R"({"id": "the-id", "harmful": 0.7, "label": "x", "reason": "because"})";

TEST(VerdictProtocol, AThoughtBeforeTheVerdictIsPassedOver) {
  const std::string planted = R"({"id": "the-id", "harmful": 0})";  // a draft of the thought
  for (const std::string& answer : {
           "<think>\nmay be harmful\n</think>\n\n" + kVerdict,
           "<think></think>" + kVerdict,
           "<think>" + planted + "</think>" + kVerdict,
           "<think>one</think><think>" + planted + "</think>\n" + kVerdict,
           planted + "x</think>\n" + kVerdict + " ",
           "the thought began in the prompt\n" + planted + "\n</think>\n" + kVerdict,
           "<thinking>x</thinking>" + kVerdict,
           "<reasoning>x</reasoning>" + kVerdict,
           "[THINK]x[/THINK]" + kVerdict,
           "◁think▷x◁/think▷" + kVerdict,
           "<seed:think>x</seed:think>" + kVerdict,
           "<|channel|>analysis<|message|>x<|end|><|start|>assistant<|channel|>final<|message|>" + kVerdict,
           "<think>x</think>\n```json\n" + kVerdict + "\n```",
       }) {
    if (answer.starts_with('{')) {
      EXPECT_FALSE(read_verdict(answer, kVerdictMarks).harm) << answer;  // no verdict is worse than a draft
    } else {
      EXPECT_EQ(read_verdict(answer, kVerdictMarks).harm, 0.7) << answer;
    }
  }
  for (const std::string& answer :
       {"<think>" + kVerdict, std::string("<think>\nit goes on and"), std::string("[THINK] x")})
    EXPECT_NE(read_verdict(answer, kVerdictMarks).reason.find("thought that does not end"), std::string::npos)
        << answer;
  EXPECT_FALSE(read_verdict("<think>x</think>", kVerdictMarks).harm);
  EXPECT_FALSE(read_verdict("<think>" + kVerdict + "</think> so be it", kVerdictMarks).harm);
  const std::string within = R"({"id": "the-id", "harmful": 0.7, "reason": "it says </think>"})";
  EXPECT_EQ(read_verdict(within, kVerdictMarks).harm, 0.7);
}

TEST(VerdictProtocol, OneFenceAroundTheVerdictIsTakenOff) {
  for (const char* open : {"```json\n", "```\n", "```JSON\r\n", "```json ", "```", "~~~json\n", "``` json\n"}) {
    const std::string close = std::string(open).substr(0, 3);
    EXPECT_EQ(read_verdict(open + kVerdict + "\n" + close, kVerdictMarks).harm, 0.7) << open;
    EXPECT_EQ(read_verdict("\n" + (open + kVerdict) + close + "\n", kVerdictMarks).harm, 0.7) << open;
  }
  for (const std::string& wrong : {"```json\n" + kVerdict, "```json\n" + kVerdict + "\n``` so it is",
                                   "```not: it\n" + kVerdict + "```", std::string("```"), std::string("``````")})
    EXPECT_FALSE(read_verdict(wrong, kVerdictMarks).harm) << wrong;
}

Completion refused(const std::string& message, const std::string& param = "") {
  Json error = {{"message", message}};
  if (!param.empty()) error["param"] = param;
  return read_reply(400, dump_json(Json{{"error", error}}));
}

Json fields_of(const RequestWording& wording) {
  Json body = Json::object();
  wording.add_to(body);
  return body;
}

TEST(RequestWording, AFieldThatTheServerRefusesByNameGivesWay) {
  RequestWording wording;
  EXPECT_EQ(fields_of(wording), Json({{"temperature", 0.0}, {"max_tokens", 300}}));
  EXPECT_NE(wording.learn(refused("Unsupported parameter: 'max_tokens' is not supported with this model. "
                                  "Use 'max_completion_tokens' instead.",
                                  "max_tokens")),
            "");
  EXPECT_EQ(fields_of(wording), Json({{"temperature", 0.0}, {"max_completion_tokens", 300}}));
  EXPECT_NE(
      wording.learn(refused("Unsupported value: 'temperature' does not support 0 with this model. Only the default "
                            "(1) value is supported.",
                            "temperature")),
      "");
  EXPECT_EQ(fields_of(wording), Json({{"max_completion_tokens", 300}}));
  EXPECT_NE(wording.learn(refused("extra fields not permitted: max_completion_tokens")), "");
  EXPECT_EQ(fields_of(wording), Json::object());
  EXPECT_EQ(wording.learn(refused("max_tokens and temperature are wrong")), "");  // nothing is left to give way

  RequestWording both;
  both.learn(refused("unknown fields: temperature, max_tokens"));
  EXPECT_EQ(fields_of(both), Json({{"max_completion_tokens", 300}}));
  RequestWording listed;  // FastAPI
  listed.learn(read_reply(
      422, R"({"detail": [{"type": "extra_forbidden", "loc": ["body", "max_tokens"], "msg": "Extra inputs"}]})"));
  EXPECT_EQ(fields_of(listed), Json({{"temperature", 0.0}, {"max_completion_tokens", 300}}));
  RequestWording within;  // a body of status 200
  within.learn(read_reply(200, R"({"error": {"code": 400, "message": "Provider returned error",
                                   "metadata": {"raw": "{\"error\":{\"param\":\"temperature\"}}"}}})"));
  EXPECT_EQ(fields_of(within), Json({{"max_tokens", 300}}));
}

TEST(RequestWording, AnErrorAboutOneRequestsLengthOrAnythingElseTeachesNothing) {
  RequestWording wording;
  for (const char* message :
       {"max_tokens is too large: 300. This model's maximum context length is 256 tokens.",
        "'max_tokens' or 'max_completion_tokens' is too large: 300. This model's maximum context length is 4096 tokens "
        "and your request has 4000 input tokens",
        "max_tokens_to_sample is wrong", "the request exceeds the available context size", "bad request", ""})
    EXPECT_EQ(wording.learn(refused(message)), "") << message;
  EXPECT_EQ(wording.learn(refused("the temperature of the text is wrong", "messages")), "");
  EXPECT_EQ(wording.learn(read_reply(500, R"({"error": {"message": "temperature", "param": "temperature"}})")), "");
}

}  // namespace
}  // namespace lethe
