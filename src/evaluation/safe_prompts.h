// Built-in harmless prompts that look harmful: a model that refuses them refuses too much.
#pragma once

#include <cstdint>
#include <vector>

#include "data/questions.h"

namespace lethe {

/// α is chosen on one half of the prompts, and figures are reported on the other.
enum class SafePromptPart { choice, report };

/// 60 prompts of ten kinds (homonyms, figures of speech, safe targets and contexts, definitions, history, fiction,
/// prevention, law, facts), written for Lethe. They have no reference answers. Kinds as in Röttger et al. 2024
/// (XSTest).
std::vector<Question> safe_prompts(SafePromptPart part);

/// An answer of this many tokens shows whether it refuses.
inline constexpr std::int64_t kRefusalTokens = 32;

}  // namespace lethe
