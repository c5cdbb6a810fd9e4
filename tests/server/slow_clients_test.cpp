// Clients that are slow, silent, half closed or unclear about their request cost the others nothing.
#include <array>

#include "server/connection_threads.h"
#include "server/doorkeeper.h"
#include "server/http_fixture.h"

namespace lethe {
namespace {

using SlowClients = Http;

TEST_F(SlowClients, HoldNoThreadBeforeTheirHeadersAreThere) {
  start({.longest_head = 20, .connections = 4});
  std::vector<std::unique_ptr<Client>> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(std::make_unique<Client>(server_->port()));
    if (i % 2 == 0) slow.back()->send("POST /echo HTTP/1.1\r\nX-Slow: ");
  }
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_EQ(status_of(reply(post("/echo", "{}"))), 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 2s);
  slow[0]->send("y\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_EQ(status_of(slow[0]->read()), 200) << "a slow one is answered when its request is whole";
}

TEST_F(SlowClients, AreToldThatTheirHeadersAreLateOrLong) {
  start({.longest_head = 0.3});
  const Client silent(server_->port());
  const std::string late = reply("GET /open HTTP/1.1\r\nX: y");
  EXPECT_EQ(status_of(late), 408) << late;
  EXPECT_NE(late.find("did not come in time"), std::string::npos) << late;
  EXPECT_EQ(silent.read(), "");
  EXPECT_EQ(status_of(reply("GET /open HTTP/1.1\r\nX: " + std::string(40'000, 'x'))), 431);
}

TEST_F(SlowClients, ThatReadNothingLoseTheirReply) {
  start({.longest_unread = 0.3});
  const Client reads_nothing(server_->port());
  reads_nothing.send(post("/large", "{}"));
  EXPECT_TRUE(comes_true([&] { return left_.load(); }));
  left_ = false;
  const std::string whole = reply(post("/large", "{}"));
  EXPECT_GT(whole.size(), std::size_t{64} << 20);
  EXPECT_FALSE(left_);
}

TEST_F(SlowClients, ThatEndedTheirRequestStillGetTheReply) {
  start();
  const Client client(server_->port());
  client.send(post("/slow", "{}"));
  client.end_sending();
  const std::string found = client.read();
  EXPECT_EQ(status_of(found), 200) << found;
  EXPECT_TRUE(found.ends_with("{\"slow\":true}")) << found;

  const Client streams(server_->port());
  streams.send(post("/stream", "{}"));
  streams.end_sending();
  EXPECT_NE(streams.read("data: x\n\n").find("text/event-stream"), std::string::npos);
  std::this_thread::sleep_for(300ms);
  EXPECT_FALSE(left_);
}

// One that speaks HTTP/1.0 does not know replies before the reply.
TEST_F(SlowClients, OfHttp10ThatEndedTheirRequestHaveLeft) {
  start();
  const Client client(server_->port());
  client.send("POST /slow HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}");
  client.end_sending();
  EXPECT_EQ(status_of(client.read()), 499);
}

TEST_F(SlowClients, AreAnsweredAtOnceIfTheirRequestIsUnclear) {
  start();
  const std::string post = "POST /echo HTTP/1.1\r\nHost: localhost\r\n";
  struct Case {
    std::string bytes;
    int status;
    std::string word;
  };
  const std::vector<Case> cases = {
      {post + "\r\n", 411, "Content-Length"},
      {post + "Content-Length: many\r\n\r\n", 400, "one whole number"},
      {post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400, "one whole number"},
      {post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}", 400, "chunked alone"},
      {post + "Transfer-Encoding: gzip\r\n\r\n{}", 400, "chunked alone"},
      {"GET /open HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400, "more than one Host"}};
  const auto begun = std::chrono::steady_clock::now();
  for (const auto& [bytes, status, word] : cases) {
    const std::string found = reply(bytes);
    EXPECT_EQ(status_of(found), status) << bytes << found;
    EXPECT_NE(found.find(word), std::string::npos) << bytes << found;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 10s);  // not longest_upload's 30 s
}

TEST(Doorkeeper, ClosesTheFirstOfTooManyConnections) {
  std::atomic<int> let_in{0};
  Doorkeeper door({.longest_head = 60, .most_waiting = 2}, [&](int socket) {
    ++let_in;
    ::close(socket);
  });
  std::array<std::array<int, 2>, 3> pairs;
  for (auto& pair : pairs) {
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair.data()), 0);
    door.add(pair[0]);
  }
  char byte = 0;
  EXPECT_EQ(::read(pairs[0][1], &byte, 1), 0);
  EXPECT_EQ(let_in, 0);
  const std::string request = "GET / HTTP/1.1\r\n\r\n";
  ASSERT_EQ(::write(pairs[2][1], request.data(), request.size()), static_cast<ssize_t>(request.size()));
  EXPECT_LE(::read(pairs[2][1], &byte, 1), 0);
  EXPECT_EQ(let_in, 1);
  door.stop();
  EXPECT_EQ(::read(pairs[1][1], &byte, 1), 0);
  for (const auto& pair : pairs) ::close(pair[1]);
}

TEST(ConnectionThreads, EndWhenThereIsNothingToDo) {
  ConnectionThreads threads(8, 20ms);
  std::atomic<int> done{0};
  for (int i = 0; i < 20; ++i) {
    threads.enqueue([&] {
      std::this_thread::sleep_for(5ms);
      ++done;
    });
  }
  EXPECT_GT(threads.count(), 1U);
  for (int i = 0; i < 400 && threads.count() > 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(threads.count(), 0U);
  EXPECT_EQ(done, 20);
  threads.enqueue([&] { ++done; });
  threads.shutdown();
  EXPECT_EQ(done, 21);
}

}  // namespace
}  // namespace lethe
