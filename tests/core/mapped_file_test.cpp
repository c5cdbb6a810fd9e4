#include "core/mapped_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "../folder_test.h"
#include "core/files.h"
#include "core/terminal.h"

namespace lethe {
namespace {

using MappedFiles = FolderTest;

TEST_F(MappedFiles, StayReadableAsLongAsAnOwnerIsLeft) {
  write_file(folder_ / "weights", "0123456789");
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
  {
    const MappedFile file(folder_ / "weights");
    file.prefetch(3, 1000);  // beyond the end: allowed
    bytes = file.bytes();
    owner = file.owner();
  }
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "0123456789");
}

TEST_F(MappedFiles, MayBeEmptyAndMayBeMoved) {
  write_file(folder_ / "none", "");
  write_file(folder_ / "some", "abc");
  MappedFile file(folder_ / "none");
  EXPECT_TRUE(file.bytes().empty());
  file = MappedFile(folder_ / "some");
  EXPECT_EQ(file.bytes().size(), 3U);
  EXPECT_EQ(file.path(), folder_ / "some");
}

TEST_F(MappedFiles, AreNamedByAnAddressWithinAsLongAsTheyAreMapped) {
  write_file(folder_ / "one", "abc");
  write_file(folder_ / "two\x1b", "abc");
  const void* address = nullptr;
  {
    const MappedFile one(folder_ / "one"), two(folder_ / "two\x1b");
    address = two.bytes().data() + 2;
    EXPECT_EQ(mapped_path_at(one.bytes().data()), (folder_ / "one").string());
    ASSERT_NE(mapped_path_at(address), nullptr);
    EXPECT_EQ(std::string(mapped_path_at(address)).find('\x1b'), std::string::npos);
  }
  EXPECT_EQ(mapped_path_at(address), nullptr);
  EXPECT_EQ(mapped_path_at(this), nullptr);
}

TEST(PeakMemory, RemembersFreedMemory) {
  const std::uint64_t before = resident_bytes();
  EXPECT_EQ(std::string(std::size_t{64} << 20, 'x').back(), 'x');
  EXPECT_GE(peak_resident_bytes(), std::max(before, std::uint64_t{64} << 20));
}

TEST(AvailableMemory, IsSomeAndNoMoreThanTheMachineHas) {
  const auto machine =
      static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::ifstream swaps("/proc/swaps");
  std::string line;
  std::getline(swaps, line);  // the header
  const bool has_swap = static_cast<bool>(std::getline(swaps, line));
  EXPECT_GT(available_bytes(), std::uint64_t{1} << 24);
  if (!has_swap) {
    EXPECT_LE(available_bytes(), machine);
  }
}

}  // namespace
}  // namespace lethe
