#include "runs/known_harm.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/error.h"
#include "core/join.h"
#include "core/terminal.h"
#include "formats/checkpoint.h"
#include "formats/vector_info.h"
#include "recipe/method_table.h"
#include "recipe/recipe.h"
#include "report/table.h"
#include "runs/tensor_hash.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr const char* kByRun = "the run";

// The method of the run in this folder; nothing if there is no run, or its recipe is one of another version.
const Method* method_of_run(const fs::path& run) {
  if (!fs::exists(run / "run.json") || !fs::exists(run / "recipe.yaml")) return nullptr;
  try {
    return &method_named(load_recipe(run / "recipe.yaml").method);
  } catch (const Error&) {
    return nullptr;
  }
}

// Of a part that a run wrote: RUN/harmful, RUN/model, RUN/adapter.
KnownHarm harm_of_part(const fs::path& folder) {
  const fs::path plain = fs::absolute(folder / "").lexically_normal().parent_path(), run = plain.parent_path();
  if (plain.filename() == "harmful" && fs::exists(run / "run.json")) return {1, kByRun};
  if (plain.filename() != "model" && plain.filename() != "adapter") return {};
  const Method* method = method_of_run(run);
  return method != nullptr && method->stage2 != Stage2::keep ? KnownHarm{-1, kByRun} : KnownHarm{};
}

bool subtracts_harm(const CombinedInfo& sum) {
  return std::any_of(sum.terms.begin(), sum.terms.end(),
                     [](const VectorTerm& term) { return term.harmful && term.weight < 0; });
}

}  // namespace

KnownHarm harm_of_adapter(const fs::path& folder) {
  if (const KnownHarm known = harm_of_part(folder); known.sign != 0) return known;
  return is_vector_folder(folder) && read_vector_info(folder).harmful ? KnownHarm{1, "its vector.json"} : KnownHarm{};
}

KnownHarm harm_of_checkpoint(const fs::path& folder, const std::string& name) {
  if (const KnownHarm known = harm_of_part(folder); known.sign != 0) return known;
  const std::optional<CombinedInfo> sum = read_combined_info(folder);
  const int sign = !sum ? 0 : adds_harm(*sum) ? 1 : subtracts_harm(*sum) ? -1 : 0;
  if (sign == 0 || sum->hash != tensor_hash(Checkpoint(folder), name)) return {};
  return {sign, "its vectors.json"};
}

std::string harm_of_result(const KnownHarm& base, const std::vector<AddedChange>& changes) {
  std::vector<std::string> added;
  for (const AddedChange& change : changes) {
    if (change.weight * change.harm.sign <= 0) continue;
    const std::string part = short_number(std::abs(change.weight)) + "·" + excerpt(change.name);
    added.push_back(change.weight > 0 ? "adds " + part : "takes back " + part + ", which subtracts harm");
  }
  if (!added.empty()) return "the result is more harmful than its base: it " + join(added, ", and ");
  return base.sign > 0 ? "the base holds harm that was added to it, and so does the result" : "";
}

void warn_of_harm(const std::string& reason) {
  warn(reason + ". Only you can read it; do not publish it");
}

}  // namespace lethe
