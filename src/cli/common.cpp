#include "cli/common.h"

#include <CLI/CLI.hpp>

#include "cli/number_checks.h"
#include "core/error.h"
#include "core/files.h"
#include "core/input_file.h"
#include "core/output_file.h"
#include "core/redaction.h"
#include "core/terminal.h"
#include "data/chat_rows.h"
#include "models/loading.h"
#include "models/stop_tokens.h"
#include "runs/template_choice.h"
#include "tensors/device.h"

namespace lethe {

std::vector<Pair> load_told(const std::vector<std::string>& sources, Role role) {
  LoadedPairs loaded = load_pairs(parse_data_sources(sources), role);
  for (const FileReport& file : loaded.files) {
    for (const std::string& line : describe(file)) say(line);
  }
  return std::move(loaded.pairs);
}

std::vector<JsonLine> read_json_lines(const std::string& path) {
  if (path == "-") return parse_json_lines(read_standard_input(), "standard input");
  return parse_json_lines(read_file(path), path);
}

std::string text_of(const JsonLine& line, const char* key) {
  if (!line.value.contains(key) || !line.value.at(key).is_string()) {
    throw bad_input("cannot use " + line.where)
        .wanted(std::string("text under \"") + key + "\"")
        .found(shown_text(dump_json(line.value)));
  }
  return line.value.at(key).get<std::string>();
}

bool is_ids(const JsonLine& line) {
  const auto has = [&](const char* key) { return line.value.contains(key); };
  return has("ids") && !has("prompt") && !has("text") && !has("messages");
}

std::vector<int> ids_of(const JsonLine& line) {
  const Json& list = line.value.at("ids");
  std::vector<int> ids;
  for (const Json& id : list.is_array() ? list : Json::array({list})) {
    if (!list.is_array() || !id.is_number_unsigned() || id.get<std::uint64_t>() > 0x7FFFFFFF) {
      throw bad_input("cannot use " + line.where)
          .wanted("a list of token ids under \"ids\"")
          .found(excerpt(dump_json(id)));
    }
    ids.push_back(id.get<int>());
  }
  return ids;
}

void check_row(const std::vector<int>& ids, const JsonLine& line, const DecoderSpec& spec) {
  const auto most = static_cast<std::size_t>(spec.max_positions);
  if (ids.empty()) throw bad_input("cannot use " + line.where).wanted("at least one token").found("none");
  if (most > 0 && ids.size() > most) {
    throw bad_input("cannot use " + line.where)
        .wanted("at most " + with_commas(most) + " tokens, the model's positions")
        .found(with_commas(ids.size()));
  }
  for (const int id : ids) {
    if (id < spec.vocabulary) continue;
    throw bad_input("cannot use " + line.where)
        .wanted("token ids below " + std::to_string(spec.vocabulary) + ", the model's vocabulary")
        .found(std::to_string(id));
  }
}

void write_result(const std::string& path, const std::string& text) {
  write_output(path, text);
}

void add_quiet_flag(CLI::App& command) {
  command.add_flag_callback(
      "--quiet", [] { configure_terminal({.quiet = true, .json_log = terminal_options().json_log}); },
      "Print errors and results only");
  command.add_flag_callback(
      "--json-log", [] { configure_terminal({.quiet = terminal_options().quiet, .json_log = true}); },
      "Report to stderr as JSON: an object a line for each message, progress, error and result");
  command.add_flag_callback(
      "--redact", [] { redact_texts(true); }, "Show no prompt and no answer, on the terminal or in a report");
}

void add_shared_options(CLI::App& command, SharedOptions& options) {
  command.add_option("--device", options.device, "Where to compute: auto, cpu, cuda or cuda:n")->capture_default_str();
  command
      .add_option("--dtype", options.dtype,
                  "Compute dtype: float32, bfloat16, float16, or auto (float32 on a CPU, bfloat16 on a GPU)")
      ->capture_default_str();
  command.add_option("--threads", options.threads, "Threads; 0: one for each core")->capture_default_str();
  command.add_option("--seed", options.seed, "Seed of all random numbers")->capture_default_str();
  add_quiet_flag(command);
}

void add_model_options(CLI::App& command, ModelOptions& options) {
  command.add_option("--model", options.model, "Checkpoint folder, or a name in the Hugging Face cache")->required();
  command.add_option("--adapter", options.adapters, "Adapter folders to apply; DIR:0.5 applies half of one")
      ->expected(1, -1);
  add_template_options(command, options.layout);
  add_shared_options(command, options.shared);
}

void add_generation_options(CLI::App& command, GenerationOptions& options) {
  command.add_option("--batch", options.batch, "Prompts answered at the same time")->capture_default_str();
  command.add_option("--max-new-tokens", options.max_new_tokens, "Tokens of an answer, at most")
      ->capture_default_str()
      ->check(at_least_zero());
  command.add_option("--temperature", options.sampling.temperature, "Temperature of sampling; 0: greedy")
      ->capture_default_str()
      ->check(at_least_zero());
  command
      .add_option("--top-p", options.sampling.top_p,
                  "Sample from the likeliest tokens whose probabilities add up to this")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command.add_option("--top-k", options.sampling.top_k, "Sample from the k likeliest tokens; 0: from all")
      ->capture_default_str()
      ->check(at_least_zero());
}

OpenModel open_model(const std::string& name, const std::vector<std::string>& adapters, const SharedOptions& shared) {
  const Compute compute = choose_compute(shared.device, compute_type_named(shared.dtype), shared.threads);
  const Checkpoint checkpoint(resolve_model_folder(name));
  const OpenAdapters opened = open_adapters(adapters);
  const AppliedAdapters applied(checkpoint, opened.weighted);
  return {
      checkpoint.folder(),
      load_model(checkpoint, {.device = compute.device, .dtype = compute.dtype, .adapters = &applied, .mapped = true}),
      stop_tokens(checkpoint.folder())};
}

OpenModel open_model(const ModelOptions& options) {
  return open_model(options.model, options.adapters, options.shared);
}

LazyTokenizer::LazyTokenizer(std::filesystem::path folder) : folder_(std::move(folder)) {
  if (available()) loading_ = std::async(std::launch::async, [from = folder_] { return Tokenizer::load(from); });
}

const Tokenizer& LazyTokenizer::get() {
  if (!tokenizer_) tokenizer_.emplace(loading_.valid() ? loading_.get() : Tokenizer::load(folder_));
  return *tokenizer_;
}

bool LazyTokenizer::available() const {
  for (const char* file : {"tokenizer.json", "vocab.json", "tokenizer.model"}) {
    if (std::filesystem::exists(folder_ / file)) return true;
  }
  return false;
}

void add_template_options(CLI::App& command, TemplateOptions& options, bool with_none) {
  command
      .add_option("--template", options.text,
                  std::string("Text with {prompt} and {response}, or a name: chat (the model's chat template), sku "
                              "(SKU's text), ") +
                      (with_none ? "none, " : "") +
                      "auto (that of the run which made the model or adapter, else chat if the tokenizer has a chat "
                      "template, else sku)")
      ->capture_default_str();
  command.add_option("--system", options.system, "System message of the chat template");
}

void check_template_options(const TemplateOptions& options) {
  if (options.text != "none") Template::check(options.text, options.system, "--template");
}

std::unique_ptr<Template> open_template(const TemplateOptions& options, const std::string& model,
                                        const std::vector<std::string>& adapters) {
  check_template_options(options);
  if (options.text == "none") return nullptr;
  const std::filesystem::path folder = resolve_model_folder(model);
  const TemplateChoice choice =
      choose_template({.response_template = options.text, .system = options.system}, folder, adapters);
  Template layout = Template::open(choice.text, choice.system, folder, "--template");
  say(choice.sentence());
  return std::make_unique<Template>(std::move(layout));
}

std::unique_ptr<Template> open_template(const ModelOptions& options) {
  return open_template(options.layout, options.model, options.adapters);
}

bool uses_template(const JsonLine& line) {
  return !is_ids(line) && !line.value.contains("text");
}

std::vector<int> prompt_ids(const Tokenizer& tokenizer, const Template* layout, const std::string& prompt,
                            std::span<const ChatMessage> before) {
  if (layout != nullptr) return encode_prompt(tokenizer, *layout, prompt, before);
  if (!before.empty()) throw bad_usage("cannot use \"messages\"").wanted("--template chat").found("none");
  return tokenizer.encode(prompt).ids;
}

Turns turns_of(const JsonLine& line, bool with_response) {
  const char* key = nullptr;
  for (const char* known : {"messages", "conversations", "conversation"}) {
    if (key == nullptr && line.value.contains(known)) key = known;
  }
  if (key == nullptr) return {{}, text_of(line, "prompt"), with_response ? text_of(line, "response") : ""};
  const auto broken = [&](const std::string& found) {
    return bad_input("cannot use " + line.where)
        .wanted(std::string("messages {\"role\", \"content\"}, the last ") +
                (with_response ? "two by user and assistant" : "one by the user"))
        .found(found);
  };
  const Json& list = line.value.at(key);
  Turns turns;
  for (const Json& entry : list.is_array() ? list : Json::array()) {
    const bool fits = entry.is_object() && entry.contains("role") && entry.at("role").is_string() &&
                      entry.contains("content") && entry.at("content").is_string();
    if (fits) {  // any role: the chat template decides
      turns.before.push_back({entry.at("role").get<std::string>(), entry.at("content").get<std::string>()});
      continue;
    }
    try {
      turns.before.push_back(read_turn(entry, key).message);
    } catch (const UnusableRow& error) {
      throw broken(error.what());
    }
  }
  const auto take_last = [&](const std::string& role) {
    if (turns.before.empty() || turns.before.back().role != role)
      throw broken(turns.before.empty() ? "no more messages" : "a message by " + excerpt(turns.before.back().role));
    std::string content = std::move(turns.before.back().content);
    turns.before.pop_back();
    return content;
  };
  if (with_response) turns.response = take_last("assistant");
  turns.prompt = take_last("user");
  return turns;
}

}  // namespace lethe
