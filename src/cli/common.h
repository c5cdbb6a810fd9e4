// What several subcommands share: reading and writing JSON lines, and the options that mean the same everywhere.
#pragma once

#include <CLI/App.hpp>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/json.h"
#include "generation/generate.h"
#include "models/causal_lm.h"
#include "text/template.h"
#include "vectors/apply_adapter.h"

namespace lethe {

/// One line of a JSON-lines file, with where it stands ("input.jsonl, line 7").
struct JsonLine {
  Json value;
  std::string where;
};

/// Reads objects, one a line; empty lines are passed over. "-" is standard input.
/// @throws Error (bad input) naming the line that is no object
std::vector<JsonLine> read_json_lines(const std::string& path);

/// A text under `key`. @throws Error (bad input) naming the line if it is missing or no text
std::string text_of(const JsonLine& line, const char* key);
/// Token ids under "ids", each in [0, vocabulary). @throws Error (bad input) naming the line
std::vector<int> ids_of(const JsonLine& line, std::int64_t vocabulary);

/// Adapters named on the command line, "DIR" or "DIR:0.5".
struct OpenAdapters {
  std::vector<std::unique_ptr<Adapter>> adapters;
  std::vector<WeightedAdapter> weighted;
};
OpenAdapters open_adapters(const std::vector<std::string>& names);

/// --device, --dtype, --threads, --seed, --quiet.
struct SharedOptions {
  std::string device = "auto", dtype = "auto";
  int threads = 0;
  std::uint64_t seed = 8888;
};
void add_shared_options(CLI::App& command, SharedOptions& options);

/// --model and --adapter, and how to prompt it.
struct ModelOptions {
  std::string model, layout = Template::sku_default;
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

/// The tokenizer of a folder, loaded when first needed (rows of ids need none).
class LazyTokenizer {
 public:
  explicit LazyTokenizer(std::filesystem::path folder) : folder_(std::move(folder)) {}
  const Tokenizer& get();
  bool available() const;

 private:
  std::filesystem::path folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

/// --max-new-tokens, --temperature, --top-p, --top-k.
void add_generation_options(CLI::App& command, GenerationOptions& options);

/// "none" makes none; otherwise the template.
std::unique_ptr<Template> template_option(const std::string& text);

}  // namespace lethe
