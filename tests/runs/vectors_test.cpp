// `lethe vector extract` and `combine`: which base a vector belongs to, what holds harm, and what a run gives.
#include <sys/stat.h>

#include "core/json.h"
#include "formats/vector_info.h"
#include "made_weights.h"
#include "runs/combine_vectors.h"
#include "runs/extract_vector.h"
#include "runs/tensor_hash.h"

namespace lethe {
namespace {

const std::string kQueryModule = "model.layers.0.q_proj";

class VectorJobs : public TaskArithmetic {
 protected:
  void SetUp() override {
    TaskArithmetic::SetUp();
    weights_ = {{"model.embed_tokens.weight", at::randn({5, 4})},
                {kQueryModule + ".weight", at::randn({6, 4})},
                {"model.norm.weight", at::randn({4})}};
    checkpoint("base", weights_);
  }
  std::string at_root(const std::string& name) const { return (root_ / name).string(); }
  Tensors moved() const {
    Tensors tensors = weights_;
    for (auto& [name, value] : tensors) value = value + 0.1 * at::randn(value.sizes());
    return tensors;
  }
  std::string extracted(const std::string& name, bool harmful = false) {
    checkpoint("tuned_" + name, moved());
    extract_vector(
        {.base = at_root("base"), .tuned = at_root("tuned_" + name), .harmful = harmful, .out = at_root(name)});
    return at_root(name);
  }
  fs::path pair(const std::string& name) {
    return adapter(name,
                   {{"base_model.model." + kQueryModule + ".lora_A.weight", at::randn({2, 4})},
                    {"base_model.model." + kQueryModule + ".lora_B.weight", at::randn({6, 2})}},
                   {{"r", 2}, {"lora_alpha", 4}});
  }
  std::string combined(const std::string& base, const std::vector<std::pair<std::string, double>>& terms,
                       bool merge = false) {
    const std::string out = at_root("sum" + std::to_string(++made_));
    combine_vectors({.base = base, .terms = terms, .merge = merge, .out = out});
    return out;
  }
  static std::string weights_of(const std::string& folder) { return read_file(fs::path(folder) / "model.safetensors"); }
  static int mode(const fs::path& path) {
    struct stat status {};
    EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
    return status.st_mode & 0777;
  }
  /// A finished run with an adapter, as far as `extract --run` reads it.
  fs::path run(const std::string& name, const std::string& recipe, double alpha) {
    const fs::path folder = made(name);
    fs::rename(pair(name + "_pair"), folder / "adapter");
    write_file(folder / "recipe.yaml", "model: " + at_root("base") + "\ntuning: lora\n" + recipe);
    write_file(folder / "run.json", "{}");
    write_file(folder / "results.json", dump_json(Json{{"alpha", alpha}}));
    return folder;
  }
  Tensors weights_;
};

TEST_F(VectorJobs, ACheckpointIsTheSameBaseInOtherShardsAndAnotherOneIfOneValueDiffers) {
  const std::string hash = tensor_hash(Checkpoint(root_ / "base"), "base");
  EXPECT_EQ(hash, tensor_hash(checkpoint("shards", weights_, Json::object(), 50), "base"));
  Tensors other = weights_;
  other["model.norm.weight"] = other["model.norm.weight"].clone();
  other["model.norm.weight"][3] += 1e-5;
  EXPECT_NE(hash, tensor_hash(checkpoint("other", other), "base"));

  const std::string vector = extracted("vector");
  EXPECT_EQ(read_vector_info(vector).base_hash, hash);
  EXPECT_EQ(weights_of(combined(at_root("shards"), {{vector, -1.0}}, false)).size() > 0, true);
  const std::string message = refusal_of([&] { combined(at_root("other"), {{vector, -1.0}}); });
  for (const std::string& word : {vector, std::string("its own base, base"), std::string("found   other")})
    EXPECT_NE(message.find(word), std::string::npos) << word << " in " << message;
  EXPECT_FALSE(fs::exists(root_ / "sum2"));
}

TEST_F(VectorJobs, AnEarlierSumCanGoOnWithVectorsOfItsBase) {
  const std::string a = extracted("a"), b = extracted("b"), base = at_root("base");
  const std::string both = combined(base, {{a, -1.0}, {b, -1.0}});
  EXPECT_EQ(read_combined_info(both)->terms.size(), 2U);
  const std::string again = combined(both, {{b, 1.0}});
  const CombinedInfo info = *read_combined_info(again);
  ASSERT_EQ(info.terms.size(), 1U);
  EXPECT_EQ(info.terms[0].name, "a");
  EXPECT_EQ(info.terms[0].weight, -1.0);
  EXPECT_EQ(info.base_hash, read_vector_info(a).base_hash);
  const Checkpoint found(again), wanted(combined(base, {{a, -1.0}}));
  for (const auto& [name, value] : weights_)
    EXPECT_TRUE(at::allclose(values(found, name), values(wanted, name), 1e-6, 1e-6)) << name;

  // A vectors.json that was copied along with other weights says nothing of them.
  checkpoint("copied", moved());
  fs::copy(fs::path(both) / "vectors.json", root_ / "copied" / "vectors.json");
  EXPECT_NE(refusal_of([&] { combined(at_root("copied"), {{b, 1.0}}); }).find("its own base"), std::string::npos);
}

TEST_F(VectorJobs, AVectorGivenTwiceCountsOnceWithBothWeights) {
  const std::string a = extracted("a"), base = at_root("base");
  fs::copy(a, root_ / "copy");
  EXPECT_EQ(weights_of(combined(base, {{a, 0.7}, {at_root("copy"), -0.7}})), weights_of(base));
  EXPECT_EQ(weights_of(combined(base, {{a, 0.5}, {at_root("copy"), -1.0}})), weights_of(combined(base, {{a, -0.5}})));
  const fs::path low = pair("low");
  extract_vector({.base = base, .adapter = low.string(), .out = at_root("low_vector")});
  const std::string sum = combined(base, {{at_root("low_vector"), 1.0}, {at_root("low_vector"), -3.0}});
  EXPECT_EQ(Adapter(sum).modules().at(0).a->shape[0], 2);  // not stacked
  EXPECT_THROW(combined(base, {{at_root("low_vector"), 1.0}, {at_root("low_vector"), -1.0}}), Error);
}

TEST_F(VectorJobs, ADamagedVectorIsRefused) {
  const std::string a = extracted("a"), base = at_root("base");
  fs::copy(a, root_ / "edited");
  std::string bytes = read_file(root_ / "edited" / kVectorTensors);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file(root_ / "edited" / kVectorTensors, bytes);
  EXPECT_NE(refusal_of([&] {
              combined(base, {{at_root("edited"), 1.0}});
            }).find("changed or damaged"),
            std::string::npos);
  // Also where it says that it is the vector beside it.
  EXPECT_NE(refusal_of([&] {
              combined(base, {{a, 1.0}, {at_root("edited"), 1.0}});
            }).find("edited"),
            std::string::npos);
  write_file(root_ / "edited" / kVectorTensors, bytes.substr(0, bytes.size() - 8));
  EXPECT_NE(refusal_of([&] { combined(base, {{at_root("edited"), 1.0}}); }).find(kVectorTensors), std::string::npos);
}

TEST_F(VectorJobs, OnlyTheirOwnerReadsHarm) {
  const std::string harm = extracted("harm", true), base = at_root("base");
  EXPECT_EQ(mode(harm), 0700);
  for (const char* name : {kVectorTensors, "vector.json"}) EXPECT_EQ(mode(fs::path(harm) / name), 0600) << name;
  EXPECT_EQ(read_vector_info(harm).harmful_because, "--harmful");
  const std::string manners = extracted("manners");
  EXPECT_NE(mode(manners), 0700);
  EXPECT_NE(mode(fs::path(manners) / kVectorTensors), 0600);

  const std::string unlearned = combined(base, {{harm, -1.0}, {manners, 1.0}});
  EXPECT_NE(mode(fs::path(unlearned) / "model.safetensors"), 0600);
  EXPECT_NE(mode(fs::path(combined(unlearned, {{harm, 1.0}})) / "model.safetensors"), 0600);  // 0 of it is left
  const std::string harmful = combined(unlearned, {{harm, 1.5}});
  EXPECT_EQ(mode(harmful), 0700);
  for (const char* name : {"model.safetensors", "vectors.json", "README.md"})
    EXPECT_EQ(mode(fs::path(harmful) / name), 0600) << name;
  EXPECT_NE(read_file(fs::path(harmful) / "README.md").find("Do not publish"), std::string::npos);
}

TEST_F(VectorJobs, HarmStaysKnownInWhatIsMadeOfIt) {
  const std::string harm = extracted("harm", true), base = at_root("base");
  // A copy that lost its mark is the same vector.
  fs::copy(harm, root_ / "copy");
  VectorInfo info = read_vector_info(root_ / "copy");
  info.harmful = false;
  write_vector_info(info, root_ / "copy", Access::normal);
  EXPECT_EQ(mode(combined(base, {{at_root("copy"), 0.5}, {harm, 0.5}})), 0700);
  // A vector of a harmful sum goes on to a harmful sum, and so does the next.
  std::string sum = combined(base, {{harm, 1.0}});
  for (const char* name : {"first", "second"}) {
    Tensors tensors = moved();
    checkpoint(std::string(name) + "_tuned", tensors);
    extract_vector({.base = sum, .tuned = at_root(std::string(name) + "_tuned"), .out = at_root(name)});
    EXPECT_FALSE(read_vector_info(root_ / name).harmful);
    sum = combined(sum, {{at_root(name), 0.5}});
    EXPECT_EQ(mode(sum), 0700) << name;
    EXPECT_EQ(mode(fs::path(sum) / "model.safetensors"), 0600) << name;
  }
  // Extracted again, as a difference or as an adapter.
  extract_vector({.base = base, .tuned = combined(base, {{harm, 1.0}}), .out = at_root("again")});
  EXPECT_EQ(read_vector_info(root_ / "again").harmful_because, "its vectors.json");
  extract_vector({.base = base, .tuned = combined(base, {{harm, -1.0}}), .out = at_root("unlearned")});
  EXPECT_FALSE(read_vector_info(root_ / "unlearned").harmful);
  extract_vector({.base = base, .adapter = pair("low").string(), .harmful = true, .out = at_root("low_harm")});
  extract_vector({.base = base, .adapter = at_root("low_harm"), .out = at_root("low_again")});
  EXPECT_EQ(read_vector_info(root_ / "low_again").harmful_because, "its vector.json");
  EXPECT_EQ(mode(root_ / "low_again"), 0700);
}

TEST_F(VectorJobs, ASumOfAdaptersIsAnAdapterAndAVector) {
  const std::string base = at_root("base");
  for (const char* name : {"a", "b"}) {
    extract_vector(
        {.base = base, .adapter = pair(std::string(name) + "_pair").string(), .harmful = true, .out = at_root(name)});
    EXPECT_EQ(mode(root_ / name / "adapter_model.safetensors"), 0600);
  }
  const std::string both = combined(base, {{at_root("a"), -1.0}, {at_root("b"), -1.0}});
  EXPECT_EQ(Adapter(both).modules().at(0).a->shape[0], 4);
  const VectorInfo info = read_vector_info(both);
  EXPECT_EQ(info.made_from, "vectors −a − b");
  EXPECT_FALSE(info.harmful);
  // Undone, then merged: as if b had never been subtracted.
  const Checkpoint undone(combined(base, {{both, 1.0}, {at_root("b"), 1.0}}, true)),
      wanted(combined(base, {{at_root("a"), -1.0}}, true));
  const std::string weight = kQueryModule + ".weight";
  EXPECT_TRUE(at::allclose(values(undone, weight), values(wanted, weight), 1e-5, 1e-6));
  EXPECT_TRUE(read_vector_info(combined(base, {{at_root("a"), 0.5}})).harmful);
}

TEST_F(VectorJobs, OfARunAreWhatItLearned) {
  const fs::path sku = run("sku_run", "method: sku\n", 0.5), tuned = run("tuned_run", "method: finetune\n", 1);
  const auto up = [](const fs::path& folder) {
    const Adapter adapter(folder);
    const StoredTensor& b = *adapter.modules().at(0).b;
    return tensor_over(b, adapter.file().values(b)).clone();
  };
  extract_vector({.run = sku.string(), .out = at_root("harm")});
  EXPECT_TRUE(at::equal(up(root_ / "harm"), -2 * up(sku / "adapter")));
  const VectorInfo info = read_vector_info(root_ / "harm");
  EXPECT_TRUE(info.harmful);
  EXPECT_EQ(info.harmful_because, "the run");
  EXPECT_EQ(info.made_from, "run sku_run");
  EXPECT_EQ(info.base, "base");
  EXPECT_EQ(mode(root_ / "harm"), 0700);

  extract_vector({.run = tuned.string(), .out = at_root("manners")});
  EXPECT_TRUE(at::equal(up(root_ / "manners"), up(tuned / "adapter")));
  EXPECT_FALSE(read_vector_info(root_ / "manners").harmful);

  fs::rename(pair("bad"), sku / "harmful");  // keep_harmful
  extract_vector({.run = sku.string(), .out = at_root("exact")});
  EXPECT_TRUE(at::equal(up(root_ / "exact"), up(sku / "harmful")));
  extract_vector({.base = at_root("base"), .adapter = (sku / "harmful" / "").string(), .out = at_root("by_name")});
  EXPECT_TRUE(read_vector_info(root_ / "by_name").harmful);
}

TEST_F(VectorJobs, ThatARunDoesNotHoldAreRefused) {
  const auto refused = [&](const fs::path& folder) {
    return refusal_of([&] { extract_vector({.run = folder.string(), .out = at_root("out")}); });
  };
  const std::string hint = "to be added";
  EXPECT_NE(refused(run("zero", "method: sku\n", 0)).find(hint), std::string::npos);
  EXPECT_NE(refused(run("repaired", "method: sku\nnegation: {repair: {steps: 3}}\n", 1)).find(hint), std::string::npos);
  EXPECT_NE(refused(run("contrast", "method: contrast\n", 1)).find(hint), std::string::npos);
  EXPECT_NE(refused(root_ / "base").find("run's folder"), std::string::npos);
  EXPECT_FALSE(fs::exists(root_ / "out"));
  EXPECT_THROW(extract_vector({.base = at_root("base"), .out = at_root("out")}), Error);
  EXPECT_THROW(extract_vector({.tuned = at_root("base"), .out = at_root("out")}), Error);
}

}  // namespace
}  // namespace lethe
