#include "models/rope_config.h"

#include <cmath>
#include <map>

#include "core/error.h"

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
      {"factor", "original_max_position_embeddings", "beta_fast", "beta_slow", "truncate", "attention_factor", "mscale", "mscale_all_dim"}}}};

struct Scaling {
  const Json& values;
  ConfigReader& config;
  std::string key;  // rope_scaling or rope_parameters, for messages

  const Json* find(const char* name) const {
    if (!values.is_object()) return nullptr;
    const auto found = values.find(name);
    return found == values.end() || found->is_null() ? nullptr : &*found;
  }
  std::optional<double> number(const char* name) const {
    const Json* value = find(name);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number() || !std::isfinite(value->get<double>())) config.refuse(key, std::string("a number as ") + name);
    return value->get<double>();
  }
  double positive(const char* name, std::optional<double> fallback) const {
    const double result = number(name).value_or(fallback.value_or(0));
    if (!(result > 0)) config.refuse(key, std::string("a positive ") + name);
    return result;
  }
};

}  // namespace

RotaryOptions read_rope(ConfigReader& config, std::int64_t head_dim, std::int64_t max_positions, double default_theta) {
  const Json& older = config.raw("rope_scaling");
  const Json& newer = config.raw("rope_parameters");
  if (!older.is_null() && !older.is_object()) config.refuse("rope_scaling", "null or an object");
  if (!newer.is_null() && !newer.is_object()) config.refuse("rope_parameters", "null or an object");
  // Where both stand, rope_scaling is what the file's author set by hand, as transformers reads it.
  const bool use_older = older.is_object() && !older.empty();
  const Scaling scaling{use_older ? older : newer, config, use_older ? "rope_scaling" : "rope_parameters"};
  const Scaling parameters{newer, config, "rope_parameters"};

  RotaryOptions options;
  const double theta_at_top = config.number("rope_theta", 0);
  options.theta = parameters.positive("rope_theta", theta_at_top > 0 ? theta_at_top : default_theta);
  if (theta_at_top < 0) config.refuse("rope_theta", "a positive number");
  const double share = parameters.positive("partial_rotary_factor", config.number("partial_rotary_factor", 1.0));
  options.dimensions = static_cast<std::int64_t>(head_dim * share);
  if (share > 1 || options.dimensions < 2 || options.dimensions % 2 != 0) {
    config.refuse("partial_rotary_factor", "a share of the head that makes an even number of dimensions, 2 or more");
  }
  options.max_positions = max_positions;

  std::string kind = "default";
  for (const char* name : {"rope_type", "type"}) {
    if (const Json* value = scaling.find(name)) {
      if (!value->is_string()) config.refuse(scaling.key, "a text as rope_type");
      kind = value->get<std::string>();
      break;
    }
  }
  const auto known = kinds.find(kind);
  if (known == kinds.end()) {
    config.refuse(scaling.key, "a rope_type that is understood here: default, linear, dynamic, llama3, yarn");
  }
  options.kind = known->second.first;
  if (scaling.values.is_object()) {
    for (const auto& [key, value] : scaling.values.items()) {
      const bool common = key == "rope_type" || key == "type" || key == "rope_theta" || key == "partial_rotary_factor";
      // A key that belongs to another kind is left over from editing, as transformers takes it; one of no kind is not understood.
      bool of_some_kind = false;
      for (const auto& [name, entry] : kinds) of_some_kind |= entry.second.contains(key);
      if (!common && !of_some_kind && !value.is_null()) config.refuse(scaling.key, "keys that are understood; " + excerpt(key) + " is not");
    }
  }
  if (options.kind == Kind::standard) return options;
  options.factor = scaling.positive("factor", std::nullopt);
  if (options.kind == Kind::llama3 || options.kind == Kind::yarn) {
    const double at_top = config.number("original_max_position_embeddings", 0);
    options.original_max_positions = static_cast<std::int64_t>(
        scaling.positive("original_max_position_embeddings", at_top > 0 ? at_top : static_cast<double>(max_positions)));
  }
  if (options.kind == Kind::llama3) {
    options.low_freq_factor = scaling.positive("low_freq_factor", std::nullopt);
    options.high_freq_factor = scaling.positive("high_freq_factor", std::nullopt);
    if (options.high_freq_factor == options.low_freq_factor) config.refuse(scaling.key, "low_freq_factor below high_freq_factor");
  }
  if (options.kind == Kind::yarn) {
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
