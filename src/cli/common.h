// Shared parts of the subcommands: JSON lines, and options that mean the same everywhere.
#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/json.h"
#include "data/pairs.h"
#include "generation/generate.h"
#include "models/causal_lm.h"
#include "prompts/template.h"
#include "tokenizers/tokenizer.h"
#include "vectors/apply_adapter.h"

namespace lethe {

/// Reads data files ("data.csv:prompt=goal") of one role, and prints what was found in them.
std::vector<Pair> load_told(const std::vector<std::string>& sources, Role role);

/// Reads JSON lines; "-" is standard input. @throws Error as parse_json_lines()
std::vector<JsonLine> read_json_lines(const std::string& path);

/// The text under `key`. @throws Error (bad input) naming the line if it is missing or not a text
std::string text_of(const JsonLine& line, const char* key);
/// Whether a line has token ids and no text. If it has both, the text counts: `generate` writes both, and its ids are
/// only those of the answer.
bool is_ids(const JsonLine& line);
/// The token ids under "ids". @throws Error (bad input) naming the line if they are not a list of whole numbers from 0
std::vector<int> ids_of(const JsonLine& line);
/// Checks that the model accepts these tokens: at least one, at most its positions, each in its vocabulary.
/// @throws Error (bad input) naming the line
void check_row(const std::vector<int>& ids, const JsonLine& line, const DecoderSpec& spec);

/// Writes a result at once; "-" is standard output. Devices, pipes and links are written through (core/output_file.h).
void write_result(const std::string& path, const std::string& text);

/// --quiet and --redact.
void add_quiet_flag(CLI::App& command);

/// --device, --dtype, --threads, --seed, --quiet.
struct SharedOptions {
  std::string device = "auto", dtype = "auto";
  int threads = 0;
  std::uint64_t seed = 8888;
};
void add_shared_options(CLI::App& command, SharedOptions& options);

/// --template and --system.
struct TemplateOptions {
  std::string text = "auto";  ///< auto, sku, chat, none, or a text with {prompt} and {response}
  std::string system;
};
/// @param with_none  whether the command can do without a template
void add_template_options(CLI::App& command, TemplateOptions& options, bool with_none = true);

/// --model and --adapter, and the template of its prompts.
struct ModelOptions {
  std::string model;
  TemplateOptions layout;
  std::vector<std::string> adapters;
  SharedOptions shared;
};
void add_model_options(CLI::App& command, ModelOptions& options);

/// A loaded model, with its adapters applied to the weights.
struct OpenModel {
  std::filesystem::path folder;
  CausalLM model;
  std::vector<int> stop_ids;
};
OpenModel open_model(const std::string& name, const std::vector<std::string>& adapters, const SharedOptions& shared);
OpenModel open_model(const ModelOptions& options);

/// The tokenizer of a folder, loaded by another thread. Rows of ids need no tokenizer, so an error in its files is
/// reported only when it is used.
class LazyTokenizer {
 public:
  explicit LazyTokenizer(std::filesystem::path folder);
  /// Waits for the tokenizer. @throws Error as Tokenizer::load()
  const Tokenizer& get();
  /// Whether the folder has files of a tokenizer.
  bool available() const;

 private:
  std::filesystem::path folder_;
  std::future<Tokenizer> loading_;
  std::optional<Tokenizer> tokenizer_;
};

/// --max-new-tokens, --temperature, --top-p, --top-k.
void add_generation_options(CLI::App& command, GenerationOptions& options);

/// Checks that need no model. @throws Error (usage) as Template::check()
void check_template_options(const TemplateOptions& options);
/// The template for a model: `auto` is decided as for a run (runs/template_choice.h). Prints which one it is.
/// @return null for `none`
/// @throws Error as Template::open()
std::unique_ptr<Template> open_template(const TemplateOptions& options, const std::string& model,
                                        const std::vector<std::string>& adapters);
std::unique_ptr<Template> open_template(const ModelOptions& options);
/// Whether a line's texts go into the template: not those of {"text"} and {"ids"}.
bool uses_template(const JsonLine& line);
/// The tokens of a prompt in the template, up to the response; without a template those of the prompt alone.
std::vector<int> prompt_ids(const Tokenizer& tokenizer, const Template* layout, const std::string& prompt,
                            std::span<const ChatMessage> before = {});

/// The prompt and the response of a line with {"prompt", "response"} or {"messages"}.
struct Turns {
  std::vector<ChatMessage> before;
  std::string prompt, response;
};
/// @param with_response  whether the last message is the assistant's
/// @throws Error (bad input) naming the line
Turns turns_of(const JsonLine& line, bool with_response);

}  // namespace lethe
