// The words of an answer by which the text classifier judges it.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// The text's words in order, joined by spaces, without English function words ("you", "can", "however") and the verbs
/// and phrases that any advice is made of. They tell the style of an answer, not what it is about: a classifier that
/// sees them calls every long answer harmful if the harmful answers it learned from are long.
std::string content_words(std::string_view text);

}  // namespace lethe
