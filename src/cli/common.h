// What several subcommands share: reading and writing JSON lines, and the options that mean the same everywhere.
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

/// Reads data files ("data.csv:prompt=goal") of one role, and says what was found in them.
std::vector<Pair> load_told(const std::vector<std::string>& sources, Role role);

/// Reads JSON lines; "-" is standard input. @throws Error as parse_json_lines()
std::vector<JsonLine> read_json_lines(const std::string& path);

/// A text under `key`. @throws Error (bad input) naming the line if it is missing or no text
std::string text_of(const JsonLine& line, const char* key);
/// Whether a line gives token ids and no text. With a text its ids do not count: `generate` writes both, and its ids
/// are those of the answer alone.
bool is_ids(const JsonLine& line);
/// Token ids under "ids". @throws Error (bad input) naming the line if they are no list of whole numbers from 0
std::vector<int> ids_of(const JsonLine& line);
/// Whether the model can take these tokens: at least one, no more than its positions, each in its vocabulary.
/// @throws Error (bad input) naming the line
void check_row(const std::vector<int>& ids, const JsonLine& line, const DecoderSpec& spec);

/// Writes a whole result; "-" is standard output. Devices, pipes and links stay what they are (core/output_file.h).
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

/// --model and --adapter, and how to prompt it.
struct ModelOptions {
  std::string model, layout = Template::sku_default, system;
  std::vector<std::string> adapters;
  SharedOptions shared;
};
void add_model_options(CLI::App& command, ModelOptions& options);

/// A model ready to be asked: adapters folded in.
struct OpenModel {
  std::filesystem::path folder;
  CausalLM model;
  std::vector<int> stop_ids;
};
OpenModel open_model(const std::string& name, const std::vector<std::string>& adapters, const SharedOptions& shared);
OpenModel open_model(const ModelOptions& options);

/// The tokenizer of a folder, loaded by another thread meanwhile. Rows of ids need none: what is wrong with it is told
/// when it is asked for.
class LazyTokenizer {
 public:
  explicit LazyTokenizer(std::filesystem::path folder);
  const Tokenizer& get();
  bool available() const;

 private:
  std::filesystem::path folder_;
  std::future<Tokenizer> loading_;
  std::optional<Tokenizer> tokenizer_;
};

/// --max-new-tokens, --temperature, --top-p, --top-k.
void add_generation_options(CLI::App& command, GenerationOptions& options);

/// --template and --system.
void add_template_options(CLI::App& command, std::string& layout, std::string& system);
/// "none" makes none; "chat" is the model's own. @throws Error as Template::open()
std::unique_ptr<Template> template_option(const std::string& text, const std::string& system, const std::string& model);
/// A prompt as the template's head lays it out; without a template the text itself.
std::vector<int> prompt_ids(const Tokenizer& tokenizer, const Template* layout, const std::string& prompt,
                            std::span<const ChatMessage> before = {});

/// A line's prompt and response, under these names or as {"messages"}.
struct Turns {
  std::vector<ChatMessage> before;
  std::string prompt, response;
};
/// @param with_response  whether the last message is the assistant's
/// @throws Error (bad input) naming the line
Turns turns_of(const JsonLine& line, bool with_response);

}  // namespace lethe
