// lethe inspect: summarises a checkpoint, adapter, run or data file without loading it.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>

#include "cli/inspection.h"
#include "cli/program.h"
#include "core/error.h"
#include "formats/checkpoint.h"
#include "formats/not_a_checkpoint.h"
#include "formats/vector_info.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

struct InspectOptions {
  std::string path;
  bool json = false, tensors = false;
};

OrderedJson inspected(const fs::path& path, bool all) {
  if (const std::optional<Error> other = weights_of_other_programs(path)) throw *other;
  if (fs::is_regular_file(path))
    return path.extension() == ".safetensors" ? inspect_weights(path, all) : inspect_data(path);
  if (is_vector_folder(path)) return inspect_vector(path, all);
  if (fs::exists(path / "adapter_config.json")) return inspect_adapter(path, all);
  if (fs::exists(path / "run.json")) {
    OrderedJson json = {{"kind", "run"}};
    for (const char* name : {"run.json", "results.json"}) {
      if (!fs::exists(path / name)) continue;
      const Json part = read_json(path / name);
      for (const auto& [key, value] : part.items()) {
        if (key == "verdict" || (!value.is_object() && !value.is_array())) json[key] = value;
      }
    }
    return json;
  }
  return inspect_checkpoint(path, all);
}

// Indents the lines of a value, such as the reason why something is refused. Control characters are escaped.
std::string in_lines(const std::string& text, std::size_t indent) {
  std::string shown;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    shown += (at == 0 ? "" : "\n" + std::string(indent, ' ')) + excerpt(text.substr(at, end - at), 400);
    at = end + 1;
  }
  return shown;
}

void inspect(const InspectOptions& options) {
  const fs::path path = fs::exists(options.path) ? fs::path(options.path) : resolve_model_folder(options.path);
  const OrderedJson json = inspected(path, options.tensors);
  if (options.json) {
    std::cout << dump_json(json) << "\n";
    return;
  }
  for (const auto& [key, value] : json.items()) {
    if (value.is_array() && !value.empty() && value[0].is_object()) {
      for (const auto& item : value) std::cout << "  " << excerpt(dump_json(item), 200) << "\n";
    } else {
      const std::string text = value.is_string() ? value.get<std::string>() : dump_json(value);
      // Lethe wrote the line breaks of reasons and recipes. Other texts may come from the file.
      std::cout << excerpt(key) << std::string(key.size() < 26 ? 26 - key.size() : 1, ' ')
                << (key == "reason" || key == "recipe" ? in_lines(text, 26) : excerpt(text, 400)) << "\n";
    }
  }
}

}  // namespace

void add_inspect(CLI::App& program, Action& action) {
  auto options = std::make_shared<InspectOptions>();
  auto* command = program.add_subcommand(
      "inspect", "Show what a checkpoint, adapter, vector, run or data file holds, without loading it");
  command->add_option("path", options->path, "Folder, file, or a name in the Hugging Face cache")->required();
  command->add_flag("--tensors", options->tensors, "List every tensor");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer("Example: lethe inspect runs/opt/adapter");
  command->callback([options, &action] { action = [options] { inspect(*options); }; });
}

}  // namespace lethe
