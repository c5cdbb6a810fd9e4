// lethe compare: shows two models' answers side by side.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <iostream>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "cli/side_by_side.h"
#include "core/error.h"
#include "core/interrupt.h"
#include "core/output_place.h"
#include "core/plain_text.h"
#include "core/redaction.h"
#include "core/terminal.h"
#include "formats/checkpoint.h"
#include "runs/template_choice.h"
#include "tokenizers/text_stream.h"

namespace lethe {
namespace {

struct CompareOptions {
  std::vector<std::string> models, adapters;
  std::string input, output, look = "auto";
  TemplateOptions layout;
  GenerationOptions generation;
  SharedOptions shared;
  bool json = false;
};

// The templates of both models. A model that no run made takes the template of the other model's run.
std::array<std::unique_ptr<Template>, 2> open_templates(const CompareOptions& options) {
  if (options.layout.text == "none") return {};
  const DataSettings data{.response_template = options.layout.text, .system = options.layout.system};
  const std::array<std::filesystem::path, 2> folders = {resolve_model_folder(options.models[0]),
                                                        resolve_model_folder(options.models[1])};
  std::array<TemplateChoice, 2> choices = {choose_template(data, folders[0]),
                                           choose_template(data, folders[1], options.adapters)};
  for (const std::size_t i : {0, 1}) {
    if (choices[i].run.empty() && !choices[1 - i].run.empty()) choices[i] = choices[1 - i];
  }
  say(choices[0].sentence());
  if (choices[1].sentence() != choices[0].sentence()) say("model B: " + choices[1].sentence());
  std::array<std::unique_ptr<Template>, 2> layouts;
  for (const std::size_t i : {0, 1}) {
    layouts[i] =
        std::make_unique<Template>(Template::open(choices[i].text, choices[i].system, folders[i], "--template"));
  }
  return layouts;
}

// A model and its encoded prompts. Only one model at a time is in memory.
class Respondent {
 public:
  Respondent(const std::string& name, const std::vector<std::string>& adapters, const std::vector<std::string>& prompts,
             const Template* layout, const CompareOptions& options)
      : opened_(open_model(name, adapters, options.shared)),
        tokenizer_(Tokenizer::load(opened_.folder)),
        generation_(options.generation) {
    for (const std::string& prompt : prompts) rows_.push_back(prompt_ids(tokenizer_, layout, prompt));
    generation_.stop_ids = opened_.stop_ids;
    generation_.seed = options.shared.seed;
  }

  std::vector<std::string> answer_all(const std::string& title) {
    Progress progress(title, rows_.size(), "answers");
    GenerationOptions generation = generation_;
    generation.progress = [&](std::size_t done) { progress.update(done); };
    std::vector<std::string> texts;
    for (const Generated& answer : generate(opened_.model, rows_, generation))
      texts.push_back(tokenizer_.decode(answer.ids));
    return texts;
  }

  // One answer, shown piece by piece. With sampling it may differ from that of answer_all().
  std::string answer(std::size_t i, const std::function<void(const std::string&)>& show) {
    TextStream text(tokenizer_);
    std::string whole;
    const auto take = [&](const std::string& piece) {
      whole += piece;
      show(piece);
    };
    GenerationOptions generation = generation_;
    generation.seed += i;
    generation.token = [&](std::size_t, int token) {
      take(text.add(token));
      return !interrupted();
    };
    generate(opened_.model, std::span(rows_).subspan(i, 1), generation);
    take(text.finish());
    stop_if_interrupted();
    return whole;
  }

 private:
  OpenModel opened_;
  Tokenizer tokenizer_;
  GenerationOptions generation_;
  std::vector<std::vector<int>> rows_;
};

OrderedJson line_of(const std::string& prompt, const std::string& a, const std::string& b) {
  return {{"prompt", prompt}, {"a", a}, {"b", b}};
}

// The second model answers one prompt at a time, so that the user sees its answer grow below the first model's.
std::vector<std::string> show_answers(const std::vector<std::string>& prompts, const std::vector<std::string>& first,
                                      Respondent& second, bool stacked) {
  const std::size_t width = terminal_width();
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    std::cout << "── " << shown_text(prompts[i], 400) << "\n";
    if (stacked) {
      std::cout << "A: " << terminal_text(whole_text(first[i])) << "\nB: " << std::flush;
      texts.push_back(second.answer(i, [](const std::string& piece) {
        if (!texts_are_redacted()) std::cout << terminal_text(piece) << std::flush;
      }));
      std::cout << (texts_are_redacted() ? redacted_text(texts.back()) : "") << "\n" << std::endl;
    } else {
      texts.push_back(second.answer(i, [](const std::string&) {}));
      std::cout << side_by_side(whole_text(first[i]), whole_text(texts.back()), width) << std::endl;
    }
  }
  return texts;
}

void compare(CompareOptions& options) {
  check_output_file(options.output, options.input);
  if (options.models.size() == 1 && !options.adapters.empty()) options.models.push_back(options.models[0]);
  if (options.models.size() != 2) {
    throw bad_usage("cannot compare")
        .wanted("--model twice, or once with --adapter")
        .found(std::to_string(options.models.size()));
  }
  check_template_options(options.layout);
  const std::array<std::unique_ptr<Template>, 2> layouts = open_templates(options);
  std::vector<std::string> prompts;
  for (const JsonLine& line : read_json_lines(options.input)) prompts.push_back(text_of(line, "prompt"));
  const std::vector<std::string> first =
      Respondent(options.models[0], {}, prompts, layouts[0].get(), options).answer_all("A: " + options.models[0]);
  Respondent second(options.models[1], options.adapters, prompts, layouts[1].get(), options);
  std::vector<std::string> last;
  if (options.json || isatty(STDOUT_FILENO) == 0) {
    last = second.answer_all("B: " + options.models[1]);
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      if (options.json) {
        std::cout << dump_json(line_of(prompts[i], first[i], last[i])) << "\n";
      } else if (options.look == "side-by-side") {
        std::cout << "── " << shown_text(prompts[i], 400) << "\n"
                  << side_by_side(whole_text(first[i]), whole_text(last[i]), 120) << "\n";
      } else {
        std::cout << shown_text(prompts[i], 200) << "\n  A  " << shown_text(first[i], 400) << "\n  B  "
                  << shown_text(last[i], 400) << "\n\n";
      }
    }
  } else {
    constexpr std::size_t kNarrow = 100;
    const bool stacked = options.look == "stacked" || (options.look == "auto" && terminal_width() < kNarrow);
    last = show_answers(prompts, first, second, stacked);
  }
  if (options.output.empty()) return;
  std::string text;
  for (std::size_t i = 0; i < prompts.size(); ++i) text += dump_json(line_of(prompts[i], first[i], last[i])) + "\n";
  write_result(options.output, text);
}

}  // namespace

void add_compare(CLI::App& program, Action& action) {
  auto options = std::make_shared<CompareOptions>();
  auto* command = program.add_subcommand("compare", "Show two models' answers side by side");
  command->add_option("--model", options->models, "Checkpoint folder; twice, or once with --adapter")->required();
  command
      ->add_option("--adapter", options->adapters, "Adapter folders of the second model; DIR:0.5 applies half of one")
      ->expected(1, -1);
  command->add_option("--input", options->input, "Prompts: JSON lines {\"prompt\"}")->required();
  add_template_options(*command, options->layout);
  command->add_option("--look", options->look, "side-by-side, stacked, or auto (what fits the terminal)")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "side-by-side", "stacked"}));
  command->add_flag("--json", options->json, "Print one JSON object for each prompt");
  command->add_option("--output", options->output, "Write the answers to this file, one JSON object a line");
  add_generation_options(*command, options->generation);
  add_shared_options(*command, options->shared);
  command->footer(
      "Example: lethe compare --model opt-2.7b --model runs/opt/model --input prompts.jsonl\n"
      "         lethe compare --model llama-2-7b --adapter runs/llama/adapter --input prompts.jsonl --output "
      "answers.jsonl");
  command->callback([options, &action] { action = [options] { compare(*options); }; });
}

}  // namespace lethe
