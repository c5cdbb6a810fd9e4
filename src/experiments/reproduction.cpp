#include "experiments/reproduction.h"

#include <algorithm>
#include <sstream>

#include "core/error.h"

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

std::vector<ReproducedRow> chosen_rows(const std::vector<std::string>& names,
                                       const std::vector<std::string>& variants) {
  std::vector<ReproducedRow> rows;
  const auto add = [&](ReproducedRow row) {
    for (const ReproducedRow& other : rows) {
      if (other.name == row.name) throw bad_usage("cannot reproduce row " + excerpt(row.name)).found("the name twice");
    }
    rows.push_back(std::move(row));
  };
  std::string known;
  for (const ReproducedRow& row : paper_rows()) {
    known += (known.empty() ? "" : ", ") + row.name;
    if (names.empty()) add(row);
  }
  for (const std::string& name : names) {
    const auto found = std::find_if(paper_rows().begin(), paper_rows().end(),
                                    [&](const ReproducedRow& row) { return row.name == name; });
    if (found == paper_rows().end())
      throw bad_usage("cannot reproduce row " + excerpt(name)).wanted("one of " + known).hint("--variant for others");
    add(*found);
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
