#include "cli/common.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <iterator>

#include "core/error.h"
#include "core/files.h"
#include "core/terminal.h"
#include "models/loading.h"
#include "models/stop_tokens.h"
#include "nn/device.h"

namespace lethe {

std::vector<JsonLine> read_json_lines(const std::string& path) {
  const std::string text = path == "-" ? std::string(std::istreambuf_iterator<char>(std::cin), {}) : read_file(path);
  std::vector<JsonLine> lines;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = path + ", line " + std::to_string(number);
    Json value = parse_json(line, where);
    if (!value.is_object()) throw bad_input("cannot use " + where).wanted("a JSON object").found(excerpt(line));
    lines.push_back({std::move(value), where});
  }
  return lines;
}

std::string text_of(const JsonLine& line, const char* key) {
  if (!line.value.contains(key) || !line.value.at(key).is_string()) {
    throw bad_input("cannot use " + line.where)
        .wanted(std::string("text under \"") + key + "\"")
        .found(excerpt(dump_json(line.value)));
  }
  return line.value.at(key).get<std::string>();
}

std::vector<int> ids_of(const JsonLine& line, std::int64_t vocabulary) {
  std::vector<int> ids;
  const Json& list = line.value.at("ids");
  if (!list.is_array())
    throw bad_input("cannot use " + line.where).wanted("a list under \"ids\"").found(excerpt(dump_json(list)));
  for (const Json& id : list) {
    if (!id.is_number_integer() || id.get<std::int64_t>() < 0 || id.get<std::int64_t>() >= vocabulary) {
      throw bad_input("cannot use " + line.where)
          .wanted("token ids from 0 to " + std::to_string(vocabulary - 1))
          .found(excerpt(dump_json(id)));
    }
    ids.push_back(id.get<int>());
  }
  return ids;
}

OpenAdapters open_adapters(const std::vector<std::string>& names) {
  OpenAdapters result;
  for (const std::string& name : names) {
    std::string folder = name;
    double factor = 1.0;
    const std::size_t colon = name.rfind(':');
    if (!std::filesystem::exists(name) && colon != std::string::npos) {
      const std::string number = name.substr(colon + 1);
      char* end = nullptr;
      factor = std::strtod(number.c_str(), &end);
      if (number.empty() || *end != 0 || !std::isfinite(factor)) {
        throw bad_usage("cannot read --adapter " + excerpt(name, 200)).wanted("DIR or DIR:weight");
      }
      folder = name.substr(0, colon);
    }
    result.adapters.push_back(std::make_unique<Adapter>(folder));
    result.weighted.push_back({result.adapters.back().get(), factor});
  }
  return result;
}

void add_shared_options(CLI::App& command, SharedOptions& options) {
  command.add_option("--device", options.device, "auto, cpu, cuda or cuda:n")->capture_default_str();
  command.add_option("--dtype", options.dtype, "Type of arithmetic: auto, float32, bfloat16 or float16")
      ->capture_default_str();
  command.add_option("--threads", options.threads, "0: one a core")->capture_default_str();
  command.add_option("--seed", options.seed, "Seed of all random numbers")->capture_default_str();
  command.add_flag_callback(
      "--quiet", [] { configure_terminal({.quiet = true}); }, "Print errors and results only");
}

void add_model_options(CLI::App& command, ModelOptions& options) {
  command.add_option("--model", options.model, "Checkpoint folder, or a name in the Hugging Face cache")->required();
  command.add_option("--adapter", options.adapters, "Adapter folders; DIR:0.5 takes half of one")->expected(1, -1);
  command.add_option("--template", options.layout, "Text with {prompt} and {response}, or none")->capture_default_str();
  add_shared_options(command, options.shared);
}

void add_generation_options(CLI::App& command, GenerationOptions& options) {
  command.add_option("--max-new-tokens", options.max_new_tokens, "Longest answer, tokens")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command.add_option("--temperature", options.sampling.temperature, "0: greedy")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command.add_option("--top-p", options.sampling.top_p, "Draw from the likeliest tokens that make up this share")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--top-k", options.sampling.top_k, "Draw from the k likeliest tokens; 0: all")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
}

OpenModel open_model(const std::string& name, const std::vector<std::string>& adapters, const SharedOptions& shared) {
  const Compute compute = choose_compute(shared.device, shared.dtype, shared.threads);
  const Checkpoint checkpoint(resolve_model_folder(name));
  const OpenAdapters opened = open_adapters(adapters);
  const AppliedAdapters applied(checkpoint, opened.weighted);
  return {checkpoint.folder(),
          load_model(checkpoint, {.device = compute.device, .dtype = compute.dtype, .adapters = &applied}),
          stop_tokens(checkpoint.folder())};
}

OpenModel open_model(const ModelOptions& options) {
  return open_model(options.model, options.adapters, options.shared);
}

const Tokenizer& LazyTokenizer::get() {
  if (!tokenizer_) tokenizer_ = std::make_unique<Tokenizer>(Tokenizer::load(folder_));
  return *tokenizer_;
}

bool LazyTokenizer::available() const {
  for (const char* file : {"tokenizer.json", "vocab.json", "tokenizer.model"}) {
    if (std::filesystem::exists(folder_ / file)) return true;
  }
  return false;
}

std::unique_ptr<Template> template_option(const std::string& text) {
  return text == "none" ? nullptr : std::make_unique<Template>(Template::parse(text));
}

}  // namespace lethe
