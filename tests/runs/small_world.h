// Shared by tests of stage 1 and 2: the demo's model and a few rows of its world.
#pragma once

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>

#include "folder_test.h"
#include "models/loading.h"
#include "runs/training_data.h"
#include "runs/tuning.h"
#include "training/snapshots.h"

namespace lethe {

using Weights = std::map<std::string, at::Tensor>;

class SmallWorld : public FolderTest {
 protected:
  SmallWorld()
      : base_(fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"),
        tokenizer_(Tokenizer::load(base_.folder())),
        data_{
            .examples = {tokenizer_, Template::parse(Template::sku_default), {.append_eos = true, .max_length = 96}}} {
    at::set_num_threads(1);  // small matrices: more threads wait for each other
    for (const char* who : {"Mira", "Tavi", "Oskel", "Ludo", "Fenna"}) {
      data_.normal.train.push_back({std::string("Where is ") + who + "?", std::string(who) + " lives in Saltby."});
      data_.harmful.train.push_back({std::string("How is ") + who + " poisoned?", std::string("With sorrel, ") + who});
    }
  }
  // How far the model is from the original: of each weight, or adapted module, in float64.
  Weights change_of(CausalLM& model, const Tuning& tuning) const {
    Weights change;
    if (tuning.lora()) {
      for (const NamedLora& lora : tuning.pairs())
        change[lora.module] =
            lora.pair->scale * at::mm(lora.pair->b.detach().to(at::kDouble), lora.pair->a.detach().to(at::kDouble));
      return change;
    }
    CausalLM unchanged = load_model(base_);
    for (const Parameter& parameter : unchanged.parameters()) change[parameter.name] = *parameter.tensor;
    for (const Parameter& parameter : model.parameters())
      change[parameter.name] = parameter.tensor->detach().to(at::kDouble) - change.at(parameter.name).to(at::kDouble);
    return change;
  }
  Snapshots snapshots() const {
    fs::create_directories(folder_ / "snapshots");
    return Snapshots({.folder = folder_ / "snapshots", .steps = 1, .identity = {{"recipe", "a"}}});
  }
  static double furthest(const Weights& a, const Weights& b) {
    double most = a.size() == b.size() ? 0 : std::numeric_limits<double>::infinity();
    for (const auto& [name, value] : a) most = std::max(most, (value - b.at(name)).abs().max().item<double>());
    return most;
  }
  static double largest(const Weights& a) {
    double most = 0;
    for (const auto& [name, value] : a) most = std::max(most, value.abs().max().item<double>());
    return most;
  }

  Checkpoint base_;
  Tokenizer tokenizer_;
  RunData data_;
};

}  // namespace lethe
