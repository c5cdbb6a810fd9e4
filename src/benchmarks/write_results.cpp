#include "benchmarks/write_results.h"

#include "core/files.h"
#include "report/page.h"

namespace lethe {

OrderedJson benchmark_json(const BenchmarkResult& result, const OrderedJson& about) {
  OrderedJson json = result.to_json();
  json["about"] = about;
  return json;
}

void write_benchmark(const BenchmarkResult& result, const OrderedJson& about, const std::string& title,
                     const std::filesystem::path& folder) {
  std::string rows;
  for (const OrderedJson& row : result.rows) rows += dump_json(row) + "\n";
  write_file(folder / "rows.jsonl", rows);
  Page page;
  page.title = title;
  page.tables = result.tables;
  page.tables.push_back(result.figure_table("All figures"));
  page.notes = result.notes;
  page.notes.emplace_back("rows.jsonl beside this page holds every question and answer.");
  page.recipe = dump_json(about, 2);
  write_file(folder / "report.html", html_page(page));
  write_file(folder / "results.json", dump_json(benchmark_json(result, about), 2) + "\n");
}

std::string benchmark_text(const BenchmarkResult& result) {
  std::string text;
  for (const Table& table : result.tables) text += terminal_table(table) + "\n";
  text += terminal_table(result.figure_table("Figures"));
  for (const std::string& note : result.notes) text += note + "\n";
  return text;
}

}  // namespace lethe
