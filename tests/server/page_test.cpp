// The routes of the page: what they take, what they refuse, and that they change the model that answers.
#include "server/page.h"

#include <gtest/gtest.h>

#include "models/loading.h"
#include "server/made_run.h"

namespace lethe {
namespace {

class PageTest : public MadeRun {
 protected:
  // The run's model and the original, served with the page.
  void serve(const ComparedRun& run) {
    const bool lora = run.recipe.tuning == TuningKind::lora;
    ModelSource unlearned{"mine", lora ? run.recipe.model : (run.folder / "model").string()};
    if (lora) unlearned.adapters = {(run.folder / "adapter").string()};
    unlearned.run = run.folder;
    std::vector<std::unique_ptr<LiveModel>> models;
    models.push_back(std::make_unique<LiveModel>(unlearned, LiveModelOptions{}));
    models.push_back(std::make_unique<LiveModel>(find_original(run.recipe.model), LiveModelOptions{}));
    models_ = std::make_unique<LiveModels>(std::move(models));
    page_ = std::make_unique<ComparePage>(*models_, Compute{});
    page_->add_routes(routes_);
  }
  WebReply get(const std::string& path) { return routes_.answer({.method = "GET", .path = path}); }
  WebReply post(const std::string& path, const Json& body) {
    return routes_.answer(
        {.method = "POST", .path = path, .body = dump_json(body), .content_type = "application/json"});
  }
  Json got(const std::string& path) {
    const WebReply reply = get(path);
    EXPECT_EQ(reply.status, 200) << reply.body;
    return parse_json(reply.body, path);
  }
  // The weight of a projection as it acts now.
  at::Tensor weight() {
    at::Tensor found;
    models_->named("mine").change([&](CausalLM& model) {
      for (const NamedLinear& linear : model.linears()) {
        if (linear.name.ends_with("q_proj") && !found.defined()) found = folded_weight(*linear.linear).clone();
      }
    });
    return found;
  }
  std::unique_ptr<LiveModels> models_;
  std::unique_ptr<ComparePage> page_;
  Routes routes_;
};

TEST_F(PageTest, ThePageIsOpenAndItsDataAreNot) {
  serve(lora_run(0.4));
  EXPECT_FALSE(routes_.needs_key({.method = "GET", .path = "/"}));
  for (const char* path : {"/lethe/run", "/lethe/alpha"}) EXPECT_TRUE(routes_.needs_key({"GET", path})) << path;
  for (const char* path : {"/lethe/alpha", "/lethe/judge"}) EXPECT_TRUE(routes_.needs_key({"POST", path})) << path;
  const WebReply page = get("/");
  EXPECT_TRUE(page.type.starts_with("text/html"));
  EXPECT_EQ(page.body.find(folder_.string()), std::string::npos);
  const std::string policy = page.headers.at("Content-Security-Policy");
  for (const char* part : {"default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "script-src 'sha256-"})
    EXPECT_NE(policy.find(part), std::string::npos) << policy;
  EXPECT_EQ(policy.find("unsafe"), std::string::npos) << policy;
  EXPECT_EQ(page.headers.at("X-Content-Type-Options"), "nosniff");
}

TEST_F(PageTest, SaysWhatTheRunIsAndWhyNothingIsJudged) {
  serve(lora_run(0.4));
  const Json run = got("/lethe/run");
  EXPECT_EQ(run["alpha"], (Json{{"stored", 0.4}, {"most", 1}, {"now", 0.4}}));
  EXPECT_EQ(run["models"], (Json{{"original", "original"}, {"unlearned", "mine"}}));
  EXPECT_EQ(run["judge"]["why"], "the judge calls refusals harmful");
  EXPECT_TRUE(run["parts"].empty());
  EXPECT_NE(run["limits"][0].get<std::string>().find("base − adapter"), std::string::npos) << run["limits"];
  EXPECT_EQ(post("/lethe/judge", {{"prompt", "a"}, {"response", "b"}}).status, 404);
  EXPECT_EQ(post("/lethe/judge", {{"prompt", "a"}}).status, 400);
}

TEST_F(PageTest, AlphaChangesTheServedModelAndComesBack) {
  for (const bool lora : {true, false}) {
    serve(lora ? lora_run(0.4) : full_run(0.4));
    const at::Tensor stored = weight();
    const WebReply set = post("/lethe/alpha", {{"alpha", 0.9}});
    ASSERT_EQ(set.status, 200) << set.body;
    EXPECT_EQ(got("/lethe/alpha")["alpha"], 0.9);
    EXPECT_EQ(got("/lethe/run")["alpha"]["now"], 0.9);
    EXPECT_FALSE(at::equal(weight(), stored));
    EXPECT_EQ(post("/lethe/alpha", {{"alpha", 0.4}}).status, 200);
    EXPECT_TRUE(at::equal(weight(), stored));
  }
}

TEST_F(PageTest, PartsAreForRunsThatKeepThemApart) {
  const Json without_harm = {{"alpha", 0.4}, {"parts", {{"safe", 1}, {"harm", 0}}}};
  serve(lora_run(0.4));
  EXPECT_EQ(post("/lethe/alpha", without_harm).status, 400);
  EXPECT_EQ(post("/lethe/alpha", {{"alpha", 0.4}, {"parts", Json::object()}}).status, 200);
  serve(lora_run(0.4, {"method=contrast"}));
  EXPECT_EQ(got("/lethe/run")["parts"].size(), 2U);
  const at::Tensor both = weight();
  EXPECT_EQ(post("/lethe/alpha", without_harm).status, 200);
  EXPECT_FALSE(at::equal(weight(), both));
  EXPECT_EQ(got("/lethe/run")["parts"][1]["on"], 0);
}

TEST_F(PageTest, AnAlphaThatTheRunDoesNotPermitIsRefused) {
  serve(lora_run(0.4));
  for (const Json& wrong : {Json(1.001), Json(-0.1), Json("0.5"), Json(), Json(1e300)})
    EXPECT_EQ(post("/lethe/alpha", {{"alpha", wrong}}).status, 400) << wrong;
  EXPECT_EQ(post("/lethe/alpha", Json::array()).status, 400);
  const std::string json = "{\"alpha\": 1}";
  const auto status = [&](const std::string& body, const std::string& type) {
    return routes_.answer({.method = "POST", .path = "/lethe/alpha", .body = body, .content_type = type}).status;
  };
  EXPECT_EQ(status("alpha=1", "application/json"), 400);
  for (const char* type : {"", "text/plain", "application/x-www-form-urlencoded"}) EXPECT_EQ(status(json, type), 415);
  EXPECT_EQ(got("/lethe/alpha")["alpha"], 0.4);
  serve(lora_run(0.4, {"negation.allow_any_alpha=true"}));
  EXPECT_EQ(post("/lethe/alpha", {{"alpha", 1.5}}).status, 200);
}

TEST_F(PageTest, AServedRunBringsItsOriginalWithTheRunsTemplate) {
  const ComparedRun run = lora_run(0.4, {"data.template='Q: {prompt} A: {response}'"});
  std::vector<ModelSource> sources = {find_model(run.folder.string())};
  add_original_of_run(sources);
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_TRUE(sources[1].original);
  EXPECT_EQ(as_for_run({}, sources).layout, "Q: {prompt} A: {response}");
  EXPECT_EQ(as_for_run({.layout = "sku"}, sources).layout, "sku");
  // One that is served anyway is not served twice.
  sources = {find_model("before=" + run.recipe.model), find_model(run.folder.string())};
  add_original_of_run(sources);
  ASSERT_EQ(sources.size(), 2U);
  EXPECT_TRUE(sources[0].original);
}

TEST_F(PageTest, WithoutAResultThereIsNoOriginal) {
  full_run(0.4);
  fs::rename(folder_ / "run" / "model", folder_ / "run" / "harmful");  // θ_bad is no result
  std::vector<ModelSource> sources = {find_model((folder_ / "run" / "harmful").string())};
  add_original_of_run(sources);
  EXPECT_EQ(sources.size(), 1U);
  full_run(0.4);
  write_file(folder_ / "run" / "results.json", "{}");  // of a fine-tuning
  sources = {find_model((folder_ / "run").string())};
  add_original_of_run(sources);
  EXPECT_EQ(sources.size(), 1U);
}

TEST_F(PageTest, WithoutARunThereAreOnlyModels) {
  std::vector<std::unique_ptr<LiveModel>> models;
  models.push_back(std::make_unique<LiveModel>(ModelSource{"small", base_.folder().string()}, LiveModelOptions{}));
  models_ = std::make_unique<LiveModels>(std::move(models));
  page_ = std::make_unique<ComparePage>(*models_, Compute{});
  page_->add_routes(routes_);
  EXPECT_EQ(got("/lethe/run")["models"], (Json{{"unlearned", "small"}}));
  EXPECT_FALSE(got("/lethe/run").contains("alpha"));
  EXPECT_EQ(post("/lethe/alpha", {{"alpha", 0.5}}).status, 404);
}

}  // namespace
}  // namespace lethe
