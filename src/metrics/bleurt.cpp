#include "metrics/bleurt.h"

#include <algorithm>

#include "core/error.h"

namespace lethe {

Bleurt Bleurt::load(const std::filesystem::path& folder, const LoadOptions& options) {
  const Checkpoint checkpoint(folder);
  SequenceClassifier model = SequenceClassifier::load(checkpoint, options);
  if (model.problem() != Problem::regression || model.labels().size() != 1) {
    throw bad_input("cannot use " + folder.string() + " as BLEURT")
        .wanted("a regression head with one label")
        .found(std::to_string(model.labels().size()) + " labels" +
               (model.problem() == Problem::regression ? "" : ", and they are classes"));
  }
  return Bleurt(std::move(model), Tokenizer::load(folder));
}

Bleurt::Bleurt(SequenceClassifier model, Tokenizer tokenizer)
    : model_(std::move(model)), tokenizer_(std::move(tokenizer)) {
  max_tokens_ = std::min(static_cast<std::size_t>(model_.max_tokens()),
                         tokenizer_.max_length().value_or(static_cast<std::size_t>(model_.max_tokens())));
}

std::vector<double> Bleurt::scores(std::span<const Comparable> pairs,
                                   const std::function<void(std::size_t)>& progress) const {
  std::vector<TypedRow> rows;
  for (const Comparable& pair : pairs)
    rows.push_back(
        typed_row(tokenizer_.encode_within(pair.reference, pair.candidate, max_tokens_), model_.uses_types()));
  const at::Tensor logits = model_.logits(rows, 4096, progress).to(at::kDouble).contiguous();
  const double* values = logits.const_data_ptr<double>();
  return {values, values + pairs.size()};
}

std::vector<double> Bleurt::best_scores(std::span<const std::string> candidates,
                                        std::span<const std::vector<std::string>> references,
                                        const std::function<void(std::size_t)>& progress) const {
  std::vector<Comparable> pairs;
  std::vector<std::size_t> ends;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (references[i].empty()) throw Error("internal: a candidate without references");
    for (const std::string& reference : references[i]) pairs.push_back({reference, candidates[i]});
    ends.push_back(pairs.size());
  }
  const std::vector<double> all = scores(pairs, [&](std::size_t done) {
    if (progress) progress(static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), done) - ends.begin()));
  });
  std::vector<double> best;
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    best.push_back(*std::max_element(all.begin() + static_cast<std::ptrdiff_t>(begin),
                                     all.begin() + static_cast<std::ptrdiff_t>(end)));
    begin = end;
  }
  return best;
}

}  // namespace lethe
