// lethe pull: what is downloaded, checked, resumed and refused; where the token goes.
#include "web/pull.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>

#include "core/descriptor.h"
#include "core/file_lock.h"
#include "core/files.h"
#include "core/messages.h"
#include "core/small_letters.h"
#include "formats/checkpoint.h"
#include "formats/hub_cache.h"
#include "said.h"
#include "web/fake_hub.h"

namespace lethe {
namespace {

std::string failure_of_pull(const std::string& name = "org/model") {
  try {
    pull_model(name);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

// What is in a folder, and the folders within it, by path relative to it.
std::set<std::string> names_below(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_directory() || entry.is_symlink()) names.insert(entry.path().lexically_relative(folder).string());
  }
  return names;
}

TEST_F(HubTest, PullWritesTheCacheOfHuggingFaceHub) {
  EXPECT_EQ(pull_model("org/model"), snapshot());
  const std::string weights = hub.files["model.safetensors"].hash(), config = hub.files["config.json"].hash(),
                    tokenizer = hub.files["tokenizer.json"].hash();
  EXPECT_EQ(weights.size(), 64U);
  EXPECT_EQ(names_below(repository()),
            (std::set<std::string>{"blobs/" + weights, "blobs/" + config, "blobs/" + tokenizer, "refs/main",
                                   "snapshots/" + hub.commit + "/config.json",
                                   "snapshots/" + hub.commit + "/model.safetensors",
                                   "snapshots/" + hub.commit + "/tokenizer.json"}));
  EXPECT_EQ(read_file(repository() / "refs/main"), hub.commit);
  EXPECT_EQ(fs::read_symlink(snapshot() / "model.safetensors"), fs::path("../../blobs") / weights);
  EXPECT_EQ(read_file(snapshot() / "model.safetensors"), hub.files["model.safetensors"].content);
  EXPECT_EQ(resolve_model_folder("org/model"), snapshot());
}

TEST_F(HubTest, PullUsesTheNameOfAGitBlob) {
  EXPECT_EQ(git_blob_text("hello\n"), "ce013625030ba8dba906f756967f9e9ca394464a");  // git hash-object
}

TEST_F(HubTest, PullTakesARevision) {
  EXPECT_EQ(pull_model("org/model@refs/pr/1"), snapshot());
  EXPECT_NE(small_letters(hub.requests.at(0)).find("/revision/refs%2fpr%2f1?blobs=true"), std::string::npos);
  EXPECT_EQ(read_file(repository() / "refs/refs/pr/1"), hub.commit);
  EXPECT_FALSE(fs::exists(repository() / "refs/main"));
  pull_model("org/model@" + hub.commit);
  EXPECT_FALSE(fs::exists(repository() / "refs" / hub.commit));
}

TEST_F(HubTest, PullDownloadsNothingTwice) {
  pull_model("org/model");
  const std::size_t stored = hub.storage_requests.size();
  EXPECT_EQ(stored, 1U);
  const std::size_t before = hub.requests.size();
  pull_model("org/model");
  EXPECT_EQ(hub.storage_requests.size(), stored);
  EXPECT_EQ(hub.requests.size(), before + 1);  // the list of files
}

TEST_F(HubTest, PullReplacesADamagedFileOfTheCache) {
  pull_model("org/model");
  const fs::path blob = fs::canonical(snapshot() / "model.safetensors");
  std::string damaged = hub.files["model.safetensors"].content;
  damaged[1'000'000] = 'x';
  write_file(blob, damaged);
  const Said warnings;
  pull_model("org/model");
  EXPECT_EQ(read_file(blob), hub.files["model.safetensors"].content);
  EXPECT_NE(warnings.texts.find("model.safetensors is damaged"), std::string::npos) << warnings.texts;
}

TEST_F(HubTest, PullContinuesWhereTheConnectionWasLost) {
  int times = 0;
  hub.storage_instead = [&](const std::string&) -> ServedReply {
    if (times++ > 0) return {};
    const std::string& content = hub.files["model.safetensors"].content;
    return {"HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(content.size()) + "\r\n\r\n" +
            content.substr(0, 2'000'000)};
  };
  pull_model("org/model");
  ASSERT_EQ(hub.storage_requests.size(), 2U);
  EXPECT_EQ(header_in(hub.storage_requests[1], "Range"), "bytes=2000000-");
  EXPECT_EQ(read_file(snapshot() / "model.safetensors"), hub.files["model.safetensors"].content);
}

TEST_F(HubTest, PullContinuesAnEarlierDownload) {
  const FakeHub::File& weights = hub.files["model.safetensors"];
  const fs::path partial = repository() / "blobs" / (weights.hash() + ".lethe.incomplete");
  fs::create_directories(partial.parent_path());
  for (const std::size_t bytes : {std::size_t{1'234'567}, weights.content.size()}) {
    write_file(partial, weights.content.substr(0, bytes));
    pull_model("org/model");
    EXPECT_EQ(header_in(hub.storage_requests.back(), "Range"), "bytes=" + std::to_string(bytes) + "-");
    EXPECT_FALSE(fs::exists(partial));
    EXPECT_EQ(read_file(snapshot() / "model.safetensors"), weights.content);
    fs::remove(partial.parent_path() / weights.hash());
  }
  // A partial file with other content, or too long: found by the hash, and downloaded from the beginning.
  for (const std::size_t bytes : {std::size_t{1000}, weights.content.size() + 1}) {
    write_file(partial, std::string(bytes, 'x'));
    pull_model("org/model");
    EXPECT_EQ(read_file(snapshot() / "model.safetensors"), weights.content);
    fs::remove(partial.parent_path() / weights.hash());
  }
}

TEST_F(HubTest, PullStartsAgainIfTheServerIgnoresTheRange) {
  const FakeHub::File& weights = hub.files["model.safetensors"];
  fs::create_directories(repository() / "blobs");
  write_file(repository() / "blobs" / (weights.hash() + ".lethe.incomplete"), weights.content.substr(0, 500));
  hub.storage_instead = [&](const std::string&) { return ServedReply{http_reply("200 OK", weights.content)}; };
  pull_model("org/model");
  EXPECT_EQ(read_file(snapshot() / "model.safetensors"), weights.content);
}

TEST_F(HubTest, PullRefusesContentWithAnotherHash) {
  hub.storage_instead = [&](const std::string&) {
    return ServedReply{http_reply("200 OK", std::string(3'000'000, 'x'))};
  };
  EXPECT_NE(failure_of_pull().find("the content with the hash"), std::string::npos);
  EXPECT_EQ(hub.storage_requests.size(), 2U);
  EXPECT_FALSE(fs::exists(repository() / "blobs" / hub.files["model.safetensors"].hash()));
  EXPECT_FALSE(fs::exists(repository() / "refs/main"));
  hub.storage_instead = [&](const std::string&) {
    return ServedReply{http_reply("200 OK", std::string(3'000'001, 'w'))};
  };
  EXPECT_NE(failure_of_pull().find("3,000,000 bytes"), std::string::npos);
}

TEST_F(HubTest, PullReadsTheShardsThatTheIndexNames) {
  hub.files.erase("model.safetensors");
  hub.files["model.safetensors.index.json"] = {R"({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}})"};
  for (const char* name : {"one.safetensors", "two.safetensors", "consolidated.safetensors"})
    hub.files[name] = {name, true};
  pull_model("org/model");
  EXPECT_TRUE(fs::exists(snapshot() / "two.safetensors"));
  EXPECT_FALSE(fs::exists(snapshot() / "consolidated.safetensors"));
  hub.files["model.safetensors.index.json"] = {R"({"weight_map": {"a": "gone.safetensors"}})"};
  EXPECT_NE(failure_of_pull().find("gone.safetensors"), std::string::npos);
}

TEST_F(HubTest, PullRefusesRepositoriesWithPicklesAlone) {
  hub.files.erase("model.safetensors");
  const std::string message = refusal_of([] { pull_model("org/model"); });
  EXPECT_NE(message.find("pytorch_model.bin"), std::string::npos) << message;
  EXPECT_EQ(hub.requests.size(), 1U);  // nothing was downloaded
}

TEST_F(HubTest, PullNamesWhatTheHubRefuses) {
  struct Case {
    const char *status, *headers, *token, *wanted;
  };
  for (const Case& one : {
           Case{"401 Unauthorized", "X-Error-Code: GatedRepo\r\n", "", "a gated model"},
           Case{"403 Forbidden", "X-Error-Code: GatedRepo\r\n", "hf_secret", "fine-grained token"},
           Case{"401 Unauthorized", "X-Error-Message: Invalid username or password.\r\n", "", "HF_TOKEN"},
           Case{"401 Unauthorized", "X-Error-Message: Invalid credentials hf_secret\r\n", "hf_secret",
                "refuses the token: Invalid credentials ***"},
           Case{"404 Not Found", "X-Error-Code: RepoNotFound\r\n", "hf_secret", "may the account of your token"},
           Case{"404 Not Found", "X-Error-Code: RevisionNotFound\r\n", "", "no revision main"},
           Case{"403 Forbidden", "X-Error-Message: Access to this resource is disabled.\r\n", "", "disabled"},
       }) {
    setenv("HF_TOKEN", one.token, 1);
    hub.instead = [&](const std::string&) { return ServedReply{http_reply(one.status, "no", one.headers)}; };
    const std::string message = refusal_of([] { pull_model("org/model"); });
    EXPECT_NE(message.find(one.wanted), std::string::npos) << message;
    EXPECT_EQ(message.find("hf_secret"), std::string::npos) << message;
  }
}

TEST_F(HubTest, PullFollowsARenamedRepository) {
  hub.name = "org/renamed";
  hub.instead = [&](const std::string& request) -> ServedReply {
    if (!target_of(request).starts_with("/api/models/org/model/")) return {};
    return {http_reply("307 Temporary Redirect", "", "Location: /api/models/org/renamed/revision/main\r\n")};
  };
  const Said warnings;
  EXPECT_EQ(pull_model("org/model"), snapshot());  // under the name that the user gave, as huggingface_hub does
  EXPECT_NE(warnings.texts.find("org/model is now called org/renamed"), std::string::npos) << warnings.texts;
}

TEST_F(HubTest, PullSendsTheTokenToTheHubAlone) {
  setenv("HF_TOKEN", "hf_secret", 1);
  pull_model("org/model");
  for (const std::string& request : hub.requests) EXPECT_EQ(header_in(request, "Authorization"), "Bearer hf_secret");
  ASSERT_FALSE(hub.storage_requests.empty());
  for (const std::string& request : hub.storage_requests) EXPECT_EQ(header_in(request, "Authorization"), "") << request;
}

TEST_F(HubTest, PullReadsTheTokenOfALogin) {
  fs::create_directories(folder_ / "home");
  write_file(folder_ / "home/token", "hf_login\n");
  pull_model("org/model");
  EXPECT_EQ(header_in(hub.requests.at(0), "Authorization"), "Bearer hf_login");
  setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1", 1);
  pull_model("org/model");
  EXPECT_EQ(header_in(hub.requests.back(), "Authorization"), "");
  unsetenv("HF_HUB_DISABLE_IMPLICIT_TOKEN");
  setenv("HF_TOKEN", "two\nlines", 1);
  const std::string message = refusal_of([] { pull_model("org/model"); });
  EXPECT_NE(message.find("token of HF_TOKEN"), std::string::npos);
  EXPECT_EQ(message.find("two"), std::string::npos) << message;
}

TEST_F(HubTest, PullSendsNoTokenOverAnOpenConnection) {
  setenv("HF_TOKEN", "hf_secret", 1);
  setenv("HF_ENDPOINT", "http://no-such-host.invalid", 1);
  const Said warnings;
  EXPECT_NE(failure_of_pull().find("no-such-host.invalid"), std::string::npos);
  EXPECT_NE(warnings.texts.find("is not sent to no-such-host.invalid"), std::string::npos) << warnings.texts;
}

TEST_F(HubTest, PullIsNotLedFromALocalToAnOpenConnection) {
  hub.instead = [](const std::string&) {
    return ServedReply{http_reply("307 Temporary Redirect", "", "Location: http://example.org/api/models/a\r\n")};
  };
  EXPECT_NE(failure_of_pull().find("an encrypted connection"), std::string::npos);
}

TEST_F(HubTest, PullOfflineUsesTheCacheAlone) {
  setenv("HF_HUB_OFFLINE", "1", 1);
  EXPECT_NE(refusal_of([] { pull_model("org/model"); }).find("HF_HUB_OFFLINE is set"), std::string::npos);
  EXPECT_TRUE(hub.requests.empty());
  unsetenv("HF_HUB_OFFLINE");
  pull_model("org/model");
  setenv("HF_HUB_OFFLINE", "1", 1);
  const std::size_t before = hub.requests.size();
  EXPECT_EQ(pull_model("org/model"), snapshot());
  EXPECT_EQ(hub.requests.size(), before);
}

TEST_F(HubTest, PullRefusesAHostileListing) {
  const std::string hash(40, 'a');
  for (const std::string& body :
       {std::string("<html>"), std::string("[]"), std::string(R"({"siblings": []})"),
        std::string(R"({"sha": "../../../etc", "siblings": []})"),
        R"({"sha": ")" + hub.commit + R"(", "siblings": {}})", R"({"sha": ")" + hub.commit + R"(", "siblings": [7]})",
        R"({"sha": ")" + hub.commit + R"(", "siblings": [{"rfilename": "config.json", "size": 2, "blobId": "../x"}]})",
        R"({"sha": ")" + hub.commit + R"(", "siblings": [{"rfilename": "config.json", "size": -2, "blobId": ")" + hash +
            R"("}]})"}) {
    hub.instead = [&](const std::string&) { return ServedReply{http_reply("200 OK", body)}; };
    EXPECT_NE(failure_of_pull().find("list of files"), std::string::npos) << body;
  }
  EXPECT_FALSE(fs::exists(repository()));
  // Files with unsafe names are never asked for.
  hub.instead = [](const std::string&) { return ServedReply{}; };
  for (const char* name : {"../escape.json", "/etc/escape.json", "a/../../escape.json", "sub/escape.json"})
    hub.files[name] = {"{}"};
  pull_model("org/model");
  for (const std::string& request : hub.requests) EXPECT_EQ(request.find("escape"), std::string::npos) << request;
}

TEST_F(HubTest, PullAsksForDiskSpaceBeforeItDownloads) {
  const Json large = {{"size", std::uint64_t{1} << 50}, {"sha256", std::string(64, 'a')}};
  const Json file = {{"rfilename", "model.safetensors"}, {"size", 134}, {"lfs", large}};
  const Json listing = {{"id", "org/model"}, {"sha", hub.commit}, {"siblings", Json::array({file})}};
  hub.instead = [&](const std::string&) { return ServedReply{http_reply("200 OK", dump_json(listing))}; };
  EXPECT_NE(failure_of_pull().find("1,125,899,906,842,624 bytes of disk space"), std::string::npos);
  EXPECT_EQ(hub.requests.size(), 1U);
}

TEST_F(HubTest, PullRefusesAnIndexThatWouldFillTheMemory) {
  const Json huge = {{"size", std::uint64_t{50} << 30}, {"sha256", std::string(64, 'a')}};
  const Json file = {{"rfilename", "model.safetensors.index.json"}, {"size", 134}, {"lfs", huge}};
  const Json listing = {{"id", "org/model"}, {"sha", hub.commit}, {"siblings", Json::array({file})}};
  hub.instead = [&](const std::string&) { return ServedReply{http_reply("200 OK", dump_json(listing))}; };
  EXPECT_NE(failure_of_pull().find("at most 268,435,456 bytes"), std::string::npos);
  EXPECT_EQ(hub.requests.size(), 1U);
}

// A parsed list takes many times its bytes of memory.
TEST_F(HubTest, PullRefusesAListOfFilesThatIsTooLong) {
  hub.instead = [](const std::string&) { return ServedReply{http_reply("200 OK", std::string(9 << 20, '['))}; };
  const std::string message = failure_of_pull();
  EXPECT_NE(message.find("a list of files of at most 8,388,608 bytes"), std::string::npos) << message;
  EXPECT_NE(message.find("tens of thousands of files"), std::string::npos) << message;
  EXPECT_EQ(hub.requests.size(), 1U);
}

TEST_F(HubTest, PullRefusesNamesThatTheHubRefuses) {
  for (const char* name : {"-org/model", "org/model-", "org/.model", "org/a--b", "org/a..b", "org/model.git", "org/",
                           "/model", "a/b/c", "org/mo del", "org/modèle"})
    EXPECT_NE(failure_of_pull(name).find("a name on the Hub"), std::string::npos) << name;
  EXPECT_NE(failure_of_pull("org/" + std::string(97, 'a')).find("97 characters"), std::string::npos);
  EXPECT_TRUE(hub.requests.empty());
}

TEST_F(HubTest, PullLeavesThePartialFileOfHuggingFaceHubAlone) {
  const fs::path other = repository() / "blobs" / (hub.files["model.safetensors"].hash() + ".incomplete");
  fs::create_directories(other.parent_path());
  write_file(other, "what it has");
  pull_model("org/model");
  EXPECT_EQ(read_file(other), "what it has");
}

TEST_F(HubTest, PullsLockIsOneForAllWhoShareTheCache) {
  const mode_t before = ::umask(0077);
  pull_model("org/model");
  ::umask(before);
  const fs::perms mode = fs::status(folder_ / "home/hub/.locks/models--org--model/lethe.lock").permissions();
  EXPECT_EQ(static_cast<int>(mode), 0664);
}

TEST_F(HubTest, PullWaitsForAnotherOfTheSameModel) {
  const fs::path locks = folder_ / "home/hub/.locks/models--org--model";
  fs::create_directories(locks);
  Descriptor other(::open((locks / "lethe.lock").c_str(), O_RDWR | O_CREAT, 0600));
  ASSERT_EQ(lock_now(other.get()), Locking::done);
  struct Release : Observer {
    explicit Release(Descriptor& held) : lock(held), before(set_observer(this)) {}
    ~Release() override { set_observer(before); }
    void message(const std::string& text) override {
      waited |= text.find("waiting for another lethe") != std::string::npos;
      lock.close();
    }
    Descriptor& lock;
    Observer* before;
    bool waited = false;
  } release(other);
  EXPECT_EQ(pull_model("org/model"), snapshot());
  EXPECT_TRUE(release.waited);
}

TEST_F(HubTest, PullRefusesWhatCannotBeAName) {
  for (const char* name : {"", "../..", "/org/model", "org/model/more", "org/mo del", "org/model@", "org/model@../..",
                           "org/a?b", "org/a#b", "org/a%2e"}) {
    EXPECT_NE(refusal_of([&] { pull_model(name); }).find("cannot download"), std::string::npos) << name;
  }
  EXPECT_TRUE(hub.requests.empty());
}

TEST_F(HubTest, NamesThatAreNotCachedAreDownloadedWhereThatWasAskedFor) {
  EXPECT_NE(refusal_of([] { resolve_model_folder("org/model"); }).find("--download"), std::string::npos);
  set_model_downloader(pull_model);
  EXPECT_EQ(resolve_model_folder("org/model"), snapshot());
  const std::size_t before = hub.requests.size();
  EXPECT_EQ(resolve_model_folder("org/model"), snapshot());  // from the cache
  EXPECT_EQ(hub.requests.size(), before);
  fs::remove(snapshot() / "model.safetensors");  // another tool may have downloaded config.json alone
  EXPECT_EQ(resolve_model_folder("org/model"), snapshot());
  EXPECT_TRUE(fs::exists(snapshot() / "model.safetensors"));
  set_model_downloader(nullptr);
}

}  // namespace
}  // namespace lethe
