// Writes the folder of a benchmark: results.json, rows.jsonl and report.html.
#pragma once

#include <filesystem>
#include <string>

#include "benchmarks/result.h"

namespace lethe {

/// results.json: the figures, and under "about" what was measured and how.
OrderedJson benchmark_json(const BenchmarkResult& result, const OrderedJson& about);

/// @param folder  exists and is empty
/// @param title   of the report: "TOFU: name of the model"
void write_benchmark(const BenchmarkResult& result, const OrderedJson& about, const std::string& title,
                     const std::filesystem::path& folder);

/// The tables and notes for the terminal.
std::string benchmark_text(const BenchmarkResult& result);

}  // namespace lethe
