// The benchmarks measure the demo's model as transformers, rouge-score, scipy and scikit-learn do in float64
// (tools/fixtures/benchmarks.py).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "benchmarks/benchmark.h"
#include "benchmarks/open_benchmark.h"
#include "benchmarks/write_results.h"
#include "core/files.h"
#include "folder_test.h"
#include "metrics/membership.h"
#include "models/loading.h"
#include "models/stop_tokens.h"

namespace lethe {
namespace {

const fs::path& data_folder() {
  static const fs::path folder = fs::path(LETHE_FIXTURES) / "benchmarks";
  return folder;
}

fs::path demo_model() {
  return fs::path(LETHE_FIXTURES).parent_path().parent_path() / "assets/demo";
}

class BenchmarkRun : public FolderTest {
 protected:
  BenchmarkRequest request(const std::string& name) const {
    BenchmarkRequest request{.name = name, .data = data_folder() / name, .max_new_tokens = 12};
    if (name == "tofu") request.split = "forget01";
    return request;
  }
  Json measured(const BenchmarkRequest& request) {
    const std::unique_ptr<Benchmark> benchmark = open_benchmark(request);
    result = benchmark->run({model, tokenizer, layout, stop_tokens(demo_model())}, {});
    return parse_json(dump_json(result.to_json()), "results");
  }
  // Each number of the fixture's rows and figures.
  void expect_same(const Json& wanted, const Json& found) const {
    ASSERT_EQ(result.rows.size(), wanted["rows"].size());
    for (std::size_t i = 0; i < result.rows.size(); ++i) {
      const Json row = parse_json(dump_json(result.rows[i]), "row");
      for (const auto& [key, value] : wanted["rows"][i].items()) {
        if (key == "plain_prob") continue;  // in the figures
        ASSERT_TRUE(row.contains(key)) << key << " in " << row.dump();
        expect_near(row[key], value, key + " of row " + std::to_string(i));
      }
    }
    const Json figures = wanted.value("figures", Json::object());
    for (const auto& [key, value] : figures.items()) {
      if (key == "forget_quality" || key == "privleak") continue;  // need a retain model
      expect_near(found.contains(key) ? found[key] : found["open_unlearning"].at(key), value, key);
    }
  }
  static void expect_near(const Json& found, const Json& wanted, const std::string& what) {
    if (wanted.is_array()) {
      ASSERT_EQ(found.size(), wanted.size()) << what;
      for (std::size_t i = 0; i < wanted.size(); ++i) expect_near(found[i], wanted[i], what);
    } else if (wanted.is_number()) {
      ASSERT_TRUE(found.is_number()) << what << ": " << found.dump();
      EXPECT_NEAR(found.get<double>(), wanted.get<double>(), 2e-5 * std::max(1.0, std::abs(wanted.get<double>())))
          << what;
    } else {
      EXPECT_EQ(found, wanted) << what;
    }
  }
  // Writes the last result as that of a retain model whose truth ratios and AUC are others.
  std::string retain_model(double factor, double auc, const std::string& name = "tofu",
                           const OrderedJson& about = OrderedJson::object()) const {
    BenchmarkResult other = result;
    for (OrderedJson& row : other.rows) {
      if (row["set"] == "forget") row["truth_ratio"] = row["truth_ratio"].get<double>() * factor;
    }
    for (BenchmarkFigure& figure : other.figures) {
      if (figure.name == "mia_min_k") figure.value = auc;
    }
    OrderedJson whole = {{"benchmark", name}};
    whole.update(about);
    write_benchmark(other, whole, "retain", folder_);
    return (folder_ / "results.json").string();
  }

  CausalLM model = load_model(Checkpoint(demo_model()));
  Tokenizer tokenizer = Tokenizer::load(demo_model());
  Template layout = Template::parse("Question: {prompt}\nAnswer: {response}");
  Json expected = read_json(data_folder() / "expected.json");
  BenchmarkResult result;
};

TEST_F(BenchmarkRun, OfTofuGivesEveryScoreAndFigure) {
  const Json found = measured(request("tofu"));
  expect_same(expected["tofu"], found);
  EXPECT_TRUE(found["forget_quality"].is_null());
  EXPECT_TRUE(found["privleak"].is_null());
  EXPECT_EQ(found["open_unlearning"]["model_utility"], found["model_utility"]);
  EXPECT_EQ(found["open_unlearning"]["ra_Q_A_Prob_normalised"], found["real_authors_prob"]);
  EXPECT_EQ(found["open_unlearning"]["wf_Truth_Ratio"], found["world_facts_truth_ratio"]);
  EXPECT_EQ(found["open_unlearning"]["forget_Truth_Ratio"], found["forget_truth_ratio"]);
  EXPECT_EQ(found["open_unlearning"]["retain_Q_A_ROUGE"], found["retain_rouge_l_recall"]);
  EXPECT_LT(found["intervals"]["forget_prob"][0].get<double>(), found["forget_prob"].get<double>());
  EXPECT_EQ(found["intervals"]["world_facts_rouge_l_recall"][0], 0);  // not below what the figure can be
}

TEST_F(BenchmarkRun, OfTofuComparesWithTheRetainModel) {
  measured(request("tofu"));
  BenchmarkRequest again = request("tofu");
  again.retain = retain_model(1, 0.6);
  EXPECT_EQ(measured(again)["forget_quality"], 1);  // the same model
  again.retain = retain_model(1.7, expected["tofu"]["retained"]);
  const Json found = measured(again);
  expect_near(found["forget_quality"], expected["tofu"]["figures"]["forget_quality"], "forget_quality");
  expect_near(found["privleak"], expected["tofu"]["figures"]["privleak"], "privleak");
  EXPECT_EQ(found["open_unlearning"]["forget_quality"], found["forget_quality"]);
  again.retain = folder_.string();  // the folder itself
  EXPECT_EQ(measured(again)["forget_quality"], found["forget_quality"]);
}

TEST_F(BenchmarkRun, OfTofuRefusesARetainModelOfOtherQuestions) {
  measured(request("tofu"));
  BenchmarkRequest again = request("tofu");
  again.retain = retain_model(1, 0.6);
  again.limit = 3;
  EXPECT_NE(refusal_of([&] { open_benchmark(again); }).find("8 instead of 3"), std::string::npos);
  again = request("tofu");
  result.rows[2]["question"] = "Who?";
  again.retain = retain_model(1, 0.6);
  EXPECT_NE(refusal_of([&] { open_benchmark(again); }).find("in place of row 2"), std::string::npos);
  again.retain = retain_model(1, 0.6, "muse");
  EXPECT_NE(refusal_of([&] { open_benchmark(again); }).find("found   muse"), std::string::npos);
}

TEST_F(BenchmarkRun, OfOneRowAndWithoutHoldoutLeavesOutWhatNeedsMore) {
  fs::create_directories(folder_ / "data");
  for (const char* file : {"forget01", "retain", "real_authors", "world_facts"}) {
    const std::string name = std::string(file) + "_perturbed.json";
    fs::copy(data_folder() / "tofu" / name, folder_ / "data" / name);
  }
  BenchmarkRequest one = request("tofu");
  one.data = folder_ / "data";
  one.limit = 1;
  const Json found = measured(one);
  EXPECT_EQ(result.rows.size(), 4U);
  EXPECT_TRUE(found["mia_loss"].is_null());
  EXPECT_FALSE(found["intervals"].contains("forget_prob"));  // one value has no interval
  expect_near(found["forget_prob"], expected["tofu"]["rows"][0]["prob"], "forget_prob");
  one.retain = retain_model(1, 0.5);
  EXPECT_EQ(measured(one)["forget_quality"], 1);
  one.split = "forget10";
  EXPECT_NE(refusal_of([&] { open_benchmark(one); }).find("only forget01"), std::string::npos);
}

TEST_F(BenchmarkRun, OfTofuCountsAnEmptyAnswerAsNoMatch) {
  BenchmarkRequest silent = request("tofu");
  silent.limit = 2;
  const std::unique_ptr<Benchmark> benchmark = open_benchmark(silent);
  std::vector<int> every;
  for (int id = 0; id < model.spec().vocabulary; ++id) every.push_back(id);  // each answer ends at once
  result = benchmark->run({model, tokenizer, layout, every}, {});
  EXPECT_EQ(result.rows[0]["generation"], "");
  EXPECT_EQ(result.rows[0]["rouge_l_recall"], 0);
  EXPECT_EQ(result.rows[0]["degeneracy"], "empty");
  const OrderedJson found = result.to_json();
  EXPECT_EQ(found["model_utility"], 0);
  EXPECT_EQ(found["forget_degenerate"], 1);
  EXPECT_EQ(found["forget_gibberish"], 0);
}

TEST_F(BenchmarkRun, OfTofuAttacksWithTheLossesOfAReferenceModel) {
  const std::unique_ptr<Benchmark> benchmark = open_benchmark(request("tofu"));
  const BenchmarkedModel measured_model{model, tokenizer, layout, stop_tokens(demo_model())};
  std::vector<double> losses = benchmark->reference_losses(measured_model);
  ASSERT_EQ(losses.size(), 16U);  // 8 to forget, 8 of the holdout
  result = benchmark->run(measured_model, losses);
  EXPECT_NEAR(result.rows[0]["reference"].get<double>(), 0, 1e-6);  // itself
  for (std::size_t i = 0; i < 8; ++i) losses[i] += 1;               // it knows the holdout better
  result = benchmark->run(measured_model, losses);
  EXPECT_NEAR(result.rows[0]["reference"].get<double>(), -1, 1e-6);
  EXPECT_EQ(result.to_json()["mia_reference"], 1);
}

TEST_F(BenchmarkRun, OfMuseGivesEveryScoreAndFigure) {
  const Json found = measured(request("muse"));
  expect_same(expected["muse"], found);
  EXPECT_EQ(found["open_unlearning"]["mia_min_k"], found["mia_min_k"]);
  BenchmarkRequest corpus = request("muse");
  corpus.data /= "news";  // the corpus itself
  EXPECT_EQ(measured(corpus), found);
  corpus.retain = retain_model(1, 0.25, "muse");
  expect_near(measured(corpus)["privleak"], 100 * ((1 - found["mia_min_k"].get<double>()) - 0.75) / 0.75, "privleak");
  corpus.split = "books";
  corpus.data = data_folder();
  EXPECT_NE(refusal_of([&] { open_benchmark(corpus); }).find("verbmem/"), std::string::npos);
}

TEST_F(BenchmarkRun, OfMuseRefusesARetainModelOfOtherTexts) {
  measured(request("muse"));
  BenchmarkRequest again = request("muse");
  again.retain = retain_model(1, 0.4, "muse", {{"split", "books"}});
  EXPECT_NE(refusal_of([&] { open_benchmark(again); }).find("same corpus, news"), std::string::npos);
  again.retain = retain_model(1, 0.4, "muse", {{"questions", {{"privleak_forget", 3}}}});
  EXPECT_NE(refusal_of([&] { open_benchmark(again); }).find("texts of privleak_forget"), std::string::npos);
  again.retain = retain_model(1, -0.5, "muse");
  EXPECT_NE(refusal_of([&] { open_benchmark(again); }).find("mia_min_k from 0 to 1"), std::string::npos);
}

TEST_F(BenchmarkRun, OfMuseReadsTheHubsFolders) {
  fs::create_directories(folder_ / "MUSE-News");
  fs::copy(data_folder() / "muse/news/privleak", folder_ / "MUSE-News/privleak", fs::copy_options::recursive);
  BenchmarkRequest hub = request("muse");
  hub.data = folder_;
  EXPECT_TRUE(measured(hub)["mia_loss"].is_number());
}

TEST_F(BenchmarkRun, OfMuseNamesAQuestionThatDoesNotFit) {
  fs::create_directories(folder_ / "muse/knowmem");
  std::string words;
  for (int i = 0; i < 400; ++i) words += "Mira lives in Saltby. ";
  write_file(folder_ / "muse/knowmem/forget_qa.jsonl", "{\"question\": \"Who?\", \"answer\": \"Mira\"}\n" +
                                                           dump_json(Json{{"question", words}, {"answer", "Mira"}}));
  BenchmarkRequest too_long = request("muse");
  too_long.data = folder_ / "muse";
  const std::string refusal = refusal_of([&] { measured(too_long); });
  EXPECT_NE(refusal.find("forget_qa.jsonl, line 2"), std::string::npos) << refusal;
}

// The loss and the compressed text of a long row are those of the same tokens.
TEST_F(BenchmarkRun, OfMuseCompressesWhatTheModelRead) {
  fs::create_directories(folder_ / "muse/privleak");
  std::string beginning, end;
  for (int i = 0; i < 120; ++i) beginning += "Mira lives in Saltby. ";
  for (int i = 0; i < 500; ++i) end += std::to_string(i * 7919 % 10007) + " ";
  write_file(folder_ / "muse/privleak/forget.jsonl", dump_json(Json{{"text", beginning + end}}) + "\n");
  write_file(folder_ / "muse/privleak/holdout.jsonl", dump_json(Json{{"text", "Orla lives in Ashford."}}) + "\n");
  BenchmarkRequest cut = request("muse");
  cut.data = folder_ / "muse";
  measured(cut);
  const auto most = static_cast<std::size_t>(model.spec().max_positions);
  std::vector<int> ids = tokenizer.encode(beginning + end).ids;
  ASSERT_GT(ids.size(), most);
  ids.resize(most);
  const std::string read = tokenizer.decode(ids);
  ASSERT_TRUE((beginning + end).starts_with(read));  // the decoded tokens are a second way to the same text
  const Json row = parse_json(dump_json(result.rows.at(0)), "row");
  EXPECT_NEAR(row["zlib"].get<double>(), row["loss"].get<double>() / static_cast<double>(zlib_bytes(read)), 1e-12);
  EXPECT_GT(zlib_bytes(beginning + end), zlib_bytes(read));
}

TEST_F(BenchmarkRun, SaysWhyAFigureIsNull) {
  measured(request("tofu"));
  const auto has_note = [&](const std::string& words) {
    return std::any_of(result.notes.begin(), result.notes.end(),
                       [&](const std::string& note) { return note.find(words) != std::string::npos; });
  };
  EXPECT_TRUE(has_note("mia_reference needs"));
  EXPECT_TRUE(has_note("privleak needs"));
  BenchmarkRequest again = request("tofu");
  again.retain = retain_model(1, 1, "tofu", {{"template", "{prompt} {response}"}});
  EXPECT_TRUE(measured(again)["privleak"].is_null());
  EXPECT_TRUE(has_note("divides by 0"));
  EXPECT_TRUE(has_note("another template"));
  again.retain = retain_model(1, 0.6, "tofu", {{"questions", {{"holdout", 3}}}});
  EXPECT_NE(refusal_of([&] { open_benchmark(again); }).find("texts of holdout"), std::string::npos);
}

TEST_F(BenchmarkRun, OfMuseSaysWhichPartsAreMissing) {
  fs::create_directories(folder_ / "muse/privleak");
  for (const char* file : {"forget.json", "holdout.json"})
    fs::copy(data_folder() / "muse/news/privleak" / file, folder_ / "muse/privleak" / file);
  BenchmarkRequest part = request("muse");
  part.data = folder_ / "muse";
  const Json found = measured(part);
  EXPECT_TRUE(found["verbmem_forget"].is_null());
  EXPECT_FALSE(found["open_unlearning"].contains("forget_verbmem_ROUGE"));
  expect_near(found["mia_loss"], expected["muse"]["figures"]["mia_loss"], "mia_loss");
  EXPECT_NE(benchmark_text(result).find("verbmem: no file in"), std::string::npos);
}

TEST_F(BenchmarkRun, OfWmdpAndMmluGiveTheHarnesssAccuracies) {
  for (const char* name : {"wmdp", "mmlu"}) {
    const Json found = measured(request(name));
    Json wanted = expected[name];  // sets in order of their names
    std::stable_sort(wanted["rows"].begin(), wanted["rows"].end(),
                     [](const Json& a, const Json& b) { return a["set"] < b["set"]; });
    expect_same(wanted, found);
    expect_near(found[std::string(name) + "_acc"], expected[name]["accuracy"], name);
    expect_near(found["open_unlearning"][std::string(name) + "/acc"], expected[name]["accuracy"], name);
  }
  EXPECT_TRUE(measured(request("wmdp"))["open_unlearning"].contains("wmdp_bio/acc"));
  BenchmarkRequest one = request("wmdp");
  one.data /= "wmdp-cyber.jsonl";
  one.limit = 2;
  EXPECT_EQ(measured(one).count("wmdp_cyber_acc"), 1U);
  EXPECT_EQ(result.rows.size(), 2U);
  one.split = "forget10";
  EXPECT_THROW(open_benchmark(one), Error);
}

TEST_F(BenchmarkRun, RefusesAModelWhoseProbabilitiesAreNoNumbers) {
  model.parameters()[0].tensor->fill_(NAN);
  for (const char* name : {"tofu", "muse", "mmlu"}) {
    try {
      measured(request(name));
      ADD_FAILURE() << name;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("NaN or infinity"), std::string::npos) << error.what();
    }
  }
}

TEST_F(BenchmarkRun, StopsAtATextThatDoesNotFitAndNamesItsLine) {
  fs::copy(data_folder() / "tofu", folder_ / "tofu");
  std::string words;
  for (int i = 0; i < 400; ++i) words += "Mira lives in Saltby. ";
  const OrderedJson row = {{"question", "Who?"}, {"answer", words}, {"perturbed_answer", {"Nobody."}}};
  const std::string file = (folder_ / "tofu/world_facts_perturbed.json").string();
  write_file(file, read_file(file) + dump_json(row) + "\n");
  BenchmarkRequest too_long = request("tofu");
  too_long.data = folder_ / "tofu";
  const std::string refusal = refusal_of([&] { measured(too_long); });
  EXPECT_NE(refusal.find("world_facts_perturbed.json, line 5"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("at most 256 tokens"), std::string::npos) << refusal;
}

}  // namespace
}  // namespace lethe
