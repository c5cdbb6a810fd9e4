// The page that shows an original and an unlearned model side by side: one HTML file with its style and script. `lethe
// serve RUN` serves it, `lethe sweep` writes it with its data inside.
#pragma once

#include <string>

#include "core/json.h"

namespace lethe {

/// @param data  what compare_data() (runs/compare_data.h) says, for a page without a server; null: the page asks the
///              server (GET /lethe/run). Its texts are hostile: as JSON they cannot become markup.
std::string compare_page(const OrderedJson& data);

/// The Content-Security-Policy of the page, for its HTTP header: no address but the server's own, no script or style
/// but the page's own, in no frame. The page itself holds the same as a <meta>, without the part on frames.
std::string compare_page_policy();

}  // namespace lethe
