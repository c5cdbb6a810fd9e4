#include "objectives/harmful_responses.h"

namespace lethe {

HarmfulSpans pack_harmful(const StepRows& rows, ExampleMaker& examples, ExamplePacker& packer) {
  std::vector<std::pair<std::size_t, std::size_t>> places;  // first example of each group, and its number of draws
  for (std::size_t i = 0; i < rows.harmful.size(); ++i) {
    std::vector<Example> group{examples.example(rows.harmful[i])};
    if (i < rows.random.size()) {
      for (const auto& response : rows.random[i]) {
        Example drawn = examples.make(rows.harmful[i], response);
        if (drawn.response_begin < drawn.ids.size()) group.push_back(std::move(drawn));
      }
    }
    places.emplace_back(packer.examples(), group.size() - 1);
    packer.add_group(group);
  }
  const auto spans = packer.spans();
  HarmfulSpans result;
  for (const auto& [first, draws] : places) {
    result.own.push_back(spans[first]);
    for (std::size_t d = 0; d < draws; ++d) result.drawn.push_back(spans[first + 1 + d]);
  }
  return result;
}

std::vector<float> harmful_weights(const HarmfulSpans& spans, std::size_t tokens, const HarmfulOptions& options) {
  std::vector<float> weights(tokens, 0.0f);
  add_response_weights(weights, spans.own, spans.own.size(), options.reduction, options.eps_gd);
  add_response_weights(weights, spans.drawn, spans.own.size(), options.reduction, options.eps_rd);
  return weights;
}

}  // namespace lethe
