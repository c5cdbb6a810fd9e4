#include "cli/download_flag.h"

#include <CLI/CLI.hpp>
#include <vector>

#include "cli/engine.h"
#include "formats/hub_cache.h"
#include "web/pull.h"

namespace lethe {
namespace {

std::filesystem::path download_model(const std::string& name) {
  need_engine();  // it holds the HTTP client
  return pull_model(name);
}

}  // namespace

void add_download_flags(CLI::App& program) {
  const std::vector<CLI::App*> commands = program.get_subcommands([](CLI::App*) { return true; });
  for (CLI::App* command : commands) add_download_flags(*command);
  for (const char* option : {"--model", "--base", "--tuned", "--original"}) {
    if (program.get_option_no_throw(option) == nullptr) continue;
    program.add_flag_callback(
        "--download", [] { set_model_downloader(download_model); },
        "Download models that are named but not in the Hugging Face cache (lethe pull)");
    return;
  }
}

}  // namespace lethe
