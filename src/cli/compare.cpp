// lethe compare: two models' answers side by side.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"

namespace lethe {
namespace {

struct CompareOptions {
  std::vector<std::string> models;
  std::string input, layout = Template::sku_default;
  GenerationOptions generation;
  SharedOptions shared;
  bool json = false;
};

std::vector<std::string> answers(const std::string& name, const std::vector<std::string>& prompts,
                                 CompareOptions& options) {
  const std::unique_ptr<Template> layout = template_option(options.layout);
  const OpenModel opened = open_model(name, {}, options.shared);
  const Tokenizer tokenizer = Tokenizer::load(opened.folder);
  std::vector<std::vector<int>> rows;
  for (const std::string& prompt : prompts) rows.push_back(prompt_ids(tokenizer, layout.get(), prompt));
  options.generation.stop_ids = opened.stop_ids;
  options.generation.seed = options.shared.seed;
  std::vector<std::string> texts;
  for (const Generated& answer : generate(opened.model, rows, options.generation))
    texts.push_back(tokenizer.decode(answer.ids));
  return texts;
}

void compare(CompareOptions& options) {
  if (options.models.size() != 2)
    throw bad_usage("cannot compare").wanted("--model twice").found(std::to_string(options.models.size()));
  std::vector<std::string> prompts;
  for (const JsonLine& line : read_json_lines(options.input)) prompts.push_back(text_of(line, "prompt"));
  const auto first = answers(options.models[0], prompts, options),
             second = answers(options.models[1], prompts, options);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (options.json) {
      std::cout << dump_json(OrderedJson{{"prompt", prompts[i]}, {"a", first[i]}, {"b", second[i]}}) << "\n";
    } else {
      std::cout << excerpt(prompts[i], 200) << "\n  A  " << excerpt(first[i], 400) << "\n  B  "
                << excerpt(second[i], 400) << "\n\n";
    }
  }
}

}  // namespace

void add_compare(CLI::App& program, Action& action) {
  auto options = std::make_shared<CompareOptions>();
  auto* command = program.add_subcommand("compare", "Two models' answers side by side");
  command->add_option("--model", options->models, "Checkpoint folder; give it twice")->required();
  command->add_option("--input", options->input, "JSON lines {\"prompt\"}")->required();
  command->add_option("--template", options->layout, "Text with {prompt} and {response}, or none")
      ->capture_default_str();
  command->add_flag("--json", options->json, "One JSON object a prompt");
  add_generation_options(*command, options->generation);
  add_shared_options(*command, options->shared);
  command->footer("Example: lethe compare --model opt-2.7b --model runs/opt/model --input prompts.jsonl");
  command->callback([options, &action] { action = [options] { compare(*options); }; });
}

}  // namespace lethe
