// lethe tokenize: prints the tokens of a text.
#include <CLI/CLI.hpp>
#include <chrono>
#include <iostream>
#include <memory>

#include "cli/common.h"
#include "cli/program.h"
#include "core/error.h"
#include "formats/checkpoint.h"
#include "tokenizers/tokenizer.h"

namespace lethe {
namespace {

struct TokenizeOptions {
  std::string model, input;
  std::vector<std::string> texts;
  bool json = false, time = false;
  int threads = 0;
};

Json described(const Tokenizer& tokenizer, const Encoding& encoding) {
  Json tokens = Json::array(), offsets = Json::array();
  for (std::size_t i = 0; i < encoding.ids.size(); ++i) {
    tokens.push_back(tokenizer.token(encoding.ids[i]));
    offsets.push_back({encoding.offsets[i].first, encoding.offsets[i].second});
  }
  return {{"ids", encoding.ids}, {"tokens", tokens}, {"offsets", offsets}, {"text", tokenizer.decode(encoding.ids)}};
}

void tokenize(const TokenizeOptions& options) {
  const Tokenizer tokenizer = Tokenizer::load(resolve_model_folder(options.model));
  std::vector<std::string> texts = options.texts;
  if (!options.input.empty()) {
    for (const JsonLine& line : read_json_lines(options.input)) texts.push_back(text_of(line, "text"));
  }
  if (texts.empty() && options.input.empty())
    throw bad_usage("nothing to tokenize").wanted("a text, or --input FILE.jsonl");
  if (options.time) {
    const auto begin = std::chrono::steady_clock::now();
    std::size_t tokens = 0;
    for (const Encoding& encoding : tokenizer.encode_all(texts, true, options.threads)) tokens += encoding.ids.size();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    std::cout << dump_json(Json{{"seconds", seconds.count()}, {"texts", texts.size()}, {"tokens", tokens}}) << '\n';
    return;
  }
  for (const std::string& text : texts) {
    const Json row = described(tokenizer, tokenizer.encode(text));
    if (options.json) {
      std::cout << dump_json(row) << '\n';
      continue;
    }
    for (std::size_t i = 0; i < row["ids"].size(); ++i) {
      std::cout << row["ids"][i] << '\t' << excerpt(row["tokens"][i].get<std::string>()) << '\t' << row["offsets"][i][0]
                << '-' << row["offsets"][i][1] << '\n';
    }
  }
}

}  // namespace

void add_tokenize(CLI::App& program, Action& action) {
  auto options = std::make_shared<TokenizeOptions>();
  auto* command = program.add_subcommand("tokenize", "Show the tokens of a text: ids, pieces, byte offsets");
  command->add_option("--model", options->model, "Checkpoint folder, or a name in the Hugging Face cache")->required();
  command->add_option("--input", options->input, "JSON lines {\"text\": …}; - is standard input");
  command->add_option("texts", options->texts, "Texts to tokenize");
  command->add_flag("--json", options->json, "Print one JSON object for each text");
  command->add_option("--threads", options->threads, "Threads of --time; 0: one for each core");
  command->add_flag("--time", options->time, "Print only how long it takes to tokenize all texts");
  command->footer("Example: lethe tokenize --model facebook/opt-125m \"Hello, world\"");
  command->callback([options, &action] { action = [options] { tokenize(*options); }; });
}

}  // namespace lethe
