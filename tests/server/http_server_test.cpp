// The server's HTTP: keys, limits, streams, clients that leave, hosts and origins that may not ask.
#include <zlib.h>

#include "core/error.h"
#include "folder_test.h"
#include "server/http_fixture.h"

namespace lethe {
namespace {

/// So many zeros in gzip.
std::string packed_zeros(std::size_t count) {
  const std::string zeros(count, '0');
  std::string packed(count / 500 + 200, 0);
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
  stream.avail_in = static_cast<uInt>(zeros.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

TEST_F(Http, AnswersAndPrintsALineWithoutTheBody) {
  start();
  const std::string found = reply(post("/echo", "{\"prompt\":\"a secret\"}"));
  EXPECT_EQ(status_of(found), 200);
  EXPECT_NE(found.find("{\"bytes\":21}"), std::string::npos) << found;
  EXPECT_NE(reply(get("/closed?a=1%20b")).find("{\"a\":\"1 b\"}"), std::string::npos);
  EXPECT_EQ(status_of(reply(get("/nowhere"))), 404);
  EXPECT_EQ(status_of(reply(post("/closed", "{}"))), 405);
  EXPECT_EQ(status_of(reply("DELETE /echo HTTP/1.1\r\nHost: localhost\r\n\r\n")), 405);
  EXPECT_EQ(status_of(reply("HEAD /open HTTP/1.1\r\nHost: localhost\r\n\r\n")), 200);
  const std::string failed = reply(post("/fails", "{}"));
  EXPECT_EQ(status_of(failed), 500);
  EXPECT_EQ(failed.find("secret"), std::string::npos);
  ASSERT_TRUE(comes_true([&] { return log_.lines().size() >= 7; }));
  EXPECT_EQ(log_.lines()[0].substr(0, 29), "POST /echo 200, 3 tokens, 0.0");
  for (const std::string& line : log_.lines()) EXPECT_EQ(line.find("secret"), std::string::npos) << line;
}

TEST_F(Http, WantsTheKeyButForOpenPaths) {
  start({.key = "sk-right"});
  for (const char* header : {"", "Authorization: Bearer sk-wrong\r\n", "Authorization: Bearer sk-righ\r\n",
                             "Authorization: Bearer sk-rightt\r\n", "Authorization: Bearer \r\n",
                             "Authorization: sk-right\r\n", "Authorization: Basic sk-right\r\n"}) {
    const std::string found = reply(post("/echo", "{}", header));
    EXPECT_EQ(status_of(found), 401) << header;
    EXPECT_NE(found.find("\"error\""), std::string::npos);
    EXPECT_EQ(status_of(reply(get("/nowhere", std::string("Host: x\r\n") + header))), 401);
  }
  EXPECT_EQ(status_of(reply(post("/echo", "{}", "Authorization: Bearer sk-right\r\n"))), 200);
  EXPECT_EQ(status_of(reply(post("/echo", "{}", "authorization: bearer sk-right\r\n"))), 200);
  EXPECT_EQ(status_of(reply(get("/open", "Host: elsewhere.example\r\n"))), 200);
}

TEST_F(Http, AnswersPagesOfOtherOriginsOnlyWithAKey) {
  start();
  EXPECT_EQ(status_of(reply(post("/echo", "{}", "Origin: http://evil.example\r\n"))), 403);
  EXPECT_EQ(status_of(reply(post("/echo", "{}", "Origin: null\r\n"))), 403);
  EXPECT_EQ(status_of(reply(post("/echo", "{}", "Origin: http://127.0.0.1\r\n"))), 200);
  EXPECT_EQ(status_of(reply(get("/closed", "Host: evil.example:8000\r\n"))), 403);
  EXPECT_EQ(status_of(reply(get("/closed", "Host: [::1]:8000\r\n"))), 200);
  EXPECT_EQ(status_of(reply(get("/closed", "Host: 127.0.0.1.evil.example\r\n"))), 403);
}

TEST_F(Http, BoundsBodiesHeadersAndUploads) {
  start({.most_bytes = 1000, .longest_head = 0.5, .longest_upload = 0.5});
  EXPECT_EQ(status_of(reply(post("/echo", std::string(1000, 'x')))), 200);
  const std::string long_one = reply(post("/echo", std::string(200'000, 'x')));
  EXPECT_EQ(status_of(long_one), 413);
  EXPECT_NE(long_one.find("1,000 bytes"), std::string::npos);
  // In chunks, which name no length.
  const std::string chunked = "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(status_of(reply(chunked + "3\r\nabc\r\n0\r\n\r\n")), 200);
  EXPECT_EQ(status_of(reply(chunked + "800\r\n" + std::string(0x800, 'x') + "\r\n0\r\n\r\n")), 413);
  EXPECT_EQ(
      status_of(reply("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
                      "Content-Length: 7\r\n\r\n--b\r\n\r\n")),
      415);
  EXPECT_EQ(status_of(reply(get("/" + std::string(5000, 'a')))), 414);
  // Headers without an end, and a client that sends byte by byte, hold the connection for a moment only.
  const auto start = std::chrono::steady_clock::now();
  reply("GET /open HTTP/1.1\r\nX: " + std::string(200'000, 'x'));
  reply("GET /open HTTP/1.1\r\nX: " + std::string(100, 'x'));
  EXPECT_LT(std::chrono::steady_clock::now() - start, 6s);
  EXPECT_EQ(status_of(reply(get("/open"))), 200);
}

TEST_F(Http, RefusesABodyThatGrowsWhenItIsUnpacked) {
  start({.most_bytes = 100'000});
  EXPECT_EQ(status_of(reply(post("/echo", packed_zeros(1000), "Content-Encoding: gzip\r\n"))), 200);
  EXPECT_EQ(status_of(reply(post("/echo", packed_zeros(50'000'000), "Content-Encoding: gzip\r\n"))), 413);
}

TEST_F(Http, SendsStreamsAtOnceAndNoticesClientsThatLeave) {
  start();
  {
    Client client(server_->port());
    client.send(post("/stream", "{}"));
    EXPECT_NE(client.read("data: x\n\n").find("text/event-stream"), std::string::npos);
  }
  EXPECT_TRUE(comes_true([&] { return left_.load(); }));
  left_ = false;
  {
    Client client(server_->port());
    client.send(post("/wait", "{}"));
    std::this_thread::sleep_for(50ms);
    EXPECT_FALSE(left_);
  }
  EXPECT_TRUE(comes_true([&] { return left_.load(); }));
}

TEST_F(Http, ServesManyConnectionsAtTheSameTime) {
  start();
  std::atomic<int> good{0};
  std::vector<std::thread> clients;
  for (int i = 0; i < 64; ++i) {
    clients.emplace_back([&] {
      for (int k = 0; k < 5; ++k) good += status_of(reply(post("/echo", "{}"))) == 200 ? 1 : 0;
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(good, 64 * 5);
}

TEST_F(Http, NoticesClientsThatLeaveWithBytesUnread) {
  start();
  {
    Client client(server_->port());
    client.send(post("/wait", "{}"));
    std::this_thread::sleep_for(100ms);
    client.send("more");
    std::this_thread::sleep_for(50ms);
    EXPECT_FALSE(left_);
  }
  EXPECT_TRUE(comes_true([&] { return left_.load(); }));
}

TEST_F(Http, GoesOnAfterAStreamThatFails) {
  start();
  EXPECT_EQ(status_of(reply(post("/breaks", "{}"))), 200);
  EXPECT_EQ(status_of(reply(post("/echo", "{}"))), 200);
}

TEST_F(Http, SendsNoRangesOfAReply) {
  start({.key = "k"});
  std::string many = "0-";
  for (int i = 0; i < 1000; ++i) many += ",0-";
  for (const std::string& header : {"Range: bytes=" + many, "rANGE:bytes=" + many, std::string("Range: bytes=1-1"),
                                    std::string("X: y\r\nRange: bytes=1-1,5-2,-")}) {
    const std::string found = reply(get("/open", "Host: localhost\r\n" + header + "\r\n"));
    EXPECT_EQ(status_of(found), 200) << header.substr(0, 30);
    EXPECT_TRUE(found.ends_with("\r\n\r\n{}")) << found.substr(0, 500);
    EXPECT_EQ(status_of(reply(get("/closed", "Host: localhost\r\n" + header + "\r\n"))), 401);
  }
  // Bodies stay as they are, and so do long headers that browsers send.
  EXPECT_EQ(status_of(reply(post("/echo", "range\nrange",
                                 "Authorization: Bearer k\r\nCookie: " + std::string(4000, 'c') + "\r\n"))),
            200);
}

TEST_F(Http, EndsAtOnceWhateverItsClientsDo) {
  start();
  const Client silent(server_->port()), half(server_->port()), waits(server_->port());
  half.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf");
  waits.send(post("/wait", "{}"));
  std::this_thread::sleep_for(100ms);
  const auto start = std::chrono::steady_clock::now();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, 10s);  // not longest_upload's 30 s
  EXPECT_EQ(status_of(waits.read()), 200);
}

TEST_F(Http, RefusesHostileBytesAndGoesOn) {
  start({.longest_head = 0.2, .longest_upload = 0.2});
  const std::string post = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
  const std::vector<std::pair<std::string, int>> requests = {
      {std::string("\0\0\0\r\n\r\n", 7), 400},
      {"GET\r\n\r\n", 400},
      {"GET /%00%ff%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 404},
      {"GET /open HTTP/1.1\r\nHost: localhost\r\nRange: bytes=0-1,5-2,-\r\n\r\n", 200},
      {post + "Content-Length: -5\r\n\r\n", 400},
      {post + "Content-Length: 99999999999999999999999\r\n\r\n", 413},
      {post + "\r\nno length", 411},
      {post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx", 400}};
  for (const auto& [bytes, status] : requests) EXPECT_EQ(status_of(reply(bytes)), status) << bytes;
  EXPECT_EQ(status_of(reply(get("/open"))), 200);
}

TEST(HttpAddress, OfOthersIsRefusedWithoutAKey) {
  const Routes routes;
  for (const char* host : {"0.0.0.0", "::", "192.0.2.1"}) {
    try {
      HttpServer(routes, {.host = host, .port = 0});
      ADD_FAILURE() << host;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::usage);
      EXPECT_NE(std::string(error.what()).find("--key-env"), std::string::npos);
    }
  }
  EXPECT_THROW(HttpServer(routes, {.host = "example.org", .port = 0, .key = "k"}), Error);
  EXPECT_THROW(HttpServer(routes, {.port = 0, .key = "a b"}), Error);
  const HttpServer first(routes, {.host = "localhost", .port = 0});
  EXPECT_EQ(first.address(), "http://127.0.0.1:" + std::to_string(first.port()));
  const std::string refused = refusal_of([&] { HttpServer(routes, {.port = first.port()}); });
  EXPECT_NE(refused.find("in use"), std::string::npos) << refused;
}

}  // namespace
}  // namespace lethe
