#include "architectures/rope_config.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <ranges>

#include "core/error.h"
#include "core/join.h"

namespace lethe {
namespace {

using Kind = RotaryOptions::Kind;

/// The keys each kind understands, besides rope_type, type, rope_theta and partial_rotary_factor.
const std::map<std::string, std::pair<Kind, std::set<std::string>>> kinds = {
    {"default", {Kind::standard, {}}},
    {"linear", {Kind::linear, {"factor"}}},
    {"dynamic", {Kind::dynamic, {"factor"}}},
    {"llama3", {Kind::llama3, {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}}},
    {"yarn",
     {Kind::yarn,
      {"factor", "original_max_position_embeddings", "beta_fast", "beta_slow", "truncate", "attention_factor", "mscale",
       "mscale_all_dim"}}},
    {"longrope",
     {Kind::longrope,
      {"factor", "original_max_position_embeddings", "attention_factor", "short_factor", "long_factor"}}}};

struct Scaling {
  Json values;  // an object
  ConfigReader& config;
  std::string key;  // rope_scaling or rope_parameters, for messages

  const Json* find(const std::string& name) const {
    const auto found = values.find(name);
    return found == values.end() || found->is_null() ? nullptr : &*found;
  }
  std::optional<double> number(const std::string& name) const {
    const Json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number() || !(std::abs(value->get<double>()) <= ConfigReader::kLargestNumber))
      config.refuse(key, "a number as " + name);
    return value->get<double>();
  }
  double positive(const std::string& name, std::optional<double> fallback) const {
    const double result = number(name).value_or(fallback.value_or(0));
    if (!(result > 0)) config.refuse(key, "a positive " + name);
    return result;
  }
  std::vector<double> positive_list(const std::string& name, std::size_t size) const {
    const Json* value = find(name);
    std::vector<double> result;
    if (value != nullptr && value->is_array()) {
      for (const Json& item : *value) result.push_back(item.is_number() ? item.get<double>() : 0.0);
    }
    const bool good =
        std::all_of(result.begin(), result.end(), [](double x) { return x > 0 && x <= ConfigReader::kLargestNumber; });
    if (!good || result.size() != size) config.refuse(key, std::to_string(size) + " positive numbers as " + name);
    return result;
  }
};

// The object in effect. If both are present, transformers uses rope_scaling; for Gemma 3 it changes only one part.
Scaling find_scaling(ConfigReader& config, const RopeKeys& keys) {
  const Json& older = config.raw("rope_scaling");
  const Json& newer = config.raw("rope_parameters");
  if (!older.is_null() && !older.is_object()) config.refuse("rope_scaling", "null or an object");
  if (!newer.is_null() && !newer.is_object()) config.refuse("rope_parameters", "null or an object");
  const bool use_older = keys.takes_scaling && older.is_object() && !older.empty();
  Json values = newer.is_object() ? newer : Json::object();
  if (!keys.layer_type.empty()) {
    for (const auto& [part, value] : values.items()) {
      if (part != "full_attention" && part != "sliding_attention" && !value.is_null())
        config.refuse("rope_parameters", "full_attention and sliding_attention, nothing else");
    }
    values = values.value(keys.layer_type, Json());
    if (values.is_null()) values = Json::object();
    if (!values.is_object()) config.refuse("rope_parameters", "an object as " + keys.layer_type);
    // The older name "type" would lose to the part's own rope_type, as it does in transformers.
    if (use_older && !older.contains("rope_type")) config.refuse("rope_scaling", "an object with rope_type");
    if (use_older) values.update(older);
  } else if (use_older) {
    values = older;
  }
  return {values, config, use_older ? "rope_scaling" : "rope_parameters"};
}

Kind read_kind(const Scaling& scaling) {
  std::string kind = "default";
  for (const char* name : {"rope_type", "type"}) {
    if (const Json* value = scaling.find(name)) {
      if (!value->is_string()) scaling.config.refuse(scaling.key, "a text as rope_type");
      kind = value->get<std::string>();
      break;
    }
  }
  if (kind == "su") kind = "longrope";  // the name of LongRoPE in the first Phi-3 files
  const auto known = kinds.find(kind);
  if (known == kinds.end()) {
    scaling.config.refuse(scaling.key, "a rope_type that is understood here: " + join(std::views::keys(kinds), ", "));
  }
  for (const auto& [key, value] : scaling.values.items()) {
    // A key of another kind is a leftover from editing. transformers ignores it, and keys of no kind.
    bool understood = key == "rope_type" || key == "type" || key == "rope_theta" || key == "partial_rotary_factor";
    for (const auto& [name, entry] : kinds) understood |= entry.second.contains(key);
    if (!understood && !value.is_null()) scaling.config.ignore(scaling.key + "." + key);
  }
  return known->second.first;
}

double read_share(const Scaling& scaling, const RopeKeys& keys) {
  const double whole = keys.default_share == 0 ? 1.0 : keys.default_share;
  const double share = scaling.positive("partial_rotary_factor", scaling.config.number(keys.share, whole));
  if (keys.default_share == 0 && share != 1.0)
    scaling.config.refuse(keys.share, "1, since this family rotates whole heads");
  return share;
}

std::int64_t read_rotated_dimensions(const Scaling& scaling, const RopeKeys& keys, double share) {
  const auto dimensions = static_cast<std::int64_t>(static_cast<double>(keys.head_dim) * std::min(share, 2.0));
  if (share > 1 || dimensions < 2)
    scaling.config.refuse(keys.share, "a share of the head that makes 2 dimensions or more");
  return dimensions;
}

std::int64_t read_original_positions(const Scaling& scaling, const RopeKeys& keys) {
  ConfigReader& config = scaling.config;
  constexpr double kMostPositions = 1 << 30;
  const double at_top =
      config.number("original_max_position_embeddings", static_cast<double>(keys.default_original), 0, kMostPositions);
  const double fallback = at_top > 0 ? at_top : static_cast<double>(keys.max_positions);
  const double result = scaling.positive("original_max_position_embeddings", fallback);
  // If the two differ, the family decides which one transformers reads.
  if (at_top > 0 && result != at_top)
    config.refuse(scaling.key, "the same original_max_position_embeddings as beside it, " + std::to_string(at_top));
  if (result < 1 || result > kMostPositions)
    config.refuse(scaling.key, "a number of tokens as original_max_position_embeddings");
  return static_cast<std::int64_t>(result);
}

}  // namespace

RotaryOptions read_rope(ConfigReader& config, const RopeKeys& keys) {
  const Scaling scaling = find_scaling(config, keys);
  RotaryOptions options;
  options.theta = scaling.positive("rope_theta", config.positive(keys.theta, keys.default_theta));
  const double share = read_share(scaling, keys);
  options.dimensions = read_rotated_dimensions(scaling, keys, share);
  // Versions 4.45 to 4.57 of transformers also wrote GPT-NeoX's values under the common names.
  if (keys.layer_type.empty() && keys.theta != "rope_theta") config.only("rope_theta", options.theta);
  if (keys.layer_type.empty() && keys.share != "partial_rotary_factor") config.only("partial_rotary_factor", share);
  options.max_positions = keys.max_positions;
  options.kind = read_kind(scaling);
  const bool odd_is_defined = keys.takes_odd_share && options.kind == Kind::standard;
  if (options.dimensions % 2 != 0 && (!odd_is_defined || options.dimensions == keys.head_dim))
    config.refuse(keys.share, "a share of the head that makes an even number of dimensions");
  config.neutral({"original_max_position_embeddings"});  // used only by the three kinds that read it
  if (options.kind == Kind::standard) return options;
  if (options.kind == Kind::dynamic && options.dimensions == 2)
    config.refuse(scaling.key, "more than 2 rotated dimensions, which dynamic divides by 2 less");
  if (options.kind == Kind::llama3 || options.kind == Kind::yarn || options.kind == Kind::longrope)
    options.original_max_positions = read_original_positions(scaling, keys);
  if (options.kind == Kind::longrope) {
    const auto size = static_cast<std::size_t>(options.dimensions / 2);
    options.short_factors = scaling.positive_list("short_factor", size);
    options.long_factors = scaling.positive_list("long_factor", size);
    options.factor = scaling.positive(
        "factor", static_cast<double>(keys.max_positions) / static_cast<double>(options.original_max_positions));
    options.attention_factor = scaling.number("attention_factor");
    if (options.original_max_positions == 1 && options.factor > 1 && !options.attention_factor)
      config.refuse(scaling.key, "original_max_position_embeddings above 1, by whose logarithm is divided");
    return options;
  }
  options.factor = scaling.positive("factor", std::nullopt);
  if (options.kind == Kind::llama3) {
    options.low_freq_factor = scaling.positive("low_freq_factor", std::nullopt);
    options.high_freq_factor = scaling.positive("high_freq_factor", std::nullopt);
    if (options.high_freq_factor == options.low_freq_factor)
      config.refuse(scaling.key, "low_freq_factor below high_freq_factor");
  }
  if (options.kind == Kind::yarn) {
    if (options.theta == 1) config.refuse(scaling.key, "a rope_theta other than 1, by whose logarithm is divided");
    options.beta_fast = scaling.positive("beta_fast", 32.0);
    options.beta_slow = scaling.positive("beta_slow", 1.0);
    options.attention_factor = scaling.number("attention_factor");
    options.mscale = scaling.number("mscale");
    options.mscale_all_dim = scaling.number("mscale_all_dim");
    if (const Json* truncate = scaling.find("truncate")) {
      if (!truncate->is_boolean()) config.refuse(scaling.key, "true or false as truncate");
      options.truncate = truncate->get<bool>();
    }
  }
  return options;
}

}  // namespace lethe
