#include "server/page.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <string>

#include "core/error.h"
#include "core/messages.h"
#include "core/seconds_since.h"
#include "formats/checkpoint.h"
#include "report/compare_page.h"
#include "runs/template_choice.h"
#include "server/api_error.h"

namespace lethe {
namespace {

constexpr std::size_t kLongestJudged = 100'000;  // bytes of a prompt or an answer

WebReply json_reply(const OrderedJson& json) {
  WebReply reply;
  reply.body = dump_json(json);
  reply.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
  return reply;
}

WebReply page_reply() {
  WebReply reply;
  reply.body = compare_page({});
  reply.type = "text/html; charset=utf-8";
  reply.headers = {{"Content-Security-Policy", compare_page_policy()},
                   {"X-Content-Type-Options", "nosniff"},
                   {"Referrer-Policy", "no-referrer"},
                   {"Cross-Origin-Opener-Policy", "same-origin"},
                   {"Cross-Origin-Resource-Policy", "same-origin"},
                   {"Cache-Control", "no-store"}};
  return reply;
}

// A page of another origin can send other types without asking the browser's permission (CORS).
Json body_of(const WebRequest& request) {
  if (!request.content_type.starts_with("application/json"))
    throw ApiError(415, "the request must have the Content-Type application/json");
  Json body = parse_json(request.body, "the request");
  if (!body.is_object()) throw ApiError(400, "the request must be a JSON object");
  return body;
}

std::string text_in(const Json& request, const char* key) {
  if (!request.contains(key) || !request.at(key).is_string())
    throw ApiError(400, std::string("\"") + key + "\" must be a text", key);
  std::string text = request.at(key).get<std::string>();
  if (text.size() > kLongestJudged) throw ApiError(413, std::string("\"") + key + "\" is too long", key);
  return text;
}

double number_between(const Json& request, const char* key, double most) {
  const double value = request.contains(key) && request.at(key).is_number() ? request.at(key).get<double>()
                                                                            : std::numeric_limits<double>::quiet_NaN();
  if (!(value >= 0 && value <= most))
    throw ApiError(400, std::string("\"") + key + "\" must be a number from 0 to " + short_number(most), key);
  return value;
}

VectorParts parts_in(const Json& request, bool has_halves) {
  VectorParts parts;
  if (!request.contains("parts") || request.at("parts").empty()) return parts;
  const Json& given = request.at("parts");
  if (!has_halves || !given.is_object())
    throw ApiError(400, "\"parts\" is for LoRA runs of contrast, whose adapter holds both vectors apart", "parts");
  parts.safe = number_between(given, "safe", 1);
  parts.harm = number_between(given, "harm", 1);
  return parts;
}

// Whether a run's result is served: its model or adapter, not what it keeps of θ_bad.
bool is_result(const ModelSource& source) {
  if (source.run.empty() || source.original) return false;
  const std::filesystem::path folder = source.adapters.empty() ? source.checkpoint : source.adapters.front();
  return std::filesystem::absolute(folder / "").lexically_normal().parent_path().filename() != "harmful";
}

}  // namespace

void add_original_of_run(std::vector<ModelSource>& sources) {
  const auto made = std::find_if(sources.begin(), sources.end(), is_result);
  if (made == sources.end()) return;
  try {
    const std::string name = open_compared_run(made->run).recipe.model;
    const std::filesystem::path base = resolve_model_folder(name);
    for (ModelSource& source : sources) {
      if (!source.adapters.empty() || !std::filesystem::equivalent(resolve_model_folder(source.checkpoint), base))
        continue;
      mark_original(source);
      return;
    }
    sources.push_back(find_original(name));
  } catch (const Error& error) {
    say("the page shows no original: " + excerpt(error.doing(), 300) + "; --original DIR names it");
  }
}

LiveModelOptions as_for_run(LiveModelOptions options, const std::vector<ModelSource>& sources) {
  const auto made = std::find_if(sources.begin(), sources.end(), is_result);
  if (made == sources.end() || options.layout != "auto") return options;
  const TemplateChoice choice = choose_template({.response_template = options.layout, .system = options.system},
                                                resolve_model_folder(made->checkpoint), made->adapters);
  options.layout = choice.text;
  options.system = choice.system;
  return options;
}

ComparePage::ComparePage(const LiveModels& models, const Compute& compute) {
  for (const std::unique_ptr<LiveModel>& model : models.all()) {
    if (model->source().original) {
      original_ = model.get();
    } else if (unlearned_ == nullptr || (!is_result(unlearned_->source()) && is_result(model->source()))) {
      unlearned_ = model.get();
    }
  }
  data_ = {{"title", excerpt(unlearned_ == nullptr ? "lethe" : unlearned_->name(), 100)},
           {"subtitle", "Served models."},
           {"verdict", nullptr},
           {"limits", OrderedJson::array()},
           {"prompts", OrderedJson::array()},
           {"plots", OrderedJson::array()}};
  if (unlearned_ != nullptr && original_ != nullptr && is_result(unlearned_->source())) open_run(compute);
  data_["models"] = OrderedJson::object();
  if (original_ != nullptr) data_["models"]["original"] = original_->name();
  if (unlearned_ != nullptr) data_["models"]["unlearned"] = unlearned_->name();
}

void ComparePage::open_run(const Compute& compute) {
  try {
    run_ = open_compared_run(unlearned_->source().run);
  } catch (const Error& error) {
    say("the page has no slider: " + excerpt(error.on_one_line(), 400));
    return;
  }
  data_ = compare_data(*run_);
  judge_.emplace(*run_);
  data_["judge"] = judge_->described();
  dial_.emplace(*run_, original_->folder(), compute);
  unlearned_->change([this](CausalLM& model) { dial_->attach(model); });
  alpha_ = run_->alpha;
}

void ComparePage::add_routes(Routes& routes) {
  routes.get(
      "/", [](const WebRequest&) { return page_reply(); }, WebAccess::open);
  routes.get(
      "/favicon.ico", [](const WebRequest&) { return WebReply{.status = 204}; }, WebAccess::open);
  routes.get("/lethe/run", [this](const WebRequest&) { return json_reply(run_json()); });
  routes.get("/lethe/alpha", [this](const WebRequest&) { return json_reply(alpha_json()); });
  routes.post("/lethe/alpha",
              [this](const WebRequest& request) { return json_reply(set_alpha(body_of(request), request.connected)); });
  routes.post("/lethe/judge", [this](const WebRequest& request) { return json_reply(judge(body_of(request))); });
}

OrderedJson ComparePage::run_json() const {
  OrderedJson json = data_;
  const OrderedJson now = alpha_json();
  if (!run_) return json;
  json["alpha"]["now"] = now.at("alpha");
  for (OrderedJson& part : json["parts"]) part["on"] = now.at("parts").at(part.at("name").get<std::string>());
  return json;
}

OrderedJson ComparePage::alpha_json() const {
  const std::lock_guard lock(mutex_);
  return {{"alpha", std::isnan(alpha_) || !run_ ? OrderedJson() : OrderedJson(alpha_)},
          {"parts", {{"safe", parts_.safe}, {"harm", parts_.harm}}}};
}

OrderedJson ComparePage::set_alpha(const Json& request, const std::function<bool()>& connected) {
  if (!run_) throw ApiError(404, "alpha can be set for a run with its original: lethe serve RUN");
  const double alpha = number_between(request, "alpha", run_->most_alpha());
  const VectorParts parts = parts_in(request, run_->has_halves());
  const auto start = std::chrono::steady_clock::now();
  double seconds = 0;
  unlearned_->change(
      [&](CausalLM& model) {
        const auto begun = std::chrono::steady_clock::now();
        const auto note = [&](double now, VectorParts now_on) {
          const std::lock_guard lock(mutex_);
          alpha_ = now;
          parts_ = now_on;
        };
        note(std::numeric_limits<double>::quiet_NaN(), parts);
        try {
          dial_->set(model, alpha, parts);
        } catch (...) {
          note(dial_->alpha(), dial_->parts());
          throw;
        }
        note(alpha, parts);
        seconds = seconds_since(begun);
      },
      connected);
  return {{"alpha", alpha},
          {"parts", {{"safe", parts.safe}, {"harm", parts.harm}}},
          {"seconds", seconds},
          {"waited", seconds_since(start) - seconds}};
}

OrderedJson ComparePage::judge(const Json& request) {
  const std::string prompt = text_in(request, "prompt"), response = text_in(request, "response");
  if (!judge_) throw ApiError(404, "there is no run, and so no judge");
  if (judge_->described().contains("why"))
    throw ApiError(404, "nothing is judged: " + judge_->described().at("why").get<std::string>());
  return judge_->judge(prompt, response);
}

}  // namespace lethe
