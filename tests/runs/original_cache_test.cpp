// The original's outputs are found again only for the same files, loading, machine and request.
#include "runs/original_cache.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "core/cache_folder.h"
#include "core/files.h"
#include "folder_test.h"

namespace lethe {
namespace {

class OriginalCacheTest : public FolderTest {
 protected:
  void SetUp() override {
    FolderTest::SetUp();
    for (const char* name : {"model", "cache", "hashes"}) fs::create_directories(folder_ / name);
    write_file(folder_ / "model/config.json", "{}");
    write_file(folder_ / "model/model.safetensors", "weights");
  }
  Json identity(const LoadOptions& load = {}) const {
    return model_identity(folder_ / "model", load, folder_ / "hashes");
  }
  OriginalCache cache(std::uint64_t most = OriginalCache::kMostBytes) const {
    return {identity(), folder_ / "cache", most};
  }
  std::vector<fs::path> entries(const char* name = "cache") const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_ / name)) files.push_back(entry.path());
    return files;
  }
  const Json request_ = {{"what", "answers"}, {"prompts", {{1, 2}, {3}}}};
  const Json result_ = {{{"ids", {4, 5}}, {"stopped", true}}};
};

TEST_F(OriginalCacheTest, FindsWhatWasKeptForTheSameRequestAlone) {
  OriginalCache first = cache();
  EXPECT_FALSE(first.find(request_));
  EXPECT_EQ(first.text(), "");
  first.keep(request_, result_, 12.5);
  OriginalCache second = cache();
  EXPECT_EQ(second.find(request_), result_);
  EXPECT_EQ(second.saved_seconds(), 12.5);
  EXPECT_EQ(second.text().find("the original's answers are those of 2"), 0U) << second.text();
  Json other = request_;
  other["prompts"][0][1] = 3;
  EXPECT_FALSE(second.find(other));
}

TEST_F(OriginalCacheTest, FilesAreReadableByTheirOwnerAlone) {
  cache().keep(request_, result_, 1);
  ASSERT_EQ(entries().size(), 1U);
  EXPECT_EQ(fs::status(entries()[0]).permissions() & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(OriginalCacheTest, ADamagedFileIsIgnoredAndReplaced) {
  cache().keep(request_, result_, 1);
  const fs::path file = entries().at(0);
  const std::string whole = read_file(file);
  std::string changed = whole;
  changed.replace(changed.find("[4,5]"), 5, "[4,6]");
  for (const std::string& damaged : {std::string(), whole.substr(0, whole.size() / 2), changed, std::string("[]"),
                                     std::string("{\"result\": 1, \"sha256\": 2}")}) {
    write_file(file, damaged);
    EXPECT_FALSE(cache().find(request_)) << damaged;
    cache().keep(request_, result_, 1);
    EXPECT_EQ(cache().find(request_), result_);
  }
}

TEST_F(OriginalCacheTest, AnotherFileOrWayOfLoadingIsAnotherModel) {
  const Json before = identity();
  EXPECT_EQ(identity(), before);
  EXPECT_NE(identity({.dtype = at::kBFloat16}), before);
  EXPECT_NE(identity({.nf4 = true}), before);
  EXPECT_NE(identity({.mapped = true}), before);
  at::set_num_threads(at::get_num_threads() + 1);
  EXPECT_NE(identity(), before);
  at::set_num_threads(at::get_num_threads() - 1);
  write_file(folder_ / "model/model.safetensors", "weightz");  // of the same length
  EXPECT_NE(identity(), before);
  write_file(folder_ / "model/model.safetensors", "weights");
  EXPECT_EQ(identity(), before);
  write_file(folder_ / "model/tokenizer.json", "{}");
  EXPECT_NE(identity(), before);
}

TEST_F(OriginalCacheTest, AFileThatIsNotNewIsHashedOnce) {
  const fs::path weights = folder_ / "model/model.safetensors";
  identity();
  EXPECT_TRUE(entries("hashes").empty());  // a new file may still change within the resolution of its times
  std::this_thread::sleep_for(std::chrono::milliseconds(3200));
  const Json before = identity();
  EXPECT_EQ(entries("hashes").size(), 2U);
  EXPECT_EQ(identity(), before);
  for (const fs::path& entry : entries("hashes")) {  // a kept hash is believed, so these count
    Json json = read_json(entry);
    json["sha256"] = "0";
    write_file(entry, json.dump());
  }
  EXPECT_NE(identity(), before);
  const auto time = fs::last_write_time(weights);
  std::ofstream(weights) << "weightz";
  fs::last_write_time(weights, time);  // hides the change, but for the time of change
  const Json again = identity();
  for (const Json& file : again.at("files")) EXPECT_EQ(file.at(1) == "0", file.at(0) != "model.safetensors") << file;
}

TEST_F(OriginalCacheTest, TheLeastRecentlyUsedFilesGoAboveTheBound) {
  const auto request = [](int i) { return Json{{"prompts", {{i}}}}; };
  OriginalCache bounded = cache(3 * 200);  // entries of about 190 bytes
  for (int i = 0; i < 3; ++i) {
    bounded.keep(request(i), result_, 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  ASSERT_EQ(entries().size(), 3U);
  EXPECT_TRUE(bounded.find(request(0)));  // used again
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  bounded.keep(request(3), result_, 1);
  EXPECT_TRUE(bounded.find(request(0)));
  EXPECT_FALSE(bounded.find(request(1)));
  EXPECT_TRUE(bounded.find(request(3)));
}

TEST_F(OriginalCacheTest, AResultAboveTheBoundRemovesNoOther) {
  OriginalCache bounded = cache(300);
  bounded.keep(request_, result_, 1);
  bounded.keep({{"prompts", "long"}}, std::string(1000, 'x'), 1);
  EXPECT_TRUE(bounded.find(request_));
  EXPECT_EQ(entries().size(), 1U);
}

TEST_F(OriginalCacheTest, AFolderThatCannotBeWrittenToIsNoError) {
  OriginalCache nowhere(identity(), folder_ / "nowhere");
  nowhere.keep(request_, result_, 1);
  EXPECT_FALSE(nowhere.find(request_));
}

TEST_F(OriginalCacheTest, IsOffByItsKeyAndInAFolderThatOthersCanRead) {
  const char* before = std::getenv("XDG_CACHE_HOME");
  const std::string old = before == nullptr ? "" : before;
  ::setenv("XDG_CACHE_HOME", (folder_ / "home").c_str(), 1);
  EXPECT_EQ(original_cache({.cache = false}, folder_ / "model", {}), nullptr);
  EXPECT_FALSE(fs::exists(folder_ / "home"));
  EXPECT_NE(original_cache({}, folder_ / "model", {}), nullptr);
  EXPECT_EQ(fs::status(folder_ / "home/lethe/originals").permissions() & fs::perms::all, fs::perms::owner_all);
  EXPECT_EQ(original_cache({}, folder_ / "gone", {}), nullptr);  // no failure of the cache ends a run
  fs::permissions(folder_ / "home/lethe/originals", fs::perms::all);
  EXPECT_EQ(original_cache({}, folder_ / "model", {}), nullptr);
  ::setenv("XDG_CACHE_HOME", "relative", 1);
  EXPECT_TRUE(cache_folder("originals").empty() || cache_folder("originals").is_absolute());
  if (before != nullptr) {
    ::setenv("XDG_CACHE_HOME", old.c_str(), 1);
  } else {
    ::unsetenv("XDG_CACHE_HOME");
  }
}

}  // namespace
}  // namespace lethe
