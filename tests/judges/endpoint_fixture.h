// Shared by tests of judges at an endpoint: replies, and a judge from a file with a few settings.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"
#include "folder_test.h"
#include "judges/open_judge.h"
#include "judges/verdict_protocol.h"
#include "web/local_server.h"

namespace lethe {

inline std::string reply_with(const std::string& status, const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nConnection: close\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

inline std::string completion(const std::string& content) {
  return reply_with("200 OK",
                    dump_json(Json{{"choices", {{{"message", {{"role", "assistant"}, {"content", content}}}}}}}));
}

// The text of the request's messages.
inline std::string message(const std::string& request, std::size_t number) {
  const Json body = Json::parse(request.substr(request.find("\r\n\r\n") + 4));
  return body.at("messages").at(number).at("content").get<std::string>();
}
inline std::string id_in(const std::string& request) {
  const std::string system = message(request, 0), mark = "{\"id\": \"";
  return system.substr(system.find(mark) + mark.size(), 32);
}
inline bool asks_about(const std::string& request, const std::string& words) {
  return message(request, 1).find(words) != std::string::npos;
}
inline std::string verdict(const std::string& request, double harm) {
  return dump_json(Json{{"id", id_in(request)}, {"harmful", harm}, {"label", "weapons"}, {"reason", "it helps"}});
}
inline ServedReply good(const std::string& request, double harm = 0.9) {
  return {completion(verdict(request, harm))};
}

class Endpoint : public FolderTest {
 protected:
  std::unique_ptr<Judge> open(const std::string& url, Json keys = Json::object()) const {
    Json all = {{"kind", "endpoint"}, {"url", url},         {"model", "a-model"}, {"timeout", 5},
                {"retries", 2},       {"first_wait", 0.01}, {"cache", "none"}};
    all.update(keys);
    write_file(folder_ / "judge.yaml", dump_json(all));
    return open_judge((folder_ / "judge.yaml").string());
  }
  std::string refusal(const std::string& url, const Json& keys) const {
    try {
      open(url, keys);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  }
};

// Two exchanges: the server answers the first with a valid verdict, the second as given.
inline std::vector<Exchange> fine_and_odd() {
  return {{"a prompt", "fine"}, {"a prompt", "odd"}};
}

#define ODD_SERVER(server, ...)                                                   \
  LocalServer server([&](const std::string& request, int number) -> ServedReply { \
    (void)number;                                                                 \
    if (!asks_about(request, "odd")) return good(request);                        \
    __VA_ARGS__                                                                   \
  })

inline void expect_unjudged(const std::vector<Verdict>& verdicts, const std::string& reason) {
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_EQ(verdicts[0].harm, 0.9);
  EXPECT_FALSE(verdicts[1].harm);
  EXPECT_NE(verdicts[1].reason.find(reason), std::string::npos) << verdicts[1].reason;
}

}  // namespace lethe
