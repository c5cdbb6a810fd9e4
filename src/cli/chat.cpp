// lethe chat: talk to a model, one prompt a line.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/terminal.h"

namespace lethe {
namespace {

struct ChatOptions {
  ModelOptions model;
  GenerationOptions generation;
};

void chat(ChatOptions& options) {
  const std::unique_ptr<Template> layout = template_option(options.model.layout);
  const OpenModel opened = open_model(options.model);
  const Tokenizer tokenizer = Tokenizer::load(opened.folder);
  options.generation.stop_ids = opened.stop_ids;
  const bool live = isatty(STDIN_FILENO) != 0;
  if (live) say("one prompt a line; each is answered on its own; Ctrl-D ends");
  std::string prompt;
  for (std::uint64_t turn = 0; !interrupted(); ++turn) {
    if (live) std::cout << "> " << std::flush;
    if (!std::getline(std::cin, prompt)) break;
    if (prompt.empty()) continue;
    options.generation.seed = options.model.shared.seed + turn;
    const std::vector<std::vector<int>> rows = {prompt_ids(tokenizer, layout.get(), prompt)};
    const auto answer = generate(opened.model, rows, options.generation);
    std::cout << excerpt(tokenizer.decode(answer[0].ids), 4000) << std::endl;
  }
}

}  // namespace

void add_chat(CLI::App& program, Action& action) {
  auto options = std::make_shared<ChatOptions>();
  auto* command = program.add_subcommand("chat", "Talk to a model");
  add_model_options(*command, options->model);
  add_generation_options(*command, options->generation);
  command->footer("Example: lethe chat --model runs/opt/model --temperature 0.7");
  command->callback([options, &action] { action = [options] { chat(*options); }; });
}

}  // namespace lethe
