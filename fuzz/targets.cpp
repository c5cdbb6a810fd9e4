#include "fuzz/targets.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <set>
#include <stdexcept>

#include "architectures/decoder_spec.h"
#include "core/error.h"
#include "core/json.h"
#include "data/pairs.h"
#include "data/readers.h"
#include "formats/adapter.h"
#include "formats/checkpoint.h"
#include "formats/gguf.h"
#include "formats/tied_pair.h"
#include "jinja/interpreter.h"
#include "judges/facts.h"
#include "judges/judge_file.h"
#include "prompts/chat_template.h"
#include "recipe/recipe.h"
#include "tokenizers/tokenizer.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;
using Bytes = std::span<const std::uint8_t>;

// A folder of this process only, in memory if possible.
const fs::path& scratch() {
  static const fs::path folder = [] {
    const fs::path memory = "/dev/shm";
    fs::path made =
        (fs::is_directory(memory) ? memory : fs::temp_directory_path()) / ("lethe-fuzz-" + std::to_string(::getpid()));
    fs::create_directories(made);
    std::atexit([] {
      std::error_code ignored;
      fs::remove_all(scratch(), ignored);
    });
    return made;
  }();
  return folder;
}

// Overwrites the file in place, because the fuzzer writes a thousand files a second.
void put(const fs::path& path, Bytes bytes) {
  static std::set<fs::path> folders;
  if (folders.insert(path.parent_path()).second) fs::create_directories(path.parent_path());
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool whole = file >= 0 && ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
  if (file >= 0) ::close(file);
  if (!whole) throw std::runtime_error("cannot write " + path.string());
}

void put(const fs::path& path, std::string_view text) {
  put(path, Bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

std::string_view text_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A safetensors file of float32 tensors with two values each. Names that end in B.weight get shape [2, 1], others [1,
// 2].
std::string small_weights(std::initializer_list<std::string> names) {
  OrderedJson header = OrderedJson::object();
  std::size_t at = 0;
  for (const std::string& name : names) {
    const bool stands = name.ends_with("B.weight");
    header[name] = {{"dtype", "F32"}, {"shape", {stands ? 2 : 1, stands ? 1 : 2}}, {"data_offsets", {at, at + 8}}};
    at += 8;
  }
  std::string text = dump_json(header);
  text.append((8 - text.size() % 8) % 8, ' ');
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) file[i] = static_cast<char>(text.size() >> (8 * i) & 0xFF);
  return file + text + std::string(at, '\0');
}

// Reads every byte of every tensor, so that the sanitizer detects offsets outside the file.
void touch(const Checkpoint& checkpoint) {
  unsigned sum = 0;
  for (const StoredTensor* tensor : checkpoint.tensors()) {
    for (const std::byte byte : checkpoint.values(*tensor)) sum += std::to_integer<unsigned>(byte);
  }
  volatile unsigned sink = sum;
  static_cast<void>(sink);
}

void read_safetensors(Bytes bytes) {
  const fs::path folder = scratch() / "safetensors";
  if (!fs::exists(folder / "config.json")) put(folder / "config.json", "{\"model_type\": \"llama\"}");
  put(folder / "model.safetensors", bytes);
  const Checkpoint checkpoint(folder);
  touch(checkpoint);
  tied_pair(checkpoint);
}

void read_gguf_file(Bytes bytes) {
  put(scratch() / "model.gguf", bytes);
  if (!read_gguf(scratch() / "model.gguf")) throw bad_input("no GGUF file");
}

void read_index(Bytes bytes) {
  const fs::path folder = scratch() / "index";
  if (!fs::exists(folder / "config.json")) {
    put(folder / "config.json", "{\"model_type\": \"llama\"}");
    put(folder / "model-00001-of-00002.safetensors", small_weights({"a", "b"}));
    put(folder / "model-00002-of-00002.safetensors", small_weights({"c"}));
  }
  put(folder / "model.safetensors.index.json", bytes);
  touch(Checkpoint(folder));
}

void read_config(Bytes bytes) {
  decoder_spec(parse_json(text_of(bytes), "config.json"), "config.json").length_limit();
}

void use(const Tokenizer& tokenizer) {
  const Encoding encoding = tokenizer.encode("Hello, w\xC3\xB6rld 12  <s>\n\t\xE4\xB8\xAD \xFF");
  tokenizer.decode(encoding.ids);
}

void read_tokenizer_json(Bytes bytes) {
  put(scratch() / "tokenizer_json/tokenizer.json", bytes);
  use(Tokenizer::load(scratch() / "tokenizer_json"));
}

void read_tokenizer_model(Bytes bytes) {
  put(scratch() / "tokenizer_model/tokenizer.model", bytes);
  use(Tokenizer::load(scratch() / "tokenizer_model"));
}

// vocab.json, a zero byte, merges.txt.
void read_vocab_and_merges(Bytes bytes) {
  const fs::path folder = scratch() / "vocab_and_merges";
  const std::string_view both = text_of(bytes), vocabulary = both.substr(0, both.find('\0'));
  put(folder / "vocab.json", vocabulary);
  put(folder / "merges.txt", both.substr(std::min(vocabulary.size() + 1, both.size())));
  use(Tokenizer::load(folder));
}

void read_vocab_lines(Bytes bytes) {
  put(scratch() / "vocab_lines/vocab.txt", bytes);
  use(Tokenizer::load(scratch() / "vocab_lines"));
}

// Reads it with each kind of vocabulary that uses it, and as a source of the chat template. Some may refuse it, but not
// all.
void read_tokenizer_config(Bytes bytes) {
  const fs::path gpt2 = scratch() / "tokenizer_config", bert = scratch() / "tokenizer_config_bert";
  if (!fs::exists(bert / "vocab.txt")) {
    put(gpt2 / "vocab.json", R"({"<|endoftext|>": 0, "<s>": 1, "H": 2, "e": 3, "He": 4, "l": 5, "o": 6})");
    put(gpt2 / "merges.txt", "#version: 0.2\nH e\n");
    put(bert / "vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\nw\n##o\n<s>\n");
  }
  std::exception_ptr refused;
  bool taken = false;
  const auto attempt = [&](const auto& read) {
    try {
      read();
      taken = true;
    } catch (const Error&) {
      refused = std::current_exception();
    }
  };
  for (const fs::path& folder : {gpt2, bert}) {
    put(folder / "tokenizer_config.json", bytes);
    attempt([&] { use(Tokenizer::load(folder)); });
  }
  if (ChatTemplate::exists(gpt2)) {
    attempt([&] {
      ChatTemplate::load(gpt2).render(std::to_array<ChatMessage>({{"user", "Where?"}}), /*add_generation_prompt=*/true);
    });
  }
  if (!taken) std::rethrow_exception(refused);
}

void read_adapter_config(Bytes bytes) {
  const fs::path folder = scratch() / "adapter";
  const std::string prefix = "base_model.model.model.layers.0.self_attn.q_proj.lora_";
  if (!fs::exists(folder / "adapter_model.safetensors")) {
    put(folder / "adapter_model.safetensors", small_weights({prefix + "A.weight", prefix + "B.weight"}));
  }
  put(folder / "adapter_config.json", bytes);
  Adapter adapter(folder);
}

// Rendered twice: with the variables of the program, and with variables of every type. The limits are smaller than the
// program's, because sanitizers make it ten times slower.
void read_chat_template(Bytes bytes) {
  static const OrderedJson chat = OrderedJson::parse(R"({"bos_token": "<s>", "eos_token": "</s>", "tools": null,
    "documents": null, "add_generation_prompt": true, "messages": [{"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Here."}]})");
  static const OrderedJson odd = OrderedJson::parse(R"({"a": 3, "b": 2.5, "s": " Hello, World! ", "l": [3, 1, 2],
    "t": ["x", "Y", "z"], "d": {"one": 1, "two": [1, 2], "items": "mine"}, "n": null, "yes": true, "e": "",
    "u": "Gr\u00fc\u00dfe, \u0391 \u0436\u00a0", "m": [{"role": "user", "c": "hi", "k": {"z": 1}}, {"role": "tool", "c": null}],
    "bos_token": "<s>", "eos_token": "</s>",
    "messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Here."}],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}], "add_generation_prompt": false})");
  const jinja::Body body = jinja::parse(valid_utf8(text_of(bytes)));
  const jinja::Limits limits{.steps = 20'000, .bytes = 1 << 20};
  const auto render = [&](const OrderedJson& given) {
    std::vector<std::pair<std::string, jinja::Value>> variables;
    for (const auto& [name, value] : given.items()) variables.emplace_back(name, jinja::Value::of(value));
    jinja::Interpreter(limits, 1'732'492'800).run(body, variables);
  };
  std::exception_ptr refused;
  try {
    render(odd);
  } catch (const Error&) {  // the other rendering may succeed
    refused = std::current_exception();
  }
  try {
    render(chat);
  } catch (const Error&) {
    if (refused) std::rethrow_exception(refused);
  }
}

void read_rows(const char* name, Bytes bytes) {
  const fs::path path = scratch() / "rows" / name;
  put(path, bytes);
  const ReadOptions options{.max_row_bytes = 1 << 16, .max_expansion = 20, .expansion_free = 1 << 20};
  const std::vector<DataSource> sources = {{.path = path.string(), .prompt = "", .response = "", .where = ""}};
  try {
    for (const FileReport& file : load_pairs(sources, Role::generic, options).files) describe(file);
  } catch (const Error&) {  // with unknown columns only the first row was read
    RowReader reader(path, options);
    while (reader.next()) continue;
    throw;
  }
}

void read_csv(Bytes bytes) {
  read_rows("rows.csv", bytes);
}
void read_json_lines(Bytes bytes) {
  read_rows("rows.jsonl", bytes);
}
void read_json_rows(Bytes bytes) {
  read_rows("rows.json", bytes);
}
void read_gzip(Bytes bytes) {
  read_rows("rows.csv.gz", bytes);
}

void read_parquet(Bytes bytes) {
  read_rows("rows.parquet", bytes);
}

void read_recipe(Bytes bytes) {
  const Recipe recipe = parse_recipe(text_of(bytes), "recipe.yaml");
  if (bytes.size() % 8 == 0) to_yaml(recipe);  // slow, and similar for all inputs
}

// Reads every key as each kind of value.
void read_judge(Bytes bytes) {
  put(scratch() / "judge.yaml", bytes);
  JudgeFile judge((scratch() / "judge.yaml").string());
  judge.text("kind");
  for (const char* key : {"after",           "append_eos", "borderline",    "borderline_harm",
                          "category_tokens", "decisive",   "format",        "gap",
                          "instructions",    "kind",       "longest_wait",  "max_length",
                          "max_tokens",      "model",      "most_failures", "parallel",
                          "policies",        "retries",    "safe",          "scores",
                          "temperature",     "template",   "threshold",     "timeout",
                          "unsafe",          "url",        "veto"}) {
    const auto attempt = [&](const auto& read) {
      try {
        read();
      } catch (const Error&) {  // the value has another type
      }
    };
    attempt([&] { judge.text(key, ""); });
    attempt([&] { judge.number(key, 0, -1, 1); });
    attempt([&] { judge.count(key, 0, 0, 1000); });
    attempt([&] { judge.texts(key); });
    attempt([&] { judge.named_texts(key); });
  }
  judge.refuse_others();
}

// Reads the facts, and looks for each phrase in all phrases of the file.
void read_known_facts(Bytes bytes) {
  std::vector<FactPhrase> phrases;
  for (const FactEntry& entry : read_facts(text_of(bytes), "facts.jsonl")) {
    for (const std::vector<FactPhrase>& fact : entry.facts) phrases.insert(phrases.end(), fact.begin(), fact.end());
  }
  phrases.resize(std::min<std::size_t>(phrases.size(), 50));
  for (const FactPhrase& phrase : phrases) {
    if (!gives(phrase.words, phrase, 0)) std::abort();  // every phrase gives itself
    for (const FactPhrase& other : phrases) gives(other.words, phrase, 2);
  }
}

constexpr auto targets = std::to_array<FuzzTarget>({{"safetensors", read_safetensors},
                                                    {"index", read_index},
                                                    {"gguf", read_gguf_file},
                                                    {"config", read_config},
                                                    {"tokenizer_json", read_tokenizer_json},
                                                    {"tokenizer_model", read_tokenizer_model},
                                                    {"vocab_and_merges", read_vocab_and_merges},
                                                    {"vocab_lines", read_vocab_lines},
                                                    {"tokenizer_config", read_tokenizer_config},
                                                    {"adapter_config", read_adapter_config},
                                                    {"chat_template", read_chat_template},
                                                    {"csv", read_csv},
                                                    {"jsonl", read_json_lines},
                                                    {"json", read_json_rows},
                                                    {"gzip", read_gzip},
                                                    {"parquet", read_parquet},
                                                    {"recipe", read_recipe},
                                                    {"judge", read_judge},
                                                    {"facts", read_known_facts}});

}  // namespace

std::span<const FuzzTarget> fuzz_targets() {
  return targets;
}

bool accepts(const FuzzTarget& target, Bytes bytes) {
  try {
    target.read(bytes);
    return true;
  } catch (const Error& error) {
    static const bool says = std::getenv("LETHE_FUZZ_SAY") != nullptr;
    if (says) std::fprintf(stderr, "%s\n", error.what());
    return false;
  }
}

}  // namespace lethe
