// --download: commands that read a model download it if the Hugging Face cache lacks it.
#pragma once

#include <CLI/App.hpp>

namespace lethe {

/// Adds --download to each command that has an option for a model (--model, --base, …).
void add_download_flags(CLI::App& program);

}  // namespace lethe
