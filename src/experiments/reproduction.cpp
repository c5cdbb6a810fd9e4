#include "experiments/reproduction.h"

#include <algorithm>
#include <sstream>

#include "core/error.h"
#include "core/join.h"
#include "core/similar.h"
#include "recipe/method_table.h"

namespace lethe {

const std::vector<ReproducedRow>& paper_rows() {
  static const std::vector<ReproducedRow> rows = {
      {"finetune", {"method=finetune"}},
      {"task_vector", {"method=task_vector"}},
      {"ga", {"method=ga"}},
      {"ga_mismatch", {"method=ga_mismatch"}},
      {"sku", {"method=sku"}},
      {"sku_no_gd", {"method=sku", "sku.eps_gd=0"}},
      {"sku_no_rd", {"method=sku", "sku.eps_rd=0"}},
      {"sku_no_pd", {"method=sku", "sku.eps_pd=0"}},
  };
  return rows;
}

const std::vector<ReproducedRow>& further_rows() {
  static const std::vector<ReproducedRow> rows = {
      {"contrast", {"method=contrast"}},
      {"contrast_r0", {"method=contrast", "safe.ratio=0"}},
  };
  return rows;
}

std::vector<ReproducedRow> all_rows() {
  std::vector<ReproducedRow> rows = paper_rows();
  rows.insert(rows.end(), further_rows().begin(), further_rows().end());
  for (const Method& method : methods()) {
    if (std::none_of(rows.begin(), rows.end(), [&](const ReproducedRow& row) { return row.name == method.name; }))
      rows.push_back({method.name, {"method=" + method.name}});
  }
  return rows;
}

std::vector<ReproducedRow> chosen_rows(const std::vector<std::string>& names,
                                       const std::vector<std::string>& variants) {
  std::vector<ReproducedRow> rows;
  const auto add = [&](ReproducedRow row) {
    for (const ReproducedRow& other : rows) {
      if (other.name == row.name) throw bad_usage("cannot reproduce row " + excerpt(row.name)).found("the name twice");
    }
    rows.push_back(std::move(row));
  };
  const auto is_further = [](const std::string& name) {
    return std::any_of(further_rows().begin(), further_rows().end(),
                       [&](const ReproducedRow& row) { return row.name == name; });
  };
  const std::vector<ReproducedRow> known = all_rows();
  const bool all = names == std::vector<std::string>{"all"};
  if (names.empty()) rows = paper_rows();
  if (all) rows = known;
  if (!all && std::any_of(names.begin(), names.end(), is_further)) {
    for (const ReproducedRow& row : further_rows()) add(row);
  }
  for (const std::string& name : names) {
    if (all || is_further(name)) continue;
    const auto found =
        std::find_if(known.begin(), known.end(), [&](const ReproducedRow& row) { return row.name == name; });
    if (found != known.end()) {
      add(*found);
      continue;
    }
    std::vector<std::string> all_names = {"all"};
    for (const ReproducedRow& row : known) all_names.push_back(row.name);
    Error error = bad_usage("cannot reproduce row " + excerpt(name));
    if (name == "all") throw error.found("other names beside it");
    const std::vector<std::string> near = similar(name, all_names);
    throw error.wanted("one of " + join(all_names, ", ")).hint(near.empty() ? "--variant for others" : either_of(near));
  }
  for (const std::string& text : variants) {
    std::istringstream words(text);
    ReproducedRow row{"", {"method=sku"}};
    words >> row.name;
    for (std::string word; words >> word;) {
      const bool is_setting = word.find('=') < word.find_first_of("{[\"'");
      if (is_setting || row.settings.size() == 1) {
        row.settings.push_back(word);
      } else {
        row.settings.back() += " " + word;  // part of a value that contains blanks
      }
    }
    const bool names_a_file =
        row.name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") ==
        std::string::npos;
    if (!names_a_file || row.settings.size() < 2 || row.name.find('=') != std::string::npos) {
      throw bad_usage("cannot use --variant " + excerpt(text))
          .wanted("NAME KEY=VALUE …, the name of letters, digits, '_', '-', '.'");
    }
    add(std::move(row));
  }
  return rows;
}

}  // namespace lethe
