// The thought that some models write before their answer: <think>…</think> and similar marks.
#pragma once

#include <optional>
#include <string_view>

namespace lethe {

/// The answer after the model's thought, without white space at both ends. An answer without a thought is returned as
/// it is. Some templates open the thought in the prompt, so the closing mark alone is enough.
/// @return nothing if the thought does not end
std::optional<std::string_view> without_thought(std::string_view answer);

}  // namespace lethe
