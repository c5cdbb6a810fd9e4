#include "architectures/config_reader.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ranges>

#include "architectures/keys_read.h"
#include "core/error.h"
#include "core/join.h"

namespace lethe {
namespace {

const Json null_value;
constexpr std::uint64_t kLargest = std::uint64_t{1} << 30;
constexpr std::int64_t kMostLayers = 10'000;

/// Keys of transformers' configurations, or of well-known programs, that only concern training, bookkeeping or other
/// task heads.
const std::set<std::string> bookkeeping = {"_name_or_path",
                                           "architectures",
                                           "model_type",
                                           "torch_dtype",
                                           "dtype",
                                           "return_dict",
                                           "torchscript",
                                           "chunk_size_feed_forward",
                                           "initializer_range",
                                           "init_std",
                                           "initializer_factor",
                                           "sep_token_id",
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
                                           "cross_attention_hidden_size",
                                           "add_cross_attention",
                                           "is_decoder",
                                           "tie_encoder_decoder",
                                           "pruned_heads",
                                           "tf_legacy_loss",
                                           "output_cross_attentions",
                                           "_output_attentions",
                                           "use_return_dict",
                                           "name_or_path",
                                           "_model_name_or_path",
                                           "_num_labels",
                                           "unk_token_id",
                                           "mask_token_id",
                                           "cls_token_id",
                                           "transformers.js_config",
                                           "_experts_implementation",
                                           "experts_implementation",
                                           "_from_model_config"};

/// The keys of quantised weights in config.json: transformers, compressed-tensors, MLX.
constexpr const char* kQuantised[] = {"quantization_config", "compression_config", "quantization"};
constexpr std::size_t kKeysNamed = 12;

/// Whether a value is empty, which counts as missing.
bool is_unset(const Json& value) {
  return value.is_null() || value == false || (value.is_structured() && value.empty());
}

/// The set of a table for a model_type; BLEURT's code is BERT's, with a projection under a key of its own.
const std::set<std::string>& entry_of(const std::map<std::string, std::set<std::string>>& table,
                                      const std::string& model_type) {
  static const std::set<std::string> none;
  const auto found = table.find(model_type == "bleurt" ? "bert" : model_type);
  return found == table.end() ? none : found->second;
}

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
  Error error = bad_input("cannot use " + where_).with("key", key);
  const Json type = config_.value("model_type", Json());
  if (const auto names = second_names().find(type.is_string() ? type.get<std::string>() : "");
      names != second_names().end()) {
    for (const auto& [second, first] : names->second) {
      if (first == key) error.with("or", second + ", its other name");
    }
  }
  throw std::move(error).wanted(wanted).found(found == config_.end() ? "nothing" : type_of(*found));
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

std::int64_t ConfigReader::count(const std::string& key, std::int64_t fallback, std::int64_t most) {
  const std::int64_t result = size(key, fallback);
  if (result > most) refuse(key, "at most " + with_commas(static_cast<std::uint64_t>(most)));
  return result;
}

std::int64_t ConfigReader::layers(const std::string& key) {
  const std::int64_t count = size(key);
  if (count > kMostLayers) refuse(key, "at most " + with_commas(kMostLayers) + " layers");
  return count;
}

std::int64_t ConfigReader::layers(const std::string& key, std::int64_t fallback) {
  return raw(key).is_null() ? fallback : layers(key);
}

double ConfigReader::number(const std::string& key, double fallback, double least, double most) {
  const Json& value = raw(key);
  if (value.is_null()) return fallback;
  const double number = value.is_number() ? value.get<double>() : std::nan("");
  if (number >= least && number <= most) return number;
  char range[80];
  std::snprintf(range, sizeof range, "a number from %g to %g", least, most);
  refuse(key, range);
}

double ConfigReader::positive(const std::string& key, double fallback) {
  const double result = number(key, fallback);
  if (result <= 0) refuse(key, "a positive number");
  return result;
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
    // get<std::int64_t>() would turn a number beyond 2^63 into a negative one.
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
    if (asked_.contains(key) || bookkeeping.contains(key) || is_unset(value)) continue;
    throw bad_input("cannot use " + where_)
        .with("key", excerpt(key))
        .found(excerpt(dump_json(value), 60))
        .with("reason", "this key is not known; it may change what the model computes")
        .hint("if it does not, remove it from a copy of the file");
  }
}

void ConfigReader::refuse_own_code(const std::string& model_type) {
  const Json& map = raw("auto_map");
  if (map.is_null()) return;
  if (!map.is_object()) refuse("auto_map", "an object");
  const std::set<std::string>& own = entry_of(code_by_family(), model_type);
  for (const auto& [role, name] : map.items()) {
    if (role != "AutoConfig" && !role.starts_with("AutoModel")) continue;  // a tokenizer is read from its own files
    std::string code = name.is_string() ? name.get<std::string>() : "";
    if (const auto repository = code.find("--"); repository != std::string::npos) code.erase(0, repository + 2);
    if (name.is_null() || own.contains(code)) continue;
    throw bad_input("cannot use " + where_)
        .with("key", "auto_map")
        .wanted("code of transformers' own " + model_type)
        .found(excerpt(role) + ": " + excerpt(dump_json(name)))
        .with("reason", "the model brings code of its own, which may compute something else and is not run here")
        .hint("if that code computes what transformers' " + model_type +
              " does, remove auto_map from a copy of config.json");
  }
}

std::vector<std::string> ConfigReader::finish(const std::string& model_type) {
  for (const char* key : kQuantised) {
    if (!is_unset(raw(key))) refuse(key, "weights that are not quantised");
  }
  refuse_own_code(model_type);
  const std::set<std::string>& own = entry_of(keys_read_by_family(), model_type);
  std::vector<std::string> ignored = ignored_;
  for (const auto& [key, value] : config_.items()) {
    if (asked_.contains(key) || bookkeeping.contains(key) || keys_of_generation().contains(key) || is_unset(value))
      continue;
    if (!own.contains(key) && !keys_read_by_all().contains(key)) {
      ignored.push_back(key);
      continue;
    }
    throw bad_input("cannot use " + where_)
        .with("key", excerpt(key))
        .found(excerpt(dump_json(value), 60))
        .with("reason",
              "transformers may read this key for " + model_type + "; what it would change is not computed here")
        .hint("if it changes nothing, remove it from a copy of config.json");
  }
  return ignored;
}

Json with_first_names(const Json& config, const std::string& where) {
  const Json type = config.value("model_type", Json());
  const auto names = second_names().find(type.is_string() ? type.get<std::string>() : "");
  if (names == second_names().end()) return config;
  Json result = config;
  for (const auto& [second, first] : names->second) {
    const auto found = result.find(second);
    if (found == result.end()) continue;
    const Json value = *found;
    result.erase(second);
    const Json usual = result.value(first, Json());
    // The family decides which of them transformers uses.
    if (!usual.is_null() && !value.is_null() && usual != value) {
      throw bad_input("cannot use " + where)
          .with("key", second)
          .wanted("the same as " + first + ", which is its other name: " + excerpt(dump_json(usual), 60))
          .found(excerpt(dump_json(value), 60));
    }
    if (usual.is_null()) result[first] = value;
  }
  return result;
}

std::string ignored_keys_warning(const std::vector<std::string>& keys, const std::string& model_type,
                                 const std::string& where) {
  if (keys.empty()) return "";
  const auto named = keys | std::views::take(kKeysNamed) |
                     std::views::transform([](const std::string& key) { return excerpt(key, 40); });
  std::string list = join(named, ", ");
  if (keys.size() > kKeysNamed) list += " and " + with_commas(keys.size() - kKeysNamed) + " more";
  return "keys of " + excerpt(where, 200) + " that transformers' " + model_type + " does not read are ignored: " + list;
}

}  // namespace lethe
