// Decides the prompt template of a command: what data.template: auto stands for, and what a run passes on to later
// commands.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/run_record.h"
#include "recipe/recipe.h"

namespace lethe {

/// A decided template.
struct TemplateChoice {
  std::string text;                ///< "chat", or a text with {prompt} and {response} (SKU's text is written out)
  std::string system;              ///< system message; "": none
  bool append_eos = false;         ///< data.append_eos, decided
  bool automatic = false;          ///< data.template was auto
  std::filesystem::path run;       ///< with auto: the run that it was taken from; empty: none
  bool has_chat_template = false;  ///< the tokenizer has a chat template

  /// "chat", "sku" or "text".
  std::string name() const;
  /// "template: SKU's text (the tokenizer has no chat template)"
  std::string sentence() const;
  /// For run.json: {"chosen": "chat" | "sku" | "text", "from": "auto" | "run" | "recipe", "append_eos": …}
  OrderedJson to_json() const;
};

/// Decides `auto`, in this order: the template of the run that wrote one of the adapters or the model (RUN/adapter,
/// RUN/model); the chat template in the tokenizer's folder; SKU's text. A run also passes on its system message and
/// data.append_eos, unless they are set. Without a run, data.append_eos: auto means: with a chat template.
///
/// @param folder    of the model with its tokenizer
/// @param adapters  folders of adapters on the model, also as "FOLDER:0.5"
TemplateChoice choose_template(const DataSettings& data, const std::filesystem::path& folder,
                               const std::vector<std::string>& adapters = {});

/// The recipe with the decided template in place of `auto`, so that its run can be repeated.
Recipe with_template(Recipe recipe, const TemplateChoice& choice);

/// Prints the choice when a run starts, warns if the model's chat template is not used, and adds the choice to run.json
/// under "template". @param run  may be null
void report_template(const TemplateChoice& choice, RunRecord* run);

}  // namespace lethe
