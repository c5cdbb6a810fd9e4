// SHA-256 (FIPS 180-4): its published examples, and every length around a block.
#include "runs/sha256.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"

namespace lethe {
namespace {

TEST(Sha256, GivesThePublishedExamples) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// The hash of the hashes of 0 … 130 bytes "x", as `hashlib.sha256` gives it.
TEST(Sha256, IsRightAtEveryLengthAroundABlock) {
  std::string all;
  for (std::size_t size = 0; size <= 130; ++size) all += sha256(std::string(size, 'x'));
  EXPECT_EQ(sha256(all), "87aca1c44bc7ba8897768170211f0a02063de70801131ff86c7edb9ce32c6a50");
}

TEST(Sha256, OfAFileIsThatOfItsBytes) {
  const auto path = std::filesystem::path(testing::TempDir()) / "lethe_sha256";
  const std::string content(3'000'000, 'b');
  write_file(path, content);
  EXPECT_EQ(sha256_of_file(path), sha256(content));
  write_file(path, "");
  EXPECT_EQ(sha256_of_file(path), sha256(""));
  std::filesystem::remove(path);
  EXPECT_THROW(sha256_of_file(path), Error);
}

}  // namespace
}  // namespace lethe
