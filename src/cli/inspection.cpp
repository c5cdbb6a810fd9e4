#include "cli/inspection.h"

#include <map>

#include "architectures/decoder_spec.h"
#include "cli/engine.h"
#include "core/error.h"
#include "data/pairs.h"
#include "data/readers.h"
#include "formats/adapter.h"
#include "formats/checkpoint.h"
#include "formats/tied_pair.h"
#include "formats/vector_info.h"
#include "prompts/chat_template.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

OrderedJson tensor_summary(const std::vector<const StoredTensor*>& tensors, bool all) {
  std::map<std::string, std::uint64_t> types, parameters;
  std::uint64_t values = 0, bytes = 0;
  OrderedJson list = OrderedJson::array();
  for (const StoredTensor* tensor : tensors) {
    types[name_of(tensor->type)] += 1;
    parameters[name_of(tensor->type)] += tensor->count();
    values += tensor->count();
    bytes += tensor->bytes();
    if (all) list.push_back({{"name", tensor->name}, {"dtype", name_of(tensor->type)}, {"shape", tensor->shape}});
  }
  OrderedJson json = {{"tensors", tensors.size()},
                      {"parameters", values},
                      {"parameters_by_type", parameters},
                      {"bytes", bytes},
                      {"types", types}};
  if (all) json["list"] = list;
  return json;
}

std::vector<const StoredTensor*> pointers(const SafetensorsFile& file) {
  std::vector<const StoredTensor*> list;
  for (const StoredTensor& tensor : file.tensors()) list.push_back(&tensor);
  return list;
}

Json first_of(const Json& config, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    if (config.contains(key) && !config.at(key).is_null()) return config.at(key);
  }
  return nullptr;
}

// Settings that differ from PEFT's defaults and change what the adapter computes, or where.
OrderedJson unusual_settings(const OrderedJson& config) {
  static const std::vector<std::pair<std::string, OrderedJson>> defaults = {
      {"bias", "none"}, {"init_lora_weights", true}, {"lora_dropout", 0.0}, {"task_type", "CAUSAL_LM"}};
  static const std::vector<std::string> shown_elsewhere = {"peft_type",
                                                           "base_model_name_or_path",
                                                           "r",
                                                           "lora_alpha",
                                                           "target_modules",
                                                           "inference_mode",
                                                           "auto_mapping",
                                                           "revision",
                                                           "peft_version",
                                                           "qalora_group_size",
                                                           "runtime_config"};
  OrderedJson unusual = OrderedJson::object();
  for (const auto& [key, value] : config.items()) {
    if (std::find(shown_elsewhere.begin(), shown_elsewhere.end(), key) != shown_elsewhere.end()) continue;
    const auto usual =
        std::find_if(defaults.begin(), defaults.end(), [&](const auto& entry) { return entry.first == key; });
    const bool empty =
        value.is_null() || value == false || ((value.is_structured() || value.is_string()) && value.empty());
    if (usual != defaults.end() ? value != usual->second && !value.is_null() : !empty) unusual[key] = value;
  }
  return unusual;
}

}  // namespace

OrderedJson inspect_checkpoint(const fs::path& folder, bool all) {
  const Checkpoint checkpoint(folder);
  const Json& config = checkpoint.config();
  OrderedJson json = {{"kind", "checkpoint"}};
  json["model_type"] = config.value("model_type", Json());
  json["architectures"] = config.value("architectures", Json());
  try {
    refuse_packed_weights(checkpoint);
    const DecoderSpec spec = decoder_spec(config, (folder / "config.json").string());
    json["supported"] = true;
    json["layers"] = spec.layers;
    json["width"] = spec.hidden_size;
    json["heads"] = spec.heads;
    json["kv_heads"] = spec.kv_heads;
    json["vocabulary"] = spec.vocabulary;
    json["positions"] = spec.max_positions;
    json["tied_head"] = spec.tied_head && tied_pair(checkpoint).tied;
    if (!spec.ignored_keys.empty()) json["ignored_keys"] = spec.ignored_keys;
  } catch (const Error& error) {
    json["supported"] = false;
    json["reason"] = error.what();
    json["positions"] = first_of(config, {"max_position_embeddings", "n_positions"});
    json["tied_head"] = config.value("tie_word_embeddings", Json());
  }
  json["rope"] = first_of(config, {"rope_parameters", "rope_scaling"});
  json["sliding_window"] = config.value("sliding_window", Json());
  json["tokenizer"] = inspect_tokenizer(folder);
  json["chat_template"] = ChatTemplate::exists(folder);
  json.update(tensor_summary(checkpoint.tensors(), all));
  std::uint64_t embeddings = 0;
  const TiedPair& pair = tied_pair(checkpoint);
  for (const std::string& name : {pair.embedding_name, pair.head_name}) {
    if (const StoredTensor* tensor = checkpoint.find(name)) embeddings += tensor->count();
  }
  json["embedding_parameters"] = embeddings;
  return json;
}

OrderedJson inspect_adapter(const fs::path& folder, bool all) {
  const OrderedJson config = OrderedJson::parse(dump_json(read_json(folder / "adapter_config.json")));
  const auto setting = [&](const char* key) {
    return config.is_object() ? config.value(key, OrderedJson()) : OrderedJson();
  };
  OrderedJson json = {{"kind", "LoRA adapter"},
                      {"base", setting("base_model_name_or_path")},
                      {"rank", setting("r")},
                      {"alpha", setting("lora_alpha")},
                      {"targets", setting("target_modules")},
                      {"unusual", unusual_settings(config)}};
  try {
    const Adapter adapter(folder);
    json["supported"] = true;
    std::map<std::string, std::uint64_t> ranks;
    for (const LoraModule& module : adapter.modules()) {
      ranks["rank " + std::to_string(module.a->shape[0])] += 1;
      if (all)
        json["modules"].push_back({{"module", module.module}, {"rank", module.a->shape[0]}, {"scale", module.scale}});
    }
    json["adapted_modules"] = adapter.modules().size();
    json["ranks"] = ranks;
    json["replaced_tensors"] = adapter.saved().size();
    json.update(tensor_summary(pointers(adapter.file()), all));
  } catch (const Error& error) {
    json["supported"] = false;
    json["reason"] = error.what();
  }
  return json;
}

OrderedJson inspect_vector(const fs::path& folder, bool all) {
  const VectorInfo info = read_vector_info(folder);
  OrderedJson json = {{"kind", "task vector of " + word_of(info.kind)},
                      {"base", info.base},
                      {"base_hash", info.base_hash},
                      {"made_from", info.made_from},
                      {"harmful", info.harmful},
                      {"harmful_because", info.harmful_because},
                      {"made", info.made},
                      {"lethe", info.lethe}};
  OrderedJson tensors;
  if (info.kind == VectorKind::adapter) {
    tensors = inspect_adapter(folder, all);
  } else {
    const SafetensorsFile file(folder / kVectorTensors);
    tensors = tensor_summary(pointers(file), all);
  }
  for (const char* shown : {"kind", "base"}) tensors.erase(shown);
  json.update(tensors);
  return json;
}

OrderedJson inspect_weights(const fs::path& path, bool all) {
  const SafetensorsFile file(path);
  OrderedJson json = {{"kind", "safetensors file"}, {"metadata", file.metadata()}};
  json.update(tensor_summary(pointers(file), all));
  return json;
}

OrderedJson inspect_data(const fs::path& path) {
  need_engine();
  OrderedJson json = {{"kind", "data file"}};
  RowReader reader(path);
  while (reader.next()) continue;
  json["columns"] = reader.columns();
  json["rows"] = reader.report().rows;
  json["rows_that_cannot_be_read"] = reader.report().bad_rows;
  for (const auto& [name, role] : {std::pair{"harmful", Role::harmful}, {"normal", Role::normal}}) {
    try {
      const std::vector<DataSource> sources = {{path.string(), "", "", ""}};
      const LoadedPairs loaded = load_pairs(sources, role);
      json["layout"] = loaded.files[0].layout;
      json["pairs_as_" + std::string(name)] = loaded.pairs.size();
    } catch (const Error&) {
      json["pairs_as_" + std::string(name)] = 0;
    }
  }
  return json;
}

}  // namespace lethe
