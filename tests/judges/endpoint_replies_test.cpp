// Judges at an endpoint: replies of servers that are no verdict, and who may read what is sent to them.
#include "judges/endpoint_fixture.h"

namespace lethe {
namespace {

std::string failure_of(const Judge& judge, const std::vector<Exchange>& exchanges) {
  try {
    judge.judge(exchanges);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::failed);
    return error.what();
  }
  return "";
}

std::vector<Exchange> several(int count) {
  std::vector<Exchange> exchanges;
  for (int i = 0; i < count; ++i) exchanges.push_back({"p", "answer " + std::to_string(i)});
  return exchanges;
}

Json body_of(const std::string& request) {
  return Json::parse(request.substr(request.find("\r\n\r\n") + 4));
}

TEST_F(Endpoint, AFieldThatTheServerRefusesIsLeftOutFromThenOn) {
  std::atomic<int> refused{0};
  LocalServer server([&](const std::string& request, int) -> ServedReply {
    const Json body = body_of(request);
    for (const char* field : {"max_tokens", "temperature"}) {
      if (!body.contains(field)) continue;
      ++refused;
      return {reply_with("400 Bad Request",
                         dump_json(Json{{"error", {{"message", "Unsupported parameter"}, {"param", field}}}}))};
    }
    EXPECT_EQ(body.at("max_completion_tokens"), 300);
    return good(request);
  });
  const auto judge = open(server.url(), {{"retries", 0}, {"parallel", 1}});
  for (const Verdict& verdict : judge->judge(several(4))) EXPECT_EQ(verdict.harm, 0.9) << verdict.reason;
  EXPECT_EQ(refused, 2);  // once a field
  judge->judge(std::vector<Exchange>{{"p", "another"}});
  EXPECT_EQ(refused, 2);  // once a run
  refused = 0;
  for (const Verdict& verdict : open(server.url(), {{"parallel", 8}})->judge(several(20))) EXPECT_EQ(verdict.harm, 0.9);
  refused = 0;
  open(server.url(), {{"max_completion_tokens", 300}, {"temperature", "none"}})->judge(several(1));
  EXPECT_EQ(refused, 0);  // the file may say so from the start
}

TEST_F(Endpoint, AServerThatRefusesEveryWordingIsNotRetriedForever) {
  LocalServer server([&](const std::string&, int) -> ServedReply {
    return {reply_with("400 No",
                       R"({"error": {"message": "max_tokens, max_completion_tokens, temperature: unsupported"}})")};
  });
  EXPECT_NE(failure_of(*open(server.url(), {{"parallel", 1}}), several(1)).find("unsupported"), std::string::npos);
  EXPECT_LE(server.requests(), 4);
}

TEST_F(Endpoint, LimitsAndTemperatureMayBeNone) {
  Json seen;
  LocalServer server([&](const std::string& request, int) {
    seen = body_of(request);
    return good(request);
  });
  open(server.url(), {{"max_tokens", "none"}, {"temperature", "none"}})->judge(several(1));
  EXPECT_FALSE(seen.contains("max_tokens") || seen.contains("temperature") || seen.contains("max_completion_tokens"));
  open(server.url(), {{"max_tokens", nullptr}, {"max_completion_tokens", 9}, {"temperature", nullptr}})
      ->judge(several(1));
  EXPECT_FALSE(seen.contains("max_tokens") || seen.contains("temperature"));
  EXPECT_EQ(seen.at("max_completion_tokens"), 9);
  open(server.url(), {{"max_completion_tokens", "none"}})->judge(several(1));
  EXPECT_FALSE(seen.contains("max_tokens") || seen.contains("max_completion_tokens"));
  open(server.url(), {{"max_tokens", 77}, {"temperature", 0.5}})->judge(several(1));
  EXPECT_EQ(seen.at("max_tokens"), 77);
  EXPECT_EQ(seen.at("temperature"), 0.5);
  EXPECT_NE(refusal(server.url(), {{"max_tokens", 7}, {"max_completion_tokens", 7}}).find("both"), std::string::npos);
  EXPECT_NE(refusal(server.url(), {{"max_completion_tokens", 0}}).find("max_completion_tokens"), std::string::npos);
}

TEST_F(Endpoint, AnErrorInABodyOfStatus200IsRetriedCountedAndReported) {
  const std::string limited = R"({"error": {"message": "Rate limit exceeded: free-models-per-day", "code": 429}})";
  std::atomic<int> odd{0};
  ODD_SERVER(once, return odd++ == 0 ? ServedReply{reply_with("200 OK", limited)} : good(request, 0.3););
  EXPECT_EQ(open(once.url())->judge(fine_and_odd())[1].harm, 0.3);
  ODD_SERVER(always, return {reply_with("200 OK", limited)};);
  expect_unjudged(open(always.url())->judge(fine_and_odd()), "Rate limit exceeded");
  EXPECT_EQ(always.requests(), 4);  // one, and one with two retries
  LocalServer all([&](const std::string&, int) -> ServedReply { return {reply_with("200 OK", limited)}; });
  EXPECT_NE(failure_of(*open(all.url(), {{"retries", 0}}), several(3)).find("free-models-per-day"), std::string::npos);
}

TEST_F(Endpoint, AllOfAFewRequestsFailingFailsTheJudge) {
  for (const char* bytes : {"", "HTTP/1.1 503 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nConnection: close\r\n\r\n<html></html>"}) {
    LocalServer server([&](const std::string&, int) -> ServedReply { return {bytes}; });
    for (const int count : {1, 3, 5}) EXPECT_NE(failure_of(*open(server.url(), {{"retries", 0}}), several(count)), "");
  }
  int port = 0;
  {
    const LocalServer gone([](const std::string&, int) { return ServedReply{}; });
    port = std::stoi(gone.url().substr(17));
  }
  const std::string told =
      failure_of(*open("http://127.0.0.1:" + std::to_string(port) + "/v1", {{"retries", 0}}), several(3));
  EXPECT_NE(told.find("127.0.0.1:" + std::to_string(port)), std::string::npos) << told;
  EXPECT_NE(told.find("3 of 3"), std::string::npos) << told;
}

TEST_F(Endpoint, CreditThatIsUsedUpStopsItAtOnce) {
  LocalServer server([&](const std::string&, int) -> ServedReply {
    return {reply_with("429 No",
                       R"({"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}})")};
  });
  EXPECT_NE(failure_of(*open(server.url(), {{"parallel", 1}}), several(10)).find("current quota"), std::string::npos);
  EXPECT_EQ(server.requests(), 1);
}

TEST_F(Endpoint, ARefusalAFilterAndALimitAreNamedInTheVerdict) {
  ODD_SERVER(
      refusing,
      return {reply_with("200 OK", R"({"choices": [{"message": {"content": null, "refusal": "I cannot help."}}]})")};);
  expect_unjudged(open(refusing.url())->judge(fine_and_odd()), "I cannot help.");
  ODD_SERVER(cut,
             return {reply_with(
                 "200 OK", R"({"choices": [{"message": {"content": "{\"id\": \"ab"}, "finish_reason": "length"}]})")};);
  expect_unjudged(open(cut.url())->judge(fine_and_odd()), "length");
  LocalServer filtering([&](const std::string&, int) -> ServedReply {
    return {reply_with("400 Bad", R"({"error": {"code": "content_filter", "message": "filtered"}})")};
  });
  // A content filter refuses single texts: the endpoint works.
  for (const Verdict& verdict : open(filtering.url())->judge(several(8))) {
    EXPECT_FALSE(verdict.harm);
    EXPECT_NE(verdict.reason.find("filter"), std::string::npos) << verdict.reason;
  }
  EXPECT_EQ(filtering.requests(), 8);
}

// Sets environment variables of proxies, and restores them afterwards.
class ProxyVariables {
 public:
  explicit ProxyVariables(const std::string& proxy) {
    for (const char* name : kNames) setenv(name, proxy.c_str(), 1);
    unsetenv("no_proxy");
    unsetenv("NO_PROXY");
  }
  ~ProxyVariables() {
    for (const char* name : kNames) unsetenv(name);
  }
  ProxyVariables(const ProxyVariables&) = delete;

 private:
  static constexpr const char* kNames[] = {"http_proxy", "https_proxy", "all_proxy",
                                           "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"};
};

TEST_F(Endpoint, NoProxyEverSeesWhatIsNotEncrypted) {
  setenv("LETHE_TEST_KEY", "sk-secret", 1);
  LocalServer server([](const std::string& request, int) { return good(request); });
  LocalServer proxy([](const std::string&, int) { return ServedReply{reply_with("403 No", "{}")}; });
  const std::string port = server.url().substr(17, server.url().find("/v1") - 17);
  {
    const ProxyVariables variables(proxy.url().substr(0, proxy.url().find("/v1")));
    for (const char* host : {"127.0.0.1", "localhost", "LocalHost", "localhost.", "127.1", "0x7f.1", "2130706433"}) {
      const auto judge = open("http://" + std::string(host) + ":" + port + "/v1", {{"key_env", "LETHE_TEST_KEY"}});
      EXPECT_EQ(judge->judge(several(1))[0].harm, 0.9) << host;
    }
    // Without a key plain http may go to another machine, but through no proxy either.
    const auto judge = open("http://no-such-host.invalid:" + port + "/v1", {{"retries", 0}});
    EXPECT_NE(failure_of(*judge, several(1)), "");
    // What is encrypted goes through the proxy, as a tunnel: it learns the host and nothing else.
    EXPECT_EQ(proxy.requests(), 0);
  }
  unsetenv("LETHE_TEST_KEY");
}

TEST_F(Endpoint, AProxyOfAnEncryptedConnectionLearnsOnlyTheHost) {
  setenv("LETHE_TEST_KEY", "sk-secret", 1);
  std::string seen;
  LocalServer proxy([&](const std::string& request, int) {
    seen = request;
    return ServedReply{reply_with("403 No", "{}")};
  });
  {
    const ProxyVariables variables(proxy.url().substr(0, proxy.url().find("/v1")));
    const auto judge = open("https://judge.invalid/v1", {{"key_env", "LETHE_TEST_KEY"}, {"retries", 0}});
    EXPECT_NE(failure_of(*judge, several(1)), "");
  }
  unsetenv("LETHE_TEST_KEY");
  EXPECT_TRUE(seen.starts_with("CONNECT judge.invalid:443 ")) << seen;
  EXPECT_EQ(seen.find("secret"), std::string::npos) << seen;
}

TEST_F(Endpoint, AKeyTravelsOverPlainHttpToThisMachinesAddressesAlone) {
  setenv("LETHE_TEST_KEY", "sk-secret", 1);
  const Json key = {{"key_env", "LETHE_TEST_KEY"}};
  for (const char* host : {"127.evil.example.org", "localhost.evil.org", "127.0.0.1.evil.org", "evil-localhost",
                           "0.0.0.0", "10.0.0.1", "128.0.0.1", "[::2]", "[::ffff:10.0.0.1]", "foo.localhost",
                           "example.org", "0x80.1", "2147483649", "127.0.0.1.evil.org."}) {
    EXPECT_NE(refusal("http://" + std::string(host) + ":8000/v1", key).find("https"), std::string::npos) << host;
    EXPECT_EQ(refusal("https://" + std::string(host) + ":8000/v1", key), "") << host;
  }
  for (const char* host : {"127.0.0.1", "127.255.0.3", "[::1]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "localhost",
                           "LOCALHOST", "localhost.", "0x7f.1", "0177.0.0.1", "127.1", "2130706433", "0x7f000001"}) {
    EXPECT_EQ(refusal("http://" + std::string(host) + ":8000/v1", key), "") << host;
  }
  for (const char* url :
       {"http://127.0.0.1@evil.org/v1", "http://127.0.0.1:80@evil.org/v1", "http://localhost%40evil.org@evil.org/",
        "http://evil.org#@127.0.0.1/v1", "http://evil.org\\@127.0.0.1/v1", "http://127.0.0.1\\@evil.org/v1", "http://",
        "http:///v1", "http://127.0.0.1 evil.org/", "http://127.0.0.1\nevil.org/v1", "ftp://127.0.0.1/v1",
        "//127.0.0.1/v1", "127.0.0.1:8000/v1", "https://evil.org/v1#x"}) {
    EXPECT_NE(refusal(url, key), "") << url;
    EXPECT_EQ(refusal(url, key).find("sk-secret"), std::string::npos) << url;
  }
  unsetenv("LETHE_TEST_KEY");
}

TEST_F(Endpoint, AddressesAreCompletedAsServersWantThem) {
  std::string first_line, key_line;
  LocalServer server([&](const std::string& request, int) {
    first_line = request.substr(0, request.find("\r\n"));
    const std::size_t key = request.find("api-key: ");
    key_line = key == std::string::npos ? "" : request.substr(key, request.find("\r\n", key) - key);
    EXPECT_EQ(request.find("Authorization"), std::string::npos);
    return good(request);
  });
  const std::string base = server.url().substr(0, server.url().find("/v1"));
  for (const auto& [given, wanted] :
       {std::pair{"/v1", "/v1/chat/completions"},
        {"/v1/", "/v1/chat/completions"},
        {"", "/chat/completions"},
        {"/v1/chat/completions", "/v1/chat/completions"},
        {"/openai/deployments/d?api-version=1", "/openai/deployments/d/chat/completions?api-version=1"}}) {
    open(base + given)->judge(several(1));
    EXPECT_EQ(first_line, "POST " + std::string(wanted) + " HTTP/1.1");
  }
  setenv("LETHE_TEST_KEY", "azure-secret", 1);
  open(base, {{"key_env", "LETHE_TEST_KEY"}, {"key_header", "api-key"}})->judge(several(1));
  EXPECT_EQ(key_line, "api-key: azure-secret");
  EXPECT_NE(refusal(base, {{"key_env", "LETHE_TEST_KEY"}, {"key_header", "X: 1\r\nY"}}).find("key_header"),
            std::string::npos);
  unsetenv("LETHE_TEST_KEY");
}

TEST_F(Endpoint, AKeyIsNotCutInTwoBeforeItIsTakenOut) {
  const std::string key = "sk-" + std::string(200, 'k') + "-tail";
  setenv("LETHE_TEST_KEY", key.c_str(), 1);
  for (int before = 0; before < 320; before += 40) {
    LocalServer server([&](const std::string&, int) {
      return ServedReply{
          reply_with("400 No", dump_json(Json{{"error", {{"message", std::string(before, 'x') + key}}}}))};
    });
    const std::string told = failure_of(*open(server.url(), {{"key_env", "LETHE_TEST_KEY"}}), several(1));
    EXPECT_EQ(told.find("kkk"), std::string::npos) << told;
  }
  unsetenv("LETHE_TEST_KEY");
}

}  // namespace
}  // namespace lethe
