#include "runs/push.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/file_hash.h"
#include "core/files.h"
#include "core/folder_names.h"
#include "core/interrupt.h"
#include "core/join.h"
#include "core/json.h"
#include "core/messages.h"
#include "core/replace_all.h"
#include "formats/checkpoint.h"
#include "report/model_card.h"
#include "runs/known_harm.h"
#include "runs/methods.h"
#include "runs/model_card.h"
#include "runs/run_folder.h"
#include "runs/run_of.h"
#include "web/upload.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr const char* kCardFile = "README.md";
constexpr std::uint64_t kLargestText = std::uint64_t{1} << 28;  // bytes of a file besides the weights

// A finished run and the folder of it that is sent.
struct PushedRun {
  fs::path run, part;
  std::string part_name;  // "model", "adapter"
  Json facts;             // run.json
};

Error no_push(const PushRequest& request) {
  return bad_input("cannot push " + excerpt(request.run.string(), 300));
}

PushedRun open_run(const PushRequest& request) {
  PushedRun pushed;
  pushed.run = request.run;
  refuse_unfinished(request.run, no_push(request).doing());
  if (fs::path run = run_of(request.run); !run.empty()) {
    const fs::path part = fs::absolute(request.run / "").lexically_normal().parent_path();
    if (part.filename() == "harmful")
      throw no_push(request).found("θ_bad, which keep_harmful kept").hint("the run: " + run.string());
    pushed.run = run;
  }
  if (!fs::exists(pushed.run / "run.json") || !fs::exists(pushed.run / "recipe.yaml"))
    throw no_push(request).wanted("the folder of a finished run of unlearn or finetune").found("no run.json in it");
  pushed.facts = read_json(pushed.run / "run.json");
  for (const char* name : {"model", "adapter"}) {
    if (fs::is_directory(pushed.run / name)) pushed.part_name = name;
  }
  if (pushed.part_name.empty())
    throw no_push(request).wanted("model/ or adapter/ in the run").found("neither: an evaluation has no weights");
  if (!pushed.facts.is_object() || !pushed.facts.contains("outputs"))
    throw no_push(request).wanted("hashes of the files in run.json").found("none: it is of an earlier lethe");
  pushed.part = pushed.run / pushed.part_name;
  refuse_links_out_of(pushed.part);
  return pushed;
}

// The files of a checkpoint or an adapter, and what else its folder holds.
struct PartFiles {
  std::vector<std::string> sent, left_out;
};

PartFiles files_of(const PushedRun& pushed) {
  static const std::set<std::string> kKnown = {"README.md",
                                               "LICENSE",
                                               "LICENSE.md",
                                               "LICENSE.txt",
                                               "NOTICE",
                                               "config.json",
                                               "generation_config.json",
                                               "model.safetensors",
                                               "model.safetensors.index.json",
                                               "adapter_config.json",
                                               "adapter_model.safetensors",
                                               "tokenizer.json",
                                               "tokenizer_config.json",
                                               "special_tokens_map.json",
                                               "added_tokens.json",
                                               "vocab.json",
                                               "vocab.txt",
                                               "merges.txt",
                                               "tokenizer.model",
                                               "spm.model",
                                               "spiece.model",
                                               "sentencepiece.bpe.model",
                                               "chat_template.jinja",
                                               "chat_template.json"};
  std::set<std::string> wanted = kKnown;
  const fs::path index = pushed.part / "model.safetensors.index.json";
  if (fs::exists(index)) {
    for (std::string& shard : shards_of(index)) wanted.insert(std::move(shard));
  }
  PartFiles files;
  for (const auto& entry : fs::directory_iterator(pushed.part)) {
    const std::string name = entry.path().filename().string();
    const bool sent = entry.is_regular_file() && wanted.contains(name);
    (sent ? files.sent : files.left_out).push_back(name);
  }
  std::sort(files.sent.begin(), files.sent.end());
  std::sort(files.left_out.begin(), files.left_out.end());
  return files;
}

// The card's figures and the verdict hold for the files that the run wrote, and for all of them.
void check_unchanged(const PushRequest& request, const PushedRun& pushed, const std::vector<std::string>& files) {
  std::set<std::string> unchanged;
  std::vector<std::string> changed, missing;
  for (const auto& [name, hash] : output_hashes(pushed.facts, "run.json")) {
    const bool in_part = name.starts_with(pushed.part_name + "/");
    if (!in_part && name != "results.json") continue;
    if (!fs::is_regular_file(pushed.run / name)) {
      missing.push_back(name);
      continue;
    }
    Progress progress("checking " + name, 1, "files");
    const bool same = file_hash(pushed.run / name) == hash;
    progress.update(1);
    if (same) unchanged.insert(name);
    if (!same && !in_part) changed.push_back(name);  // those of the part follow, if they are sent
  }
  for (const std::string& file : files) {
    if (!unchanged.contains(pushed.part_name + "/" + file)) changed.push_back(file);
  }
  if (changed.empty() && missing.empty()) return;
  Error error = no_push(request).wanted("the files as the run wrote them (run.json)");
  if (!changed.empty()) error.found("changed since, or not of the run: " + excerpt(join(changed, ", "), 300));
  if (!missing.empty()) error.with("missing", excerpt(join(missing, ", "), 300));
  throw error.hint("lethe rerun " + pushed.run.string() + (changed.empty() ? "" : ", or move these files away"));
}

void refuse_harm(const PushRequest& request, const PushedRun& pushed) {
  const KnownHarm harm = pushed.part_name == "adapter"
                             ? harm_of_adapter(pushed.part)
                             : harm_of_checkpoint(pushed.part, "reading " + pushed.part.string());
  if (harm.sign > 0)
    throw no_push(request).found("weights that are more harmful than their base, says " + harm.because);
}

// Why a run should not be published; empty: nothing says so.
struct Objection {
  std::string what;
  std::vector<std::string> reasons;
  std::string remedy = "report.html of the run, then other settings (lethe tune); see docs/howto/publish.md";
  bool stops = true;  // whether the push needs --anyway
};

Objection objection_to(const PushedRun& pushed) {
  const fs::path file = pushed.run / "results.json";
  const Json results = fs::exists(file) ? read_json(file) : Json();
  const Json verdict = results.is_object() ? results.value("verdict", Json()) : Json();
  if (!verdict.is_object()) {
    return {.what = "nobody measured this model: results.json holds no verdict",
            .reasons = {},
            .remedy = "a run of lethe unlearn with evaluation.prompts above 0 and a judge (evaluation.judge)"};
  }
  const std::string level = json_text(verdict, "level", "results.json");
  const std::string sentence = excerpt(json_text(verdict, "sentence", "results.json"), 400);
  Objection objection;
  if (const Json withheld = results.value("judge_withheld", Json()); withheld.is_string()) {
    objection.what = "harm was not measured: " + excerpt(withheld.get<std::string>(), 300);
    objection.remedy = "a run with another judge (evaluation.judge; lethe judge list)";
  } else if (level == "red" || (level != "amber" && level != "green")) {
    objection.what = (level == "red" ? "the verdict is red: " : "there is no verdict: ") + sentence;
  } else if (level == "amber") {
    objection = {
        .what = "the verdict is amber (do not release yet): " + sentence, .reasons = {}, .remedy = "", .stops = false};
  }
  if (objection.what.empty()) return objection;
  const Json reasons = verdict.value("reasons", Json());
  for (const Json& reason : reasons.is_array() ? reasons : Json::array()) {
    if (reason.is_string()) objection.reasons.push_back(excerpt(reason.get<std::string>(), 300));
  }
  return objection;
}

// A name on the Hub, not a folder of this machine.
bool is_hub_name(const std::string& text) {
  std::error_code none;
  return !text.empty() && hub_name(text) == text && !fs::exists(text, none);
}

// Replaces folders of this machine in the keys that name the base. @return whether something changed
bool name_base(OrderedJson& config, const std::string& base_name) {
  bool changed = false;
  for (const char* key : {"base_model_name_or_path", "_name_or_path", "name_or_path"}) {
    if (!config.contains(key) || !config[key].is_string()) continue;
    const auto given = config[key].get<std::string>();
    const bool of_adapter = std::string_view(key).starts_with("base");
    std::string name = is_hub_name(given) || given.empty() ? given : public_name(given, given);
    if (of_adapter && !base_name.empty()) name = base_name;
    if (name == given) continue;
    config[key] = name;
    changed = true;
  }
  return changed;
}

std::string public_config(const std::string& text, const std::string& base_name) {
  OrderedJson config = OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object() || !name_base(config, base_name)) return text;
  return dump_json(config, 2) + "\n";
}

// The card as it reads on the Hub: it names its repository, and the base by its name there.
std::string public_card(std::string card, const PushRequest& request) {
  replace_all(card, "path/to/this/folder", request.name);
  if (request.base_name.empty()) return card;
  replace_all(card, "path/to/the/base", request.base_name);
  constexpr std::string_view kKey = "\nbase_model: ";
  const std::size_t key = card.find(kKey);
  if (!card.starts_with("---\n")) return card;
  if (key == std::string::npos || key > card.find("\n---\n")) {
    return "---\nbase_model: " + request.base_name + card.substr(3);
  }
  const std::size_t begin = key + kKey.size(), end = card.find('\n', begin);
  std::string old = card.substr(begin, end - begin);
  card.replace(begin, end - begin, request.base_name);
  std::erase(old, '"');
  replace_all(card, "from_pretrained(\"" + old + "\")", "from_pretrained(\"" + request.base_name + "\")");
  return card;
}

// Paths of this machine that a published text must not contain.
std::vector<std::string> private_paths(const PushedRun& pushed) {
  std::set<std::string> paths = {fs::absolute(pushed.run).lexically_normal().string()};
  if (const char* home = std::getenv("HOME"); home != nullptr && std::string_view(home).size() > 1)
    paths.insert(std::string(home) + "/");
  if (pushed.facts.contains("directory")) paths.insert(json_bytes(pushed.facts, "directory", "run.json") + "/");
  for (const Json& input : pushed.facts.value("inputs", Json::array()))
    paths.insert(json_bytes(input, "path", "run.json"));
  std::vector<std::string> kept;
  for (const std::string& path : paths) {
    if (path.size() > 3 && path.find('/') != std::string::npos && !is_hub_name(path)) kept.push_back(path);
  }
  return kept;
}

void refuse_paths(const PushRequest& request, const std::vector<OutgoingFile>& files,
                  const std::vector<std::string>& paths) {
  for (const OutgoingFile& file : files) {
    const bool read = file.path == kCardFile || file.path.ends_with("config.json");
    for (const std::string& path : read ? paths : std::vector<std::string>()) {
      if (file.text.find(path) == std::string::npos) continue;
      throw no_push(request)
          .with("file", file.path)
          .wanted("no path of this machine in it")
          .found(excerpt(path, 200))
          .hint("--base-name OWNER/NAME, if it is the base's");
    }
  }
}

std::vector<OutgoingFile> outgoing_files(const PushRequest& request, const PushedRun& pushed,
                                         const std::vector<std::string>& names) {
  std::vector<OutgoingFile> files;
  for (const std::string& name : names) {
    const fs::path path = pushed.part / name;
    OutgoingFile file{.path = name, .mapped = nullptr, .text = ""};
    if (name.ends_with(".safetensors")) {
      file.mapped = std::make_shared<const MappedFile>(path);
    } else {
      if (fs::file_size(path) > kLargestText)
        throw no_push(request).with("file", name).found(with_commas(fs::file_size(path)) + " bytes");
      file.text = read_file(path);
      if (name == kCardFile) file.text = public_card(std::move(file.text), request);
      if (name.ends_with("config.json")) file.text = public_config(file.text, request.base_name);
    }
    files.push_back(std::move(file));
  }
  return files;
}

std::string plan_text(const PushRequest& request, const PushedRun& pushed, const std::vector<OutgoingFile>& files,
                      const std::vector<std::string>& left_out) {
  std::size_t width = 5;
  std::uint64_t total = 0;
  for (const OutgoingFile& file : files) {
    width = std::max(width, file.path.size());
    total += file.bytes().size();
  }
  const auto row = [&](const std::string& name, std::uint64_t bytes) {
    const std::string count = with_commas(bytes);
    return "  " + name + std::string(width - name.size(), ' ') +
           std::string(count.size() < 18 ? 18 - count.size() : 1, ' ') + count + " bytes\n";
  };
  std::string text = "push " + pushed.part.string() + " to " + request.name + ", " +
                     (request.is_public ? "public" : "private") + ":\n";
  for (const OutgoingFile& file : files) text += row(file.path, file.bytes().size());
  text += row("total", total);
  if (!left_out.empty()) text += "  left out: " + excerpt(join(left_out, ", "), 300) + "\n";
  return text;
}

// A key of the card's front matter; empty if it has none.
std::string card_value(const std::string& card, const std::string& key) {
  const std::size_t end = card.starts_with("---\n") ? card.find("\n---\n") : 0, at = card.find("\n" + key + ": ");
  if (at == std::string::npos || at >= end) return "";
  const std::size_t begin = at + key.size() + 3;
  return card.substr(begin, card.find('\n', begin) - begin);
}

// The Hub finds a model by these keys, and shows them.
void warn_of_card(const std::string& card, bool has_base) {
  if (has_base && card_value(card, "base_model").find('/') == std::string::npos)
    warn("the card names no base on the Hub; --base-name OWNER/NAME sets it");
  const std::string licence = card_value(card, "license");
  if (licence.empty() || (licence == "other" && card_value(card, "license_name") == "unknown")) {
    warn(
        "the card names no licence, because the base's files name none. Look up the base's, and set `license:` on the "
        "card of the repository");
  }
}

// What whoever publishes a model should know: the harmful one follows from it, and the base's name is in it.
void warn_before_publishing(const PushedRun& pushed, const std::vector<OutgoingFile>& files) {
  const bool finetuned = json_text(pushed.facts, "command", "run.json") == "finetune";
  const Recipe recipe = load_recipe(pushed.run / "recipe.yaml");
  if (!finetuned) warn(publishing_limits(origin_of(recipe)).at(1));
  for (const OutgoingFile& file : files) {
    if (file.path == kCardFile) warn_of_card(file.text, pushed.part_name == "model" && !recipe.model.empty());
    if (file.path != "adapter_config.json") continue;
    const Json base = parse_json(file.text, file.path).value("base_model_name_or_path", Json());
    if (base.is_string() && base.get<std::string>().find('/') == std::string::npos)
      warn("the adapter names its base as " + excerpt(base.get<std::string>()) +
           ", which is no name on the Hub; --base-name OWNER/NAME gives it one");
  }
}

}  // namespace

std::string push_run(const PushRequest& request) {
  const HubName name = split_hub_name(request.name);
  if (!request.base_name.empty() && !is_hub_name(request.base_name))
    throw no_push(request).with("option", "--base-name").wanted("OWNER/NAME").found(excerpt(request.base_name));
  check_upload(name, !request.dry_run);
  const PushedRun pushed = open_run(request);
  const PartFiles names = files_of(pushed);
  if (std::find(names.sent.begin(), names.sent.end(), kCardFile) == names.sent.end())
    throw no_push(request).wanted("the model card, README.md").found("none in " + pushed.part.string());
  refuse_harm(request, pushed);
  const Objection objection = objection_to(pushed);
  if (!objection.what.empty() && objection.stops && !request.anyway) {
    Error error = no_push(request);
    error.found(objection.what);
    for (const std::string& reason : objection.reasons) error.with("reason", reason);
    throw error.hint(objection.remedy).hint("or --anyway, which pushes it all the same");
  }
  check_unchanged(request, pushed, names.sent);
  std::vector<OutgoingFile> files = outgoing_files(request, pushed, names.sent);
  refuse_paths(request, files, private_paths(pushed));

  const std::string plan = plan_text(request, pushed, files, names.left_out);
  if (request.dry_run) {
    print_table(plan);
  } else {
    say(plan.substr(0, plan.size() - 1));
  }
  if (!objection.what.empty()) {
    std::string text = objection.what;
    if (!objection.reasons.empty()) text += " Reasons: " + join(objection.reasons, "; ");
    warn(text + (objection.stops ? " (--anyway)" : ""));
  }
  warn_before_publishing(pushed, files);
  if (request.dry_run) return "";
  return going_on_later([] { return "large files that arrived whole are not sent again"; },
                        [&] {
                          return upload_files({.name = name,
                                               .files = std::move(files),
                                               .summary = "Upload with Lethe " LETHE_VERSION,
                                               .is_public = request.is_public,
                                               .update = request.update,
                                               .replace_card = request.replace_card});
                        });
}

}  // namespace lethe
