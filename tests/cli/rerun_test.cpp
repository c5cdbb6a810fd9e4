// The same run again: to the same bits with the same threads, to a hair with others; and what is refused.
#include <cmath>
#include <cstring>

#include "cli/program_fixture.h"
#include "formats/safetensors.h"

namespace lethe {
namespace {

class Rerun : public Program {
 protected:
  std::string job(const std::string& out, int threads, const std::string& tuning) const {
    return "unlearn --quiet --threads " + std::to_string(threads) + " --model " + model_ + data() +
           " tuning=" + tuning +
           " training.steps=8 training.batch=2 sku.k=2 evaluation.prompts=4 evaluation.max_new_tokens=8 "
           "negation.alpha=0.5 "
           "keep_harmful=true --out " +
           at(out);
  }
};

TEST_F(Rerun, OfARunComesToTheSameBits) {
  ASSERT_EQ(run(job("run", 2, "lora")).status, 0);
  expect_all(run("rerun " + at("run")), 0, {"same bits"});
  EXPECT_EQ(read_file(at("run/adapter/adapter_model.safetensors")),
            read_file(at("run-rerun/adapter/adapter_model.safetensors")));
  EXPECT_EQ(read_file(at("run/results.json")), read_file(at("run-rerun/results.json")));
  EXPECT_EQ(read_file(at("run/predictions.jsonl")), read_file(at("run-rerun/predictions.jsonl")));
  bool listed = false;  // the model made worse on purpose is named as what it is
  const Json noted = read_json(at("run/run.json"));
  for (const Json& output : noted.at("outputs"))
    listed |= output.at("file").get<std::string>().starts_with("harmful/") && output.value("harmful", false);
  EXPECT_TRUE(listed);
  EXPECT_EQ(fs::status(at("run/harmful/adapter_model.safetensors")).permissions() & fs::perms::all,
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(Rerun, TellsWhatCameOutDifferently) {
  ASSERT_EQ(run(job("run", 1, "lora")).status, 0);
  std::string noted = read_file(at("run/run.json"));
  const std::string hash = read_json(at("run/run.json")).at("outputs").at(0).at("hash").get<std::string>();
  noted.replace(noted.find(hash), 4, hash.substr(0, 4) == "0000" ? "1111" : "0000");
  write_file(at("run/run.json"), noted);
  expect_all(run("rerun --quiet " + at("run") + " --out " + at("again")), 1, {"differs", "adapter/"});
}

TEST_F(Rerun, OfFilesWhoseNamesAreNoUtf8ComesToTheSameBits) {
  const std::string file = at("d\xe4ten.jsonl");
  fs::copy(at("demo/data/normal.jsonl"), file);
  ASSERT_EQ(run("finetune --quiet --threads 1 --model " + model_ + " --data " + file +
                " tuning=lora training.steps=1 training.batch=1 --out " + at("run\xff"))
                .status,
            0);
  expect_all(run("rerun " + at("run\xff")), 0, {"same bits"});
}

TEST_F(Rerun, RefusesInputsThatHaveChangedByName) {
  ASSERT_EQ(run(job("run", 1, "lora")).status, 0);
  write_file(at("demo/data/normal.jsonl"), read_file(at("demo/data/normal.jsonl")) + "\n");
  expect_all(run("rerun " + at("run")), 3, {"changed", "normal.jsonl"});
  fs::remove(at("demo/data/normal.jsonl"));
  expect_all(run("rerun " + at("run")), 3, {"missing", "normal.jsonl"});
  EXPECT_FALSE(fs::exists(at("run-rerun")));
  expect_all(run("rerun " + at("demo")), 3, {"run.json"});
}

TEST_F(Rerun, WithOtherThreadsComesToTheSameWithin1e5) {
  ASSERT_EQ(run(job("one", 1, "full")).status, 0);
  ASSERT_EQ(run(job("two", 2, "full")).status, 0);
  const SafetensorsFile one(at("one/model/model.safetensors")), two(at("two/model/model.safetensors"));
  for (const StoredTensor& tensor : one.tensors()) {
    const StoredTensor* other = two.find(tensor.name);
    ASSERT_NE(other, nullptr);
    ASSERT_EQ(tensor.type, DType::f32);
    double difference = 0, size = 0;
    const auto a = one.values(tensor), b = two.values(*other);
    for (std::size_t i = 0; i + 4 <= a.size(); i += 4) {
      float x, y;
      std::memcpy(&x, a.data() + i, 4);
      std::memcpy(&y, b.data() + i, 4);
      difference = std::max(difference, std::abs(static_cast<double>(x) - y));
      size = std::max(size, std::abs(static_cast<double>(x)));
    }
    EXPECT_LE(difference, 1e-5 * size) << tensor.name;
  }
}

}  // namespace
}  // namespace lethe
