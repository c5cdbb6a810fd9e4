#include "judges/shipped_judges.h"

#include <algorithm>
#include <system_error>
#include <vector>

#include "core/join.h"
#include "judges/judge_file.h"

namespace lethe {
namespace fs = std::filesystem;

std::map<std::string, fs::path> shipped_judges(const fs::path& program) {
  std::error_code none;
  const fs::path own = program.empty() ? fs::read_symlink("/proc/self/exe", none).parent_path() : program;
  std::map<std::string, fs::path> found;
  for (const char* place :
       {"../share/lethe/recipes/judges", "../recipes/judges", "recipes/judges", "../../recipes/judges"}) {
    for (fs::directory_iterator entry(own / place, none), end; !none && entry != end; entry.increment(none)) {
      const fs::path path = entry->path();
      if (path.extension() == ".yaml") found.emplace(path.stem().string(), path.lexically_normal());
    }
    if (!found.empty()) break;
  }
  return found;
}

std::string judge_path(const std::string& name) {
  std::error_code none;
  const std::size_t end = std::min(name.find(':'), name.size());
  if (name.empty() || fs::exists(name, none) || JudgeFile::is_named_by(name.substr(0, end))) return name;
  const auto all = shipped_judges();
  const auto found = all.find(name.substr(0, end));
  return found == all.end() ? name : found->second.string() + name.substr(end);
}

std::string judge_names() {
  std::vector<std::string> names = {"refusal"};
  for (const auto& [name, path] : shipped_judges()) names.push_back(name);
  names.emplace_back("or a file (judge.json, *.yaml)");
  return join(names, ", ");
}

}  // namespace lethe
