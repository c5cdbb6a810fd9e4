// lethe inspect: what a checkpoint, adapter, run or file holds, without loading it.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>

#include "cli/program.h"
#include "core/error.h"
#include "formats/adapter.h"
#include "formats/checkpoint.h"
#include "models/decoder_spec.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

struct InspectOptions {
  std::string path;
  bool json = false, tensors = false;
};

OrderedJson tensor_list(const std::vector<const StoredTensor*>& tensors, bool all) {
  std::map<std::string, std::uint64_t> types;
  std::uint64_t values = 0, bytes = 0;
  OrderedJson list = OrderedJson::array();
  for (const StoredTensor* tensor : tensors) {
    types[name_of(tensor->type)] += 1;
    values += tensor->count();
    bytes += tensor->bytes();
    if (all) list.push_back({{"name", tensor->name}, {"dtype", name_of(tensor->type)}, {"shape", tensor->shape}});
  }
  OrderedJson json = {{"tensors", tensors.size()}, {"parameters", values}, {"bytes", bytes}, {"types", types}};
  if (all) json["list"] = list;
  return json;
}

std::vector<const StoredTensor*> pointers(const SafetensorsFile& file) {
  std::vector<const StoredTensor*> list;
  for (const StoredTensor& tensor : file.tensors()) list.push_back(&tensor);
  return list;
}

OrderedJson inspect_adapter(const fs::path& path, bool all) {
  const Adapter adapter(path);
  OrderedJson json = {{"kind", "LoRA adapter"},
                      {"base", adapter.config().value("base_model_name_or_path", OrderedJson())}};
  std::map<std::string, std::uint64_t> ranks;
  for (const LoraModule& module : adapter.modules()) {
    ranks["rank " + std::to_string(module.a->shape[0])] += 1;
    if (all)
      json["modules"].push_back({{"module", module.module}, {"rank", module.a->shape[0]}, {"scale", module.scale}});
  }
  json["adapted_modules"] = adapter.modules().size();
  json["ranks"] = ranks;
  json["replaced_tensors"] = adapter.saved().size();
  json.update(tensor_list(pointers(adapter.file()), all));
  return json;
}

OrderedJson inspect_checkpoint(const fs::path& path, bool all) {
  const Checkpoint checkpoint(path);
  OrderedJson json = {{"kind", "checkpoint"}};
  json["model_type"] = checkpoint.config().value("model_type", Json());
  try {
    const DecoderSpec spec = decoder_spec(checkpoint.config(), (path / "config.json").string());
    json["supported"] = true;
    json["layers"] = spec.layers;
    json["width"] = spec.width;
    json["heads"] = spec.heads;
    json["kv_heads"] = spec.kv_heads;
    json["vocabulary"] = spec.vocabulary;
    json["positions"] = spec.max_positions;
    json["tied_head"] = spec.tied_head;
  } catch (const Error& error) {
    json["supported"] = false;
    json["reason"] = error.what();
  }
  json.update(tensor_list(checkpoint.tensors(), all));
  return json;
}

OrderedJson inspected(const fs::path& path, bool all) {
  if (fs::is_regular_file(path)) {
    const SafetensorsFile file(path);
    OrderedJson json = {{"kind", "safetensors file"}, {"metadata", file.metadata()}};
    json.update(tensor_list(pointers(file), all));
    return json;
  }
  if (fs::exists(path / "adapter_config.json")) return inspect_adapter(path, all);
  if (fs::exists(path / "run.json")) {
    OrderedJson json = {{"kind", "run"}};
    for (const char* name : {"run.json", "results.json"}) {
      if (!fs::exists(path / name)) continue;
      const Json part = read_json(path / name);
      for (const auto& [key, value] : part.items()) {
        if (!value.is_object() && !value.is_array()) json[key] = value;
      }
    }
    return json;
  }
  return inspect_checkpoint(path, all);
}

void inspect(const InspectOptions& options) {
  const fs::path path = fs::exists(options.path) ? fs::path(options.path) : resolve_model_folder(options.path);
  const OrderedJson json = inspected(path, options.tensors);
  if (options.json) {
    std::cout << dump_json(json) << "\n";
    return;
  }
  for (const auto& [key, value] : json.items()) {
    if (value.is_array()) {
      for (const auto& item : value) std::cout << "  " << excerpt(dump_json(item), 200) << "\n";
    } else {
      const std::string text = value.is_string() ? value.get<std::string>() : dump_json(value);
      std::cout << key << std::string(key.size() < 18 ? 18 - key.size() : 1, ' ') << excerpt(text, 400) << "\n";
    }
  }
}

}  // namespace

void add_inspect(CLI::App& program, Action& action) {
  auto options = std::make_shared<InspectOptions>();
  auto* command =
      program.add_subcommand("inspect", "What a checkpoint, adapter, run or file holds, without loading it");
  command->add_option("path", options->path, "Folder, file, or a name in the Hugging Face cache")->required();
  command->add_flag("--tensors", options->tensors, "List every tensor");
  command->add_flag("--json", options->json, "One JSON object");
  command->footer("Example: lethe inspect runs/opt/adapter");
  command->callback([options, &action] { action = [options] { inspect(*options); }; });
}

}  // namespace lethe
