#include "benchmarks/texts.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/messages.h"
#include "generation/generate.h"

namespace lethe {
namespace {

Error unfit_text(const TextPlace& place) {
  return bad_input("cannot score " + place.source + ", line " + with_commas(place.line));
}

}  // namespace

void check_tokens(const BenchmarkedModel& model, const std::vector<int>& ids, const TextPlace& place) {
  const DecoderSpec& spec = model.model.spec();
  const auto most = static_cast<std::size_t>(spec.max_positions);
  if (most > 0 && ids.size() > most) {
    throw unfit_text(place)
        .wanted("at most " + with_commas(most) + " tokens, the model's positions")
        .found(with_commas(ids.size()));
  }
  const auto largest = std::max_element(ids.begin(), ids.end());
  if (largest != ids.end() && *largest >= spec.vocabulary) {
    throw unfit_text(place)
        .wanted("token ids below " + std::to_string(spec.vocabulary) + ", the model's vocabulary")
        .found(std::to_string(*largest));
  }
}

Example response_example(const BenchmarkedModel& model, const Template& layout, const std::string& prompt,
                         const std::string& response, const TextPlace& place) {
  Example example = encode_example(model.tokenizer, &layout, prompt, response, {.append_eos = false, .max_length = 0});
  check_tokens(model, example.ids, place);
  if (example.response_begin >= example.ids.size())
    throw unfit_text(place).wanted("a response of at least one token").found("none");
  return example;
}

Error not_finite(const TextPlace& place) {
  return Error("cannot score " + place.source + ", line " + with_commas(place.line))
      .wanted("finite log-probabilities")
      .found("NaN or infinity: the model's weights are broken")
      .hint("lethe inspect the model; or --dtype float32");
}

double finite_loss(const ResponseTokens& tokens, const TextPlace& place) {
  const double loss = tokens.loss();
  if (!std::isfinite(loss)) throw not_finite(place);
  return loss;
}

std::vector<std::string> greedy_answers(const BenchmarkedModel& model, const std::vector<std::vector<int>>& prompts,
                                        std::int64_t max_new_tokens, const std::string& title) {
  GenerationOptions options;
  options.max_new_tokens = max_new_tokens;
  options.stop_ids = model.stop_ids;
  Progress progress(title, prompts.size(), "answers");
  options.progress = [&](std::size_t done) { progress.update(done); };
  std::vector<std::string> answers;
  for (const Generated& generated : generate(model.model, prompts, options))
    answers.push_back(model.tokenizer.decode(generated.ids));
  return answers;
}

void report_files(const std::vector<FileReport>& files) {
  for (const FileReport& file : files) {
    for (const std::string& line : describe(file)) say(line);
  }
}

}  // namespace lethe
