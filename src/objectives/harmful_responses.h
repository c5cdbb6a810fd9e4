// Guided distortion and random disassociation (SKU stage 1, eq. 1 and 2): learn the harmful answer, and harmful answers
// of other prompts, so that both can be subtracted later.
#pragma once

#include "data/plan.h"
#include "objectives/responses.h"

namespace lethe {

struct HarmfulOptions {
  double eps_gd = 2.5;  ///< ε1: the pair's own response
  double eps_rd = 2.5;  ///< ε2: the k responses of other prompts
  Reduction reduction = Reduction::mean;
};

/// Where the harmful examples lie in a pack: spans of the pairs' own responses and of the drawn ones.
struct HarmfulSpans {
  std::vector<ResponseSpan> own, drawn;
};

/// Packs each harmful pair with the responses drawn for its prompt as one group: the prompt is computed once for all.
HarmfulSpans pack_harmful(const StepRows& rows, ExampleMaker& examples, ExamplePacker& packer);

/// Weight of each response token of the pack: ε1 · mean over pairs of the mean over tokens, and ε2 · mean over pairs
/// and draws of the mean over tokens. Source: Liu et al. 2024, section 3.1; the means follow the published code.
/// @param tokens  N, response tokens of the whole pack
/// @return        [N]
std::vector<float> harmful_weights(const HarmfulSpans& spans, std::size_t tokens, const HarmfulOptions& options);

}  // namespace lethe
