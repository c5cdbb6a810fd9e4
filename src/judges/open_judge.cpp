#include "judges/open_judge.h"

#include <filesystem>

#include "judges/classifier.h"

namespace lethe {

std::unique_ptr<Judge> open_judge(const std::string& name) {
  if (name == "refusal") return refusal_judge();
  const std::filesystem::path path(name);
  return std::make_unique<Classifier>(
      Classifier::load(std::filesystem::is_directory(path) ? path / "judge.json" : path));
}

}  // namespace lethe
