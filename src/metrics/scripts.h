// Text whose characters belong together to no writing: scripts mixed within words, bytes that are no characters.
#pragma once

#include <string_view>

namespace lethe {

/// Whether a text changes between scripts as no writer does (four scripts without punctuation between them, or three
/// changes within words), or holds many replacement characters. Chinese, Japanese and Korean text may hold Latin words,
/// and Greek letters may stand beside Latin ones: both are usual.
bool mixes_scripts(std::string_view text);

}  // namespace lethe
