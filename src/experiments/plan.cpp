#include "experiments/plan.h"

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"

namespace lethe {
namespace {

std::filesystem::path plan_in(const std::filesystem::path& folder) {
  return folder / "plan.json";
}

}  // namespace

Recipe without_place(Recipe recipe) {
  recipe.out = recipe.device = "";
  recipe.dtype = ComputeType::automatic;
  recipe.threads = 0;
  return recipe;
}

bool holds_plan(const std::filesystem::path& folder, const std::string& plan, const std::string& what) {
  if (!std::filesystem::exists(plan_in(folder))) return false;
  if (read_file(plan_in(folder)) == plan) return true;
  const Json json = read_json(plan_in(folder));
  const std::string version = json.is_object() && json.value("lethe", Json()).is_string() ? json["lethe"] : Json("?");
  const bool other_version = version != LETHE_VERSION;
  throw bad_input("cannot go on in " + folder.string())
      .wanted(what + (other_version ? " of lethe " LETHE_VERSION : " of these settings"))
      .found(what + (other_version ? " of lethe " + excerpt(version, 40) : std::string(" of others")) + " (plan.json)")
      .hint("another --out, or remove the folder yourself");
}

void write_plan(const std::filesystem::path& folder, const std::string& plan) {
  write_file(plan_in(folder), plan);
}

}  // namespace lethe
