#include "evaluation/kept_outputs.h"

#include <chrono>
#include <cstdint>

#include "core/error.h"
#include "core/seconds_since.h"
#include "metrics/multiple_choice.h"

namespace lethe {
namespace {

// The readers throw if a stored result is not what the request has: it is computed again then.

[[noreturn]] void unusable() {
  throw bad_input("cannot use a stored output");
}

const Json& list_of(const Json& json, std::size_t size) {
  if (!json.is_array() || json.size() != size) unusable();
  return json;
}

Json json_of(const Perplexity& value) {
  return Json::array({value.nll, value.tokens});
}

Perplexity perplexity_of(const Json& json) {
  list_of(json, 2);
  return {json[0].get<double>(), json[1].get<std::int64_t>()};
}

Json json_of(const std::vector<Perplexity>& values) {
  Json json = Json::array();
  for (const Perplexity& value : values) json.push_back(json_of(value));
  return json;
}

std::vector<Perplexity> perplexities_of(const Json& json, std::size_t size) {
  std::vector<Perplexity> values;
  for (const Json& value : list_of(json, size)) values.push_back(perplexity_of(value));
  return values;
}

template <class Result>
Result kept(OutputStore* store, const std::function<Json()>& request, const std::function<Result()>& compute,
            const std::function<Result(const Json&)>& read, const std::function<Json(const Result&)>& write) {
  if (store == nullptr) return compute();
  const Json asked = request();
  if (const std::optional<Json> found = store->find(asked)) {
    try {
      return read(*found);
    } catch (const Error&) {
    } catch (const nlohmann::json::exception&) {
    }
  }
  const auto start = std::chrono::steady_clock::now();
  Result result = compute();
  store->keep(asked, write(result), seconds_since(start));
  return result;
}

}  // namespace

std::vector<Generated> kept_answers(OutputStore* store, const CausalLM& model,
                                    std::span<const std::vector<int>> prompts, const GenerationOptions& options) {
  if (prompts.empty() || options.sampling.temperature != 0) store = nullptr;
  return kept<std::vector<Generated>>(
      store,
      [&] {
        return Json{{"what", "answers"},
                    {"prompts", std::vector<std::vector<int>>(prompts.begin(), prompts.end())},
                    {"max_new_tokens", options.max_new_tokens},
                    {"stop_ids", options.stop_ids},
                    {"batch", options.batch},
                    {"cache_bytes", options.cache_bytes}};
      },
      [&] { return generate(model, prompts, options); },
      [&](const Json& json) {
        std::vector<Generated> answers;
        for (const Json& one : list_of(json, prompts.size()))
          answers.push_back({one.at("ids").get<std::vector<int>>(), one.at("stopped").get<bool>()});
        return answers;
      },
      [](const std::vector<Generated>& answers) {
        Json json = Json::array();
        for (const Generated& one : answers) json.push_back({{"ids", one.ids}, {"stopped", one.stopped}});
        return json;
      });
}

std::vector<Perplexity> kept_perplexities(OutputStore* store, const CausalLM& model,
                                          std::span<const Example> examples) {
  if (examples.empty()) store = nullptr;
  return kept<std::vector<Perplexity>>(
      store,
      [&] {
        Json rows = Json::array();
        for (const Example& example : examples) rows.push_back({example.response_begin, example.ids});
        return Json{{"what", "perplexities"}, {"rows", std::move(rows)}};
      },
      [&] { return perplexities(model, examples); },
      [&](const Json& json) { return perplexities_of(json, examples.size()); },
      [](const std::vector<Perplexity>& values) { return json_of(values); });
}

std::vector<std::vector<double>> kept_choice_scores(OutputStore* store, const CausalLM& model,
                                                    const Tokenizer& tokenizer,
                                                    std::span<const ChoiceQuestion> questions,
                                                    const std::function<void(std::size_t questions)>& progress) {
  using Scores = std::vector<std::vector<double>>;
  return kept<Scores>(
      store,
      [&] {
        Json rows = Json::array();
        for (const ChoiceQuestion& question : questions)
          rows.push_back({{"context", question.context}, {"choices", question.choices}});
        return Json{{"what", "choices"}, {"questions", std::move(rows)}};
      },
      [&] { return choice_scores(model, tokenizer, questions, progress); },
      [&](const Json& json) {
        Scores scores;
        for (std::size_t i = 0; i < list_of(json, questions.size()).size(); ++i) {
          list_of(json[i], questions[i].choices.size());
          scores.push_back(json[i].get<std::vector<double>>());
        }
        return scores;
      },
      [](const Scores& scores) { return Json(scores); });
}

TextPerplexity kept_text_perplexity(OutputStore* store, const CausalLM& model, std::span<const std::vector<int>> texts,
                                    const TextWindows& windows) {
  return kept<TextPerplexity>(
      store,
      [&] {
        return Json{{"what", "text"},
                    {"texts", std::vector<std::vector<int>>(texts.begin(), texts.end())},
                    {"window", windows.window},
                    {"stride", windows.stride}};
      },
      [&] { return text_perplexity(model, texts, windows); },
      [&](const Json& json) {
        TextPerplexity text{perplexity_of(json.at("text")), json.at("documented").get<double>(), {}};
        text.by_text = perplexities_of(json.at("by_text"), json.at("by_text").size());
        return text;
      },
      [](const TextPerplexity& text) {
        return Json{{"text", json_of(text.text)}, {"documented", text.documented}, {"by_text", json_of(text.by_text)}};
      });
}

}  // namespace lethe
