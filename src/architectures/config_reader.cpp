#include "architectures/config_reader.h"

#include <cmath>

#include "core/error.h"

namespace lethe {
namespace {

const Json null_value;
constexpr std::uint64_t kLargest = std::uint64_t{1} << 30;
constexpr std::int64_t kMostLayers = 10'000;

/// Keys of every transformers configuration that only concern training, generation, bookkeeping or other task heads.
const std::set<std::string> bookkeeping = {"_name_or_path",
                                           "architectures",
                                           "auto_map",
                                           "model_type",
                                           "transformers_version",
                                           "torch_dtype",
                                           "dtype",
                                           "use_cache",
                                           "return_dict",
                                           "output_hidden_states",
                                           "output_attentions",
                                           "torchscript",
                                           "chunk_size_feed_forward",
                                           "is_encoder_decoder",
                                           "initializer_range",
                                           "init_std",
                                           "bos_token_id",
                                           "eos_token_id",
                                           "pad_token_id",
                                           "sep_token_id",
                                           "decoder_start_token_id",
                                           "prefix",
                                           "problem_type",
                                           "task_specific_params",
                                           "id2label",
                                           "label2id",
                                           "num_labels",
                                           "finetuning_task",
                                           "tokenizer_class",
                                           "attention_dropout",
                                           "hidden_dropout",
                                           "dropout",
                                           "embd_pdrop",
                                           "resid_pdrop",
                                           "attn_pdrop",
                                           "activation_dropout",
                                           "layerdrop",
                                           "classifier_dropout",
                                           "gradient_checkpointing",
                                           "use_bfloat16",
                                           "unsloth_version",
                                           "unsloth_fixed",
                                           "_commit_hash",
                                           "_attn_implementation_autoset",
                                           "_attn_implementation",
                                           "attn_implementation",
                                           "pretraining_tp",
                                           "language",
                                           "license",
                                           "max_length",
                                           "min_length",
                                           "do_sample",
                                           "temperature",
                                           "top_k",
                                           "top_p",
                                           "typical_p",
                                           "repetition_penalty",
                                           "length_penalty",
                                           "no_repeat_ngram_size",
                                           "num_beams",
                                           "num_beam_groups",
                                           "num_return_sequences",
                                           "early_stopping",
                                           "diversity_penalty",
                                           "exponential_decay_length_penalty",
                                           "encoder_no_repeat_ngram_size",
                                           "forced_bos_token_id",
                                           "forced_eos_token_id",
                                           "remove_invalid_values",
                                           "suppress_tokens",
                                           "begin_suppress_tokens",
                                           "bad_words_ids",
                                           "output_scores",
                                           "return_dict_in_generate",
                                           "cross_attention_hidden_size",
                                           "add_cross_attention",
                                           "is_decoder",
                                           "tie_encoder_decoder",
                                           "pruned_heads",
                                           "tf_legacy_loss"};

std::string type_of(const Json& value) {
  return std::string(value.type_name()) + " " + excerpt(dump_json(value), 60);
}

}  // namespace

const Json& ConfigReader::raw(const std::string& key) {
  asked_.insert(key);
  const auto found = config_.find(key);
  return found == config_.end() ? null_value : *found;
}

void ConfigReader::refuse(const std::string& key, const std::string& wanted) const {
  const auto found = config_.find(key);
  throw bad_input("cannot use " + where_)
      .with("key", key)
      .wanted(wanted)
      .found(found == config_.end() ? "nothing" : type_of(*found));
}

std::int64_t ConfigReader::size(const std::string& key) {
  const Json& value = raw(key);
  if (!value.is_number_integer() || value < 1 || value > kLargest)
    refuse(key, "a positive whole number of at most " + with_commas(kLargest));
  return value.get<std::int64_t>();
}

std::int64_t ConfigReader::size(const std::string& key, std::int64_t fallback) {
  return raw(key).is_null() ? fallback : size(key);
}

std::int64_t ConfigReader::layers(const std::string& key) {
  const std::int64_t count = size(key);
  if (count > kMostLayers) refuse(key, "at most " + with_commas(kMostLayers) + " layers");
  return count;
}

std::int64_t ConfigReader::layers(const std::string& key, std::int64_t fallback) {
  return raw(key).is_null() ? fallback : layers(key);
}

double ConfigReader::number(const std::string& key, double fallback) {
  const Json& value = raw(key);
  if (value.is_null()) return fallback;
  if (!value.is_number() || !std::isfinite(value.get<double>())) refuse(key, "a number");
  return value.get<double>();
}

bool ConfigReader::flag(const std::string& key, bool fallback) {
  const Json& value = raw(key);
  if (value.is_null()) return fallback;
  if (!value.is_boolean()) refuse(key, "true or false");
  return value.get<bool>();
}

std::string ConfigReader::text(const std::string& key, const std::string& fallback) {
  const Json& value = raw(key);
  if (value.is_null()) return fallback;
  if (!value.is_string()) refuse(key, "a text");
  return value.get<std::string>();
}

std::vector<int> ConfigReader::ids(const std::string& key) {
  const Json& value = raw(key);
  std::vector<int> result;
  if (value.is_null()) return result;
  const auto add = [&](const Json& id) {
    // Of a number beyond 2^63 get<std::int64_t>() would make a negative one.
    const bool beyond = id.is_number_unsigned() && id.get<std::uint64_t>() > 0x7FFFFFFF;
    if (!id.is_number_integer() || beyond || id.get<std::int64_t>() < -1 || id.get<std::int64_t>() > 0x7FFFFFFF)
      refuse(key, "a token id or a list of them");
    if (id.get<std::int64_t>() >= 0) result.push_back(id.get<int>());
  };
  if (value.is_array()) {
    for (const auto& id : value) add(id);
  } else {
    add(value);
  }
  return result;
}

void ConfigReader::neutral(std::initializer_list<const char*> keys) {
  for (const char* key : keys) asked_.insert(key);
}

void ConfigReader::only(const std::string& key, const Json& value) {
  const Json& found = raw(key);
  if (!found.is_null() && found != value) refuse(key, dump_json(value) + " (other values are not supported)");
}

void ConfigReader::finish() const {
  for (const auto& [key, value] : config_.items()) {
    if (asked_.contains(key) || bookkeeping.contains(key)) continue;
    const bool unset =
        value.is_null() || (value.is_boolean() && !value.get<bool>()) || (value.is_structured() && value.empty());
    if (unset) continue;
    throw bad_input("cannot use " + where_)
        .with("key", excerpt(key))
        .found(excerpt(dump_json(value), 60))
        .with("reason", "this key is not known for the family; it may change what the model computes")
        .hint("if it does not, remove it from a copy of config.json");
  }
}

}  // namespace lethe
