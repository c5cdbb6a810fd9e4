#include "runs/template_choice.h"

#include <optional>

#include "core/error.h"
#include "core/json.h"
#include "core/messages.h"
#include "evaluation/template_signs.h"
#include "prompts/chat_template.h"
#include "runs/run_of.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// The settings of the first of these runs that names a template which the model can follow. `run` becomes its folder.
std::optional<DataSettings> settings_of_run(const std::vector<fs::path>& written, bool has_chat_template,
                                            fs::path& run) {
  for (const fs::path& one : written) {
    const fs::path folder = run_of(one);
    if (folder.empty()) continue;
    try {
      DataSettings data = load_recipe(folder / "recipe.yaml").data;
      if (data.response_template == "auto") continue;  // a run of an earlier version, which left the choice open
      if (data.response_template == "chat" && !has_chat_template) {
        warn("the template of the run " + excerpt(folder.string(), 300) +
             " is not used: it is chat, but the tokenizer has no chat template");
        continue;
      }
      run = folder;
      return data;
    } catch (const Error& error) {
      warn("cannot read the template of the run " + excerpt(folder.string(), 300) + ": " + excerpt(error.what(), 300));
    }
  }
  return std::nullopt;
}

}  // namespace

std::string TemplateChoice::name() const {
  return Template::kind_of(text);
}

std::string TemplateChoice::sentence() const {
  const std::string kind = name();
  std::string sentence = "template: ";
  sentence += kind == "chat" ? "the model's chat template" : kind == "sku" ? "SKU's text" : excerpt(text, 200);
  if (!run.empty()) return sentence + " (as in the run " + excerpt(run.string(), 300) + ")";
  if (automatic && kind == "sku") return sentence + " (the tokenizer has no chat template)";
  if (has_chat_template && kind != "chat") return sentence + " (the model's chat template is not used)";
  return sentence;
}

OrderedJson TemplateChoice::to_json() const {
  OrderedJson json = {{"chosen", name()}, {"from", !run.empty() ? "run" : automatic ? "auto" : "recipe"}};
  if (name() == "text") put_bytes(json, "text", text);
  if (!run.empty()) put_bytes(json, "run", run.string());
  if (!system.empty()) put_bytes(json, "system", system);
  json["append_eos"] = append_eos;
  return json;
}

TemplateChoice choose_template(const DataSettings& data, const fs::path& folder,
                               const std::vector<std::string>& adapters) {
  TemplateChoice choice;
  choice.automatic = data.response_template == "auto";
  choice.has_chat_template = ChatTemplate::exists(folder);
  DataSettings decided = data;
  if (choice.automatic) {
    std::vector<fs::path> written;
    for (const std::string& adapter : adapters) written.push_back(without_weight(adapter));
    written.push_back(folder);
    decided.response_template = choice.has_chat_template ? "chat" : "sku";
    if (const auto used = settings_of_run(written, choice.has_chat_template, choice.run)) {
      decided.response_template = used->response_template;
      if (data.system.empty()) decided.system = used->system;
      if (data.append_eos == AppendEos::automatic) decided.append_eos = used->append_eos;
    }
  }
  choice.text = decided.response_template == "sku" ? Template::sku_default : decided.response_template;
  choice.system = decided.system;
  choice.append_eos =
      decided.append_eos == AppendEos::on || (decided.append_eos == AppendEos::automatic && choice.text == "chat");
  return choice;
}

Recipe with_template(Recipe recipe, const TemplateChoice& choice) {
  recipe.data.response_template = choice.text;
  recipe.data.system = choice.system;
  recipe.data.append_eos = choice.append_eos ? AppendEos::on : AppendEos::off;
  return recipe;
}

void report_template(const TemplateChoice& choice, RunRecord* run) {
  say(choice.sentence());
  const std::string other = other_than_chat_template(choice.text, choice.has_chat_template);
  if (!other.empty()) warn(other);
  if (run != nullptr) run->note("template", choice.to_json());
}

}  // namespace lethe
