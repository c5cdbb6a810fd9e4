#include "runs/plan_file.h"

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
  recipe.evaluation.cache = true;
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

bool goes_on_in(const std::filesystem::path& out, const std::string& plan, const std::string& what) {
  if (holds_plan(out, plan, what)) return true;
  if (std::filesystem::exists(out) && !std::filesystem::is_empty(out))
    throw bad_input("cannot write to " + out.string()).found("a folder that already holds something");
  return false;
}

void open_experiment(const std::filesystem::path& out, const std::string& plan, const std::string& what,
                     const std::vector<std::string>& folders) {
  if (goes_on_in(out, plan, what)) return;
  for (const std::string& folder : folders) std::filesystem::create_directories(out / folder);
  write_plan(out, plan);
}

}  // namespace lethe
