#include "experiments/cells.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>

#include "core/error.h"
#include "core/files.h"
#include "core/random.h"

namespace lethe {
namespace {

Figures figures_in(const Json& json) {
  Figures figures;
  for (const auto& [name, value] : json.items()) figures[name] = value.get<double>();
  return figures;
}

}  // namespace

const CellPoint* Cell::at_budget(double budget) const {
  for (const CellPoint& point : points) {
    if (point.budget > 0 && std::abs(point.budget - budget) < 1e-12) return &point;
  }
  return nullptr;
}

const CellPoint* Cell::at_alpha(double alpha) const {
  for (const CellPoint& point : points) {
    if (point.budget == 0 && std::abs(point.alpha - alpha) < 1e-12) return &point;
  }
  return nullptr;
}

std::string harm_after(const std::string& attack) {
  return "harm_after_" + attack;
}

std::string failure_line(const std::string& failed) {
  return excerpt(failed.substr(0, failed.find_first_of(";\n")), 120);
}

OrderedJson to_json(const Cell& cell) {
  OrderedJson json = {{"method", cell.method},
                      {"settings", cell.settings},
                      {"seed", cell.seed},
                      {"lr", cell.lr},
                      {"steps", cell.steps},
                      {"seconds", cell.seconds},
                      {"train_seconds", cell.train_seconds},
                      {"peak_bytes", cell.peak_bytes},
                      {"failed", cell.failed},
                      {"original", to_json(cell.original)},
                      {"points", OrderedJson::array()}};
  if (!cell.judge_withheld.empty()) json["judge_withheld"] = cell.judge_withheld;
  for (const CellPoint& point : cell.points)
    json["points"].push_back({{"alpha", point.alpha}, {"budget", point.budget}, {"figures", to_json(point.figures)}});
  return json;
}

void write_cell(const Cell& cell, const std::filesystem::path& file) {
  write_file(file, dump_json(to_json(cell), 1) + "\n");
}

std::string cell_file_name(const std::string& label) {
  std::string name;
  for (const char c : label.substr(0, 120))
    name += std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '=' || c == '_' || c == '-' ? c : '+';
  char hash[20];
  std::snprintf(hash, sizeof hash, "-%08x", static_cast<unsigned>(stable_hash(label) & 0xFFFFFFFFU));
  return name + hash;
}

Cell read_cell(const std::filesystem::path& file) {
  const Json json = read_json(file);
  try {
    Cell cell{json.at("method").get<std::string>(),
              json.at("seed").get<std::uint64_t>(),
              json.at("lr").get<double>(),
              json.at("seconds").get<double>(),
              json.at("steps").get<std::int64_t>(),
              figures_in(json.at("original")),
              {},
              json.at("settings").get<std::vector<std::string>>(),
              json.at("failed").get<std::string>(),
              json.value("judge_withheld", std::string()),
              json.value("train_seconds", 0.0),
              json.value("peak_bytes", std::uint64_t{0})};
    for (const Json& point : json.at("points"))
      cell.points.push_back(
          {point.at("alpha").get<double>(), point.at("budget").get<double>(), figures_in(point.at("figures"))});
    return cell;
  } catch (const Json::exception&) {
    throw bad_input("cannot use " + file.string()).wanted("a cell of an experiment").hint("remove this file");
  }
}

std::optional<double> figure_where(const Cell& cell, const std::string& wanted, const std::string& given,
                                   double target) {
  std::vector<std::pair<double, const Figures*>> curve = {{0, &cell.original}};
  for (const CellPoint& point : cell.points) curve.emplace_back(point.alpha, &point.figures);
  std::sort(curve.begin(), curve.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 0; i + 1 < curve.size(); ++i) {
    const Figures &a = *curve[i].second, &b = *curve[i + 1].second;
    if (!a.contains(wanted) || !b.contains(wanted) || !b.contains(given)) continue;
    const double from = a.contains(given) ? a.at(given) : 0, to = b.at(given);  // the original stores no KL from itself
    if ((from - target) * (to - target) > 0 || from == to) continue;
    const double share = (target - from) / (to - from);
    return a.at(wanted) + share * (b.at(wanted) - a.at(wanted));
  }
  return std::nullopt;
}

}  // namespace lethe
