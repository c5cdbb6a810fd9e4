// The component that connects the ranks, between threads of the test.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "ranks/joined_group.h"

namespace lethe {
namespace {

#ifdef LETHE_GLOO_BUILT

/// A socket at a free port, which the store takes over, as that of `lethe launch`.
RankPlace free_place(int size) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  RankPlace place{.size = size, .host = "127.0.0.1", .listening = ::socket(AF_INET, SOCK_STREAM, 0)};
  EXPECT_EQ(::bind(place.listening, plain, length), 0);
  EXPECT_EQ(::listen(place.listening, size), 0);
  EXPECT_EQ(::getsockname(place.listening, plain, &length), 0);
  place.port = ntohs(address.sin_port);
  return place;
}

void as_gloo_ranks(int size, const std::function<void(JoinedGroup&)>& work) {
  ::setenv("LETHE_GLOO", LETHE_GLOO_BUILT, 1);
  const WireOpener open = load_wire_component();
  const RankPlace shared = free_place(size);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      RankPlace place = shared;
      place.rank = rank;
      place.hosts_store = rank == 0;
      if (rank > 0) place.listening = -1;
      JoinedGroup group(place, open, {}, [] {});
      work(group);
      group.leave(ExitCode::done, "");
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(Gloo, GathersExchangesAndShares) {
  as_gloo_ranks(3, [](JoinedGroup& group) {
    const std::vector<std::string> wanted = {"of rank 0", "", "of rank two"};
    EXPECT_EQ(gather_texts(group, wanted[static_cast<std::size_t>(group.rank())]), wanted);
    EXPECT_EQ(share_text(group, "rank " + std::to_string(group.rank())), "rank 0");
    // More than fits into the buffers of a connection: piece p of rank r holds r·10 + p.
    constexpr std::size_t kPiece = 3'000'001;
    std::string pieces, received(3 * kPiece, ' ');
    for (char p = 0; p < 3; ++p) pieces += std::string(kPiece, static_cast<char>(group.rank() * 10 + p));
    group.exchange(std::as_bytes(std::span(pieces)), std::as_writable_bytes(std::span(received)));
    for (std::size_t from = 0; from < 3; ++from)
      EXPECT_EQ(received.substr(from * kPiece, kPiece),
                std::string(kPiece, static_cast<char>(from * 10 + group.rank())));
  });
}

TEST(Gloo, AnotherComponentTakesItsPlaceIfLetheNcclNamesOne) {
  ::setenv("LETHE_GLOO", "/no/such/file.so", 1);
  ::setenv("LETHE_NCCL", LETHE_GLOO_BUILT, 1);
  EXPECT_NO_THROW(load_wire_component());
  ::unsetenv("LETHE_NCCL");
}

// Prints what docs/scale.md shows: the exchange of a step's gradients on one machine.
TEST(Gloo, SpeedOfTheExchangeSlow) {
  for (const int ranks : {2, 4}) {
    for (const std::size_t megabytes : {7, 67}) {
      as_gloo_ranks(ranks, [&](JoinedGroup& group) {
        const std::size_t piece = megabytes * 1'000'000 / static_cast<std::size_t>(ranks);
        std::string gradients(piece * static_cast<std::size_t>(ranks), 'g'), received = gradients;
        double best = 1e9;
        for (int i = 0; i < 15; ++i) {
          const auto start = std::chrono::steady_clock::now();
          group.exchange(std::as_bytes(std::span(gradients)), std::as_writable_bytes(std::span(received)));
          group.gather(std::as_bytes(std::span(gradients)).first(piece), std::as_writable_bytes(std::span(received)));
          best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        }
        if (group.rank() == 0) std::cout << ranks << " ranks, " << megabytes << " MB: " << best << " s\n";
      });
    }
  }
}

#endif

TEST(Gloo, SaysWhatToInstallIfTheComponentIsMissing) {
  ::setenv("LETHE_GLOO", "/no/such/file.so", 1);
  try {
    load_wire_component();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("libgloo-dev"), std::string::npos) << error.what();
  }
}

TEST(Nccl, SaysHowToBuildTheComponentIfItIsMissing) {
  ::setenv("LETHE_NCCL", "/no/such/file.so", 1);
  try {
    load_wire_component();
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("-DLETHE_NCCL=ON"), std::string::npos) << error.what();
  }
  ::unsetenv("LETHE_NCCL");
}

}  // namespace
}  // namespace lethe
