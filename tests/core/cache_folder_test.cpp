// The user's cache folder is private.
#include "core/cache_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "folder_test.h"

namespace lethe {
namespace {

class CacheFolder : public FolderTest {};

TEST_F(CacheFolder, IsInXdgCacheHomeOrTheHome) {
  const char* before = std::getenv("XDG_CACHE_HOME");
  const std::string old = before == nullptr ? "" : before;
  ::setenv("XDG_CACHE_HOME", "/caches", 1);
  EXPECT_EQ(cache_folder("originals"), "/caches/lethe/originals");
  ::unsetenv("XDG_CACHE_HOME");
  if (const char* home = std::getenv("HOME"); home != nullptr) {
    EXPECT_EQ(cache_folder("x"), fs::path(home) / ".cache" / "lethe" / "x");
  }
  if (before != nullptr) ::setenv("XDG_CACHE_HOME", old.c_str(), 1);
}

TEST_F(CacheFolder, IsMadeForItsOwnerAlone) {
  const fs::path folder = folder_ / "lethe" / "originals";
  EXPECT_TRUE(make_private_folder(folder));
  for (const fs::path& path : {folder, folder.parent_path()})
    EXPECT_EQ(fs::status(path).permissions() & fs::perms::all, fs::perms::owner_all);
  EXPECT_TRUE(make_private_folder(folder));  // again
}

TEST_F(CacheFolder, OneThatOthersCanReadOrALinkIsNotPrivate) {
  fs::create_directories(folder_ / "open");
  fs::permissions(folder_ / "open", fs::perms::owner_all | fs::perms::group_read);
  EXPECT_FALSE(make_private_folder(folder_ / "open"));
  fs::create_directories(folder_ / "closed");
  fs::permissions(folder_ / "closed", fs::perms::owner_all);
  fs::create_symlink(folder_ / "closed", folder_ / "link");
  EXPECT_TRUE(make_private_folder(folder_ / "closed"));
  EXPECT_FALSE(make_private_folder(folder_ / "link"));
}

TEST_F(CacheFolder, OneThatCannotBeMadeIsAnError) {
  std::ofstream(folder_ / "file") << "x";
  EXPECT_THROW(make_private_folder(folder_ / "file" / "originals"), Error);
}

}  // namespace
}  // namespace lethe
