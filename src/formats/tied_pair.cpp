#include "formats/tied_pair.h"

#include <algorithm>
#include <cstring>
#include <map>

#include "formats/tensor_names.h"

namespace lethe {
namespace {

// 0 and −0 are equal, as in torch.equal().
template <class Bits>
bool equal_numbers(std::span<const std::byte> a, std::span<const std::byte> b) {
  for (std::size_t at = 0; at < a.size(); at += sizeof(Bits)) {
    Bits x, y;
    std::memcpy(&x, a.data() + at, sizeof x);
    std::memcpy(&y, b.data() + at, sizeof y);
    if (x != y && static_cast<Bits>((x | y) << 1) != 0) return false;
  }
  return true;
}

bool equal_numbers(std::span<const std::byte> a, std::span<const std::byte> b, std::size_t width) {
  if (std::memcmp(a.data(), b.data(), a.size()) == 0) return true;
  if (width == 2) return equal_numbers<std::uint16_t>(a, b);
  if (width == 4) return equal_numbers<std::uint32_t>(a, b);
  return width == 8 && equal_numbers<std::uint64_t>(a, b);
}

// Compares in blocks and releases their pages, so memory does not grow with the vocabulary.
bool equal_values(const Checkpoint& checkpoint, const StoredTensor& a, const StoredTensor& b) {
  // Different types are not equal, even if one is the other rounded: both are used as stored.
  if (a.shape != b.shape || a.type != b.type) return false;
  constexpr std::uint64_t kBlock = 8 << 20;
  const auto of_a = checkpoint.values(a), of_b = checkpoint.values(b);
  for (std::uint64_t at = 0; at < of_a.size(); at += kBlock) {
    const std::uint64_t size = std::min<std::uint64_t>(kBlock, of_a.size() - at);
    const bool equal = equal_numbers(of_a.subspan(at, size), of_b.subspan(at, size), size_of(a.type));
    checkpoint.release(a, at, at + size);
    checkpoint.release(b, at, at + size);
    if (!equal) return false;
  }
  return true;
}

const StoredTensor* find_embedding(const Checkpoint& checkpoint) {
  for (const char* name : {"embed_tokens.weight", "decoder.embed_tokens.weight", "wte.weight", "embed_in.weight"}) {
    if (const StoredTensor* tensor = checkpoint.find_same(name)) return tensor;
  }
  const StoredTensor* found = nullptr;  // for unknown families: by the end of the name
  for (const StoredTensor* tensor : checkpoint.tensors()) {
    for (const char* ending : {".embed_tokens.weight", ".wte.weight", ".embed_in.weight", "word_embeddings.weight"}) {
      if (tensor->name.ends_with(ending)) found = tensor;
    }
  }
  return found;
}

// The wrappers before a stored name ("_orig_mod."), to give another name the same ones.
std::string wrappers_of(const std::string& stored) {
  const std::string plain = without_wrappers(stored);
  return stored.ends_with(plain) ? stored.substr(0, stored.size() - plain.size()) : "";
}

std::string usual_embedding(const Json& config) {
  const Json type = config.value("model_type", Json());
  if (type == "gpt2") return "transformer.wte.weight";
  if (type == "gpt_neox") return "gpt_neox.embed_in.weight";
  return type == "opt" ? "model.decoder.embed_tokens.weight" : "model.embed_tokens.weight";
}

}  // namespace

std::optional<bool> says_tied(const Json& config) {
  static const std::map<std::string, bool> defaults = {
      {"gemma", true},      {"gemma2", true},   {"gemma3_text", true}, {"gpt2", true},     {"opt", true},
      {"gpt_neox", false},  {"granite", false}, {"llama", false},      {"mistral", false}, {"mixtral", false},
      {"olmo2", false},     {"phi", false},     {"phi3", false},       {"qwen2", false},   {"qwen3", false},
      {"qwen3_moe", false}, {"stablelm", false}};
  const Json value = config.value("tie_word_embeddings", Json());
  if (value.is_boolean()) return value.get<bool>();
  const Json type = config.value("model_type", Json());
  const auto family = type.is_string() ? defaults.find(type.get<std::string>()) : defaults.end();
  return family == defaults.end() ? std::nullopt : std::optional(family->second);
}

namespace {
TiedPair find_pair(const Checkpoint& checkpoint) {
  TiedPair pair;
  pair.embedding = find_embedding(checkpoint);
  pair.head = checkpoint.find_same("lm_head.weight");
  const Json& config = checkpoint.config();
  const std::optional<bool> says = says_tied(config);
  const bool both = pair.embedding != nullptr && pair.head != nullptr;
  if (both) {
    pair.tied = says.value_or(true) && equal_values(checkpoint, *pair.embedding, *pair.head);
    pair.contradicts_config = says.value_or(false) && !pair.tied;
  } else if (pair.embedding != nullptr || pair.head != nullptr) {
    pair.tied = says.value_or(true);
  }
  const StoredTensor* one = pair.embedding != nullptr ? pair.embedding : pair.head;
  const std::string wrappers = one == nullptr ? "" : wrappers_of(one->name);
  const std::string usual_head =
      config.value("model_type", Json()) == "gpt_neox" ? "embed_out.weight" : "lm_head.weight";
  pair.embedding_name = pair.embedding != nullptr ? pair.embedding->name : wrappers + usual_embedding(config);
  pair.head_name = pair.head != nullptr ? pair.head->name : wrappers + usual_head;
  if (pair.tied && !both) pair.embedding = pair.head = one;
  return pair;
}
}  // namespace

const TiedPair& tied_pair(const Checkpoint& checkpoint) {
  if (checkpoint.tied_ == nullptr) checkpoint.tied_ = std::make_shared<const TiedPair>(find_pair(checkpoint));
  return *checkpoint.tied_;
}

}  // namespace lethe
