// A repeated run: the same bits with the same threads, nearly the same with others; and what is refused.
#include <cmath>
#include <cstring>

#include "cli/program_fixture.h"
#include "formats/safetensors.h"

namespace lethe {
namespace {

class Rerun : public Program {
 protected:
  std::string job(const std::string& out, int threads, const std::string& tuning) const {
    return "unlearn --quiet --threads " + std::to_string(threads) + " --model " + model_ +
           " --harmful demo/few/harmful.jsonl --normal demo/few/normal.jsonl tuning=" + tuning +
           " training.steps=8 training.batch=2 sku.k=2 evaluation.prompts=4 evaluation.max_new_tokens=8 "
           "negation.alpha=0.5 keep_harmful=true --out " +
           out;
  }
  /// In this test's folder: the inputs' paths are relative, so that a run can be copied with them.
  Outcome here(const std::string& arguments) const {
    return shell("cd " + folder_.string() + "; OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive " LETHE_PROGRAM " " +
                 arguments);
  }
  /// A finished run under the name "run": trained once, copied for each test.
  void take_run() const {
    static const SharedFolder shared("rerun");
    static const bool trained = [&] {
      fs::copy(at("demo"), shared.at("demo"), fs::copy_options::recursive);
      const Outcome outcome =
          shell("cd " + shared.at("") + "; OMP_NUM_THREADS=2 OMP_WAIT_POLICY=passive " LETHE_PROGRAM " " +
                job("run", 2, "lora"));
      EXPECT_EQ(outcome.status, 0) << outcome.text;
      return outcome.status == 0;
    }();
    ASSERT_TRUE(trained);
    fs::copy(shared.at("run"), at("run"), fs::copy_options::recursive);
  }
};

TEST_F(Rerun, OfARunComesToTheSameBits) {
  take_run();
  expect_all(here("rerun run"), 0, {"same bits"});
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

TEST_F(Rerun, ReportsWhatCameOutDifferently) {
  take_run();
  std::string noted = read_file(at("run/run.json"));
  const std::string hash = read_json(at("run/run.json")).at("outputs").at(0).at("hash").get<std::string>();
  noted.replace(noted.find(hash), 4, hash.substr(0, 4) == "0000" ? "1111" : "0000");
  write_file(at("run/run.json"), noted);
  expect_all(here("rerun --quiet run --out again"), 1, {"differs", "adapter/"});
}

TEST_F(Rerun, OfAnEarlierVersionMentionsWhatIsNew) {
  take_run();
  Json noted = read_json(at("run/run.json"));
  noted["lethe"] = "0.1.0";
  Json& outputs = noted["outputs"];
  for (std::size_t i = outputs.size(); i-- > 0;) {
    if (outputs[i].at("file") == "adapter/README.md") outputs.erase(i);
  }
  write_file(at("run/run.json"), noted.dump());
  expect_all(here("rerun run"), 0, {"made with lethe 0.1.0", "also writes", "adapter/README.md", "same bits"});
}

TEST_F(Rerun, OfFilesWhoseNamesAreNoUtf8ComesToTheSameBits) {
  const std::string file = at("d\xe4ten.jsonl");
  fs::copy(at("demo/few/normal.jsonl"), file);
  ASSERT_EQ(run("finetune --quiet --threads 1 --model " + model_ + " --data " + file +
                " tuning=lora training.steps=1 training.batch=1 --out " + at("run\xff"))
                .status,
            0);
  expect_all(run("rerun " + at("run\xff")), 0, {"same bits"});
}

TEST_F(Rerun, RefusesInputsThatHaveChangedByName) {
  take_run();
  write_file(at("demo/few/normal.jsonl"), read_file(at("demo/few/normal.jsonl")) + "\n");
  expect_all(here("rerun run"), 3, {"changed", "normal.jsonl"});
  fs::remove(at("demo/few/normal.jsonl"));
  expect_all(here("rerun run"), 3, {"missing", "normal.jsonl"});
  EXPECT_FALSE(fs::exists(at("run-rerun")));
  expect_all(here("rerun demo"), 3, {"run.json"});
}

TEST_F(Rerun, WithOtherThreadsComesToTheSameWithin1e5) {
  ASSERT_EQ(here(job("one", 1, "full")).status, 0);
  ASSERT_EQ(here(job("two", 2, "full")).status, 0);
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
