#include "formats/not_a_checkpoint.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "core/json.h"
#include "formats/gguf.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr const char* kWanted = "a folder with config.json and model.safetensors";
constexpr const char* kConvert = "load it once with transformers and save_pretrained() to another folder";

bool is_pickle(const std::string& name, const std::string& ending) {
  return ending == ".pt" || ending == ".pth" || ending == ".ckpt" ||
         (ending == ".bin" &&
          (name.starts_with("pytorch_model") || name.starts_with("adapter_model") || name.starts_with("consolidated")));
}

Error& tell_gguf(Error& error, const fs::path& file) {
  const std::optional<GgufSummary> gguf = read_gguf(file);
  std::string found = excerpt(file.filename().string(), 200) + ", a GGUF file (llama.cpp's)";
  if (gguf && !gguf->architecture.empty()) found += " of architecture " + excerpt(gguf->architecture);
  if (gguf && !gguf->type.empty()) found += ", type " + gguf->type;
  error.found(found);
  const std::string source = gguf ? gguf->source : "";
  return error.hint("Lethe reads the original safetensors: " +
                    (source.empty() ? "the repository that the GGUF file was made from, named on its page on the Hub "
                                      "(\"base model\")"
                                    : "the GGUF file was made from " + excerpt(source, 200)));
}

// Names the kind of a file, if it is known.
bool tell_file(Error& error, const fs::path& file) {
  const std::string name = file.filename(), ending = file.extension(), shown = excerpt(name, 200);
  if (ending == ".gguf" || read_gguf(file)) {
    tell_gguf(error, file);
  } else if (is_pickle(name, ending)) {
    error.found(shown + ", a pickle, which can run code and is not read").hint(kConvert);
  } else if (ending == ".h5" || ending == ".msgpack") {
    error.found(shown + ", which is TensorFlow's or Flax's")
        .hint("load it once with transformers (from_tf, from_flax) and save_pretrained() to another folder");
  } else {
    return false;
  }
  return true;
}

std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> entries;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(folder, none)) entries.push_back(entry.path());
  std::sort(entries.begin(), entries.end());
  return entries;
}

// The name of an adapter's base, from its configuration.
std::string base_of(const fs::path& adapter) {
  try {
    const Json config = read_json(adapter / "adapter_config.json");
    const Json name = config.is_object() ? config.value("base_model_name_or_path", Json()) : Json();
    if (name.is_string() && !name.get<std::string>().empty()) return excerpt(name.get<std::string>(), 200);
  } catch (const Error&) {
  }
  return "BASE";
}

bool is_run(const fs::path& folder) {
  return fs::exists(folder / "recipe.yaml") || fs::exists(folder / "run.json") ||
         folder.filename().string().ends_with(".unfinished");
}

std::string adapter_options(const fs::path& adapter) {
  return "--model " + base_of(adapter) + " --adapter " + excerpt(adapter.string(), 300);
}

}  // namespace

std::optional<Error> weights_of_other_programs(const fs::path& file) {
  Error error = bad_input("cannot open the checkpoint " + excerpt(file.string(), 300));
  error.wanted(kWanted);
  return tell_file(error, file) ? std::optional(error) : std::nullopt;
}

Error not_a_checkpoint_file(const fs::path& file) {
  if (const std::optional<Error> known = weights_of_other_programs(file)) return *known;
  Error error = bad_input("cannot open the checkpoint " + excerpt(file.string(), 300));
  error.wanted(kWanted).found("a file");
  const fs::path folder = file.parent_path().empty() ? "." : file.parent_path();
  if (fs::exists(folder / "config.json")) error.hint("its folder, " + excerpt(folder.string(), 300));
  return error;
}

Error not_a_checkpoint_folder(const fs::path& folder) {
  Error error = bad_input("cannot open the checkpoint " + excerpt(folder.string(), 300));
  error.wanted(kWanted);
  if (fs::exists(folder / "vector.json") && !fs::exists(folder / "adapter_config.json"))
    return error.found("a task vector")
        .hint("lethe vector combine --base DIR --add VECTOR --out DIR makes a checkpoint");
  if (fs::exists(folder / "adapter_config.json")) return error.found("an adapter").hint(adapter_options(folder));
  if (is_run(folder)) {
    error.found("a run folder");
    if (fs::exists(folder / "model" / "config.json"))
      return error.hint("its model, " + excerpt((folder / "model").string(), 300));
    if (fs::exists(folder / "adapter" / "adapter_config.json")) return error.hint(adapter_options(folder / "adapter"));
    return error.with("reason", "it holds neither model/ nor adapter/: the run has not ended");
  }
  const std::vector<fs::path> entries = entries_of(folder);
  for (const fs::path& entry : entries) {
    if (tell_file(error, entry)) return error;
  }
  if (fs::is_directory(folder / "snapshots")) {
    for (const fs::path& snapshot : entries_of(folder / "snapshots")) {
      if (fs::exists(snapshot / "config.json"))
        return error.found("a repository of the Hugging Face cache").hint(excerpt(snapshot.string(), 300));
    }
  }
  for (const fs::path& entry : entries) {
    if (!fs::exists(entry / "config.json")) continue;
    return error.found("no config.json, but one in " + excerpt(entry.filename().string(), 200))
        .hint(excerpt(entry.string(), 300));
  }
  return error.found(entries.empty() ? "an empty folder" : "no config.json");
}

Error no_weights(const fs::path& folder) {
  Error error = bad_input("cannot open the checkpoint " + excerpt(folder.string(), 300));
  error.wanted("model.safetensors or model.safetensors.index.json");
  std::error_code none;
  if (fs::exists(folder / "adapter_model.safetensors"))
    return error.found("an adapter (adapter_model.safetensors)").hint(adapter_options(folder));
  for (const fs::path& entry : entries_of(folder)) {
    if (tell_file(error, entry)) return error;
    if (fs::is_symlink(entry, none) && !fs::exists(entry) && entry.extension() == ".safetensors") {
      return error.found(excerpt(entry.filename().string(), 200) + ", a link to a file that is not there")
          .hint("the download was cut short; download again");
    }
  }
  return error.found("neither").hint("check the path, or download again");
}

Error not_an_adapter(const fs::path& folder) {
  Error error = bad_input("cannot open the adapter " + excerpt(folder.string(), 300));
  error.wanted("a folder with adapter_config.json and adapter_model.safetensors");
  if (!fs::exists(folder)) return error.found("no such folder");
  if (!fs::is_directory(folder)) {
    if (tell_file(error, folder)) return error;
    error.found("a file");
    const fs::path parent = folder.parent_path().empty() ? "." : folder.parent_path();
    if (fs::exists(parent / "adapter_config.json")) error.hint("its folder, " + excerpt(parent.string(), 300));
    return error;
  }
  for (const char* within : {"adapter", "default"}) {
    if (fs::exists(folder / within / "adapter_config.json"))
      return error.found("no adapter_config.json, but one in " + std::string(within) + "/")
          .hint("--adapter " + excerpt((folder / within).string(), 300));
  }
  if (fs::exists(folder / "config.json") || fs::exists(folder / "model" / "config.json")) {
    const fs::path model = fs::exists(folder / "config.json") ? folder : folder / "model";
    return error.found("a checkpoint").hint("--model " + excerpt(model.string(), 300) + ", without --adapter");
  }
  return error.found("no adapter_config.json");
}

}  // namespace lethe
