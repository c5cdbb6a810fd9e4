// lethe vector list: what task vectors are, and how large.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <memory>
#include <set>

#include "cli/common.h"
#include "cli/vector.h"
#include "core/error.h"
#include "core/json.h"
#include "core/terminal.h"
#include "report/table.h"
#include "vectors/vector_norms.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

struct ListedVector {
  fs::path folder;
  VectorInfo info;
  std::set<std::int64_t> ranks;  // of an adapter's modules
  std::size_t tensors = 0;
  std::uint64_t bytes = 0;
  PartNorms norms;
};

ListedVector read_listed(const fs::path& folder) {
  const StoredVector vector(folder);
  ListedVector listed{folder, vector.info(), {}, vector.file().tensors().size(), 0, part_norms(vector)};
  for (const StoredTensor& tensor : vector.file().tensors()) listed.bytes += tensor.bytes();
  if (vector.adapter() != nullptr) {
    for (const LoraModule& module : vector.adapter()->modules()) listed.ranks.insert(module.a->shape[0]);
  }
  return listed;
}

// The vectors among the folders given, and those in folders that hold vectors. A broken one among others is reported;
// one that was given by name is an error.
std::vector<ListedVector> find_vectors(const std::vector<std::string>& given) {
  std::vector<ListedVector> list;
  for (const std::string& name : given) {
    std::vector<fs::path> within;
    if (!is_vector_folder(name) && fs::is_directory(name)) {
      for (const auto& entry : fs::directory_iterator(name)) {
        if (!entry.path().filename().string().starts_with(".") && is_vector_folder(entry.path()))
          within.push_back(entry.path());
      }
    }
    if (within.empty()) list.push_back(read_listed(name));  // throws if it is none
    std::sort(within.begin(), within.end());
    for (const fs::path& folder : within) {
      try {
        list.push_back(read_listed(folder));
      } catch (const Error& error) {
        if (error.code() != ExitCode::bad_input) throw;
        warn(error.what());
      }
    }
  }
  return list;
}

std::string rank_text(const std::set<std::int64_t>& ranks) {
  if (ranks.empty()) return "-";
  const std::string least = std::to_string(*ranks.begin());
  return ranks.size() == 1 ? least : least + "-" + std::to_string(*ranks.rbegin());
}

std::string vectors_as_text(const std::vector<ListedVector>& vectors) {
  Table table{"", {"vector", "base", "kind", "rank", "harmful", "MB", "norm"}, {}};
  std::string parts;
  for (const ListedVector& vector : vectors) {
    const std::string name = (vector.folder / "").parent_path().filename().string();  // also of "poisons/"
    table.rows.push_back({excerpt(name, 40), excerpt(vector.info.base, 40), word_of(vector.info.kind),
                          rank_text(vector.ranks), vector.info.harmful ? "yes" : "no",
                          fixed(static_cast<double>(vector.bytes) * 1e-6, 1), short_number(whole_norm(vector.norms))});
    parts += "\n" + excerpt(vector.folder.string(), 300) + ": " + excerpt(vector.info.made_from, 200);
    if (vector.info.harmful) parts += "\n  harmful, known from " + excerpt(vector.info.harmful_because);
    parts += "\n  norms: ";
    bool first = true;
    for (const auto& [part, norm] : joined_layers(vector.norms, 4)) {
      parts += (first ? "" : ", ") + part + " " + short_number(norm);
      first = false;
    }
    parts += "\n";
  }
  return terminal_table(table) + parts;
}

std::string vectors_as_json(const std::vector<ListedVector>& vectors) {
  OrderedJson list = OrderedJson::array();
  for (const ListedVector& vector : vectors) {
    const VectorInfo& info = vector.info;
    OrderedJson norms = OrderedJson::object();
    for (const auto& [part, norm] : vector.norms) norms[part] = norm;
    list.push_back({{"folder", vector.folder.string()},
                    {"kind", word_of(info.kind)},
                    {"base", info.base},
                    {"base_hash", info.base_hash},
                    {"hash", info.hash},
                    {"made_from", info.made_from},
                    {"harmful", info.harmful},
                    {"harmful_because", info.harmful_because},
                    {"made", info.made},
                    {"lethe", info.lethe},
                    {"ranks", vector.ranks},
                    {"tensors", vector.tensors},
                    {"bytes", vector.bytes},
                    {"norm", whole_norm(vector.norms)},
                    {"norms", norms}});
  }
  return dump_json(list, 2) + "\n";
}

}  // namespace

void add_vector_list(CLI::App& vector, Action& action) {
  struct Options {
    std::vector<std::string> folders;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = vector.add_subcommand("list", "Show what vectors are: base, kind, rank, harm, norms by part");
  command->add_option("folder", options->folders, "Vectors, or folders that hold some")->required()->expected(1, -1);
  command->add_flag("--json", options->json, "Print JSON, with the norm of every layer");
  command->footer("Example: lethe vector list vectors/");
  command->callback([options, &action] {
    action = [options] {
      const std::vector<ListedVector> vectors = find_vectors(options->folders);
      write_result("-", options->json ? vectors_as_json(vectors) : vectors_as_text(vectors));
    };
  });
}

}  // namespace lethe
