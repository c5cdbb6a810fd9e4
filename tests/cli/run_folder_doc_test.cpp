// docs/reference/run_folder.md names every key that a run writes into results.json and run.json.
#include <set>
#include <utility>

#include "cli/program_fixture.h"

namespace lethe {
namespace {

class RunFolderPage : public Program {
 protected:
  // Those in its code.
  static std::set<std::string> words_of_page() {
    const std::string page = read_file(fs::path(LETHE_FIXTURES) / ".." / ".." / "docs" / "reference" / "run_folder.md");
    std::set<std::string> words;
    std::string word;
    bool code = false;  // between two `
    for (const char c : page) {
      if (code && (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_')) {
        word += c;
        continue;
      }
      if (!word.empty()) words.insert(std::exchange(word, ""));
      code ^= c == '`';
    }
    return words;
  }
  // Keys of an object and of what is in it, without names of figures and measures (docs/reference/metrics.md) and of
  // judges.
  static void collect(const Json& json, std::set<std::string>& keys) {
    if (json.is_array()) {
      for (const Json& item : json) collect(item, keys);
    } else if (json.is_object()) {
      for (const auto& [key, value] : json.items()) {
        keys.insert(key);
        if (key == "by_judge" || key == "differences") {
          for (const Json& one : value) collect(one, keys);
        } else if (key != "figures" && key != "likeness") {
          collect(value, keys);
        }
      }
    }
  }
  static void expect_named(const fs::path& run) {
    const std::set<std::string> words = words_of_page();
    for (const char* file : {"results.json", "run.json"}) {
      std::set<std::string> keys;
      collect(read_json(run / file), keys);
      EXPECT_GT(keys.size(), 15U);
      for (const std::string& key : keys) {
        if (key.find('-') != std::string::npos) continue;
        EXPECT_TRUE(words.contains(key)) << file << " of " << run.filename() << " has " << key;
      }
    }
  }
};

TEST_F(RunFolderPage, NamesEveryKeyOfResultsAndRunRecord) {
  const std::string settings =
      " training.steps=3 training.batch=2 sku.k=1 evaluation.prompts=4 evaluation.max_new_tokens=8 ";
  ASSERT_EQ(run("unlearn --quiet --model " + model_ + data() + settings +
                "tuning=lora negation.survive=nf4 negation.refusal_budget=0.5 negation.rounds=2 "
                "negation.relearn.steps=2 evaluation.attacks=[quantize] evaluation.judge=[classifier,refusal] --out " +
                at("all"))
                .status,
            0);
  expect_named(at("all"));
  ASSERT_EQ(run("unlearn --quiet --model " + model_ + data() + settings + "method=contrast safe.steps=3 --out " +
                at("contrast"))
                .status,
            0);
  expect_named(at("contrast"));
  ASSERT_EQ(run("unlearn --quiet --model " + model_ + data() + settings +
                "evaluation.every=2 evaluation.judge=refusal --out " + at("watched"))
                .status,
            0);
  expect_named(at("watched"));
}

}  // namespace
}  // namespace lethe
