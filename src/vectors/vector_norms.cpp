#include "vectors/vector_norms.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "core/numbers.h"
#include "core/terminal.h"
#include "tensors/file_tensors.h"
#include "tensors/parallel.h"

namespace lethe {
namespace {

constexpr const char* kLayer = "layer ";

// The first component of a name that is a number: "model.layers.7.mlp.up_proj" -> 7.
std::optional<std::int64_t> layer_of(const std::string& name) {
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    if (const auto number = parse_whole_number(name.substr(begin, end - begin))) return number;
    begin = end + 1;
  }
  return std::nullopt;
}

// Sorts by the order of a forward pass.
struct Part {
  int place;  // embedding, layers, head, other
  std::int64_t layer;
  auto operator<=>(const Part&) const = default;
  std::string name() const {
    static constexpr const char* kNames[] = {"embedding", "", "head", "other"};
    return place == 1 ? kLayer + std::to_string(layer) : kNames[place];
  }
};

Part part_of(const std::string& name) {
  if (const auto layer = layer_of(name)) return {1, *layer};
  for (const char* embedding : {"embed_tokens", "embed_positions", "wte", "wpe", "embed_in", "word_embeddings"}) {
    if (name.find(embedding) != std::string::npos) return {0, 0};
  }
  const bool head = name.find("lm_head") != std::string::npos || name.find("embed_out") != std::string::npos;
  return {head ? 2 : 3, 0};
}

double sum_of_squares(const at::Tensor& values) {
  constexpr std::int64_t kPiece = 1 << 18;
  const at::Tensor flat = values.reshape(-1);
  std::vector<double> sums(static_cast<std::size_t>((flat.numel() + kPiece - 1) / kPiece));
  in_parallel(static_cast<std::int64_t>(sums.size()), [&](std::int64_t piece) {
    const std::int64_t begin = piece * kPiece, size = std::min(kPiece, flat.numel() - begin);
    const at::Tensor part = flat.narrow(0, begin, size).to(at::kDouble);
    sums[static_cast<std::size_t>(piece)] = at::dot(part, part).item<double>();
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return sum;
}

// ‖s·B·A‖² = s² · Σ (BᵀB ∘ AAᵀ)
double square_of_product(const SafetensorsFile& file, const LoraModule& module) {
  const at::Tensor a = tensor_over(*module.a, file.values(*module.a)).to(at::kDouble),
                   b = tensor_over(*module.b, file.values(*module.b)).to(at::kDouble);
  const double product = (b.t().matmul(b) * a.matmul(a.t())).sum().item<double>();
  return std::isfinite(product) ? module.scale * module.scale * std::max(product, 0.0) : product;
}

}  // namespace

PartNorms part_norms(const StoredVector& vector) {
  const SafetensorsFile& file = vector.file();
  const std::string doing = "cannot measure the vector " + vector.folder().string();
  std::map<Part, double> squares;
  const auto add = [&](const std::string& name, double square) {
    if (!std::isfinite(square)) throw not_finite(name, doing);
    squares[part_of(name)] += square;
  };
  std::uint64_t bytes = 0, done = 0;
  for (const StoredTensor& tensor : file.tensors()) bytes += tensor.bytes();
  Progress progress("reading " + vector.folder().filename().string(), bytes, "bytes");
  if (vector.adapter() != nullptr) {
    for (const LoraModule& module : vector.adapter()->modules()) {
      add(module.module, square_of_product(file, module));
      progress.update(done += module.a->bytes() + module.b->bytes());
    }
  } else {
    for (const StoredTensor& tensor : file.tensors()) {
      add(tensor.name, sum_of_squares(tensor_over(tensor, file.values(tensor))));
      file.release(tensor);
      progress.update(done += tensor.bytes());
    }
  }
  PartNorms norms;
  for (const auto& [part, square] : squares) norms.emplace_back(part.name(), std::sqrt(square));
  return norms;
}

double whole_norm(const PartNorms& parts) {
  double sum = 0;
  for (const auto& [part, norm] : parts) sum += norm * norm;
  return std::sqrt(sum);
}

PartNorms joined_layers(const PartNorms& parts, std::size_t groups) {
  std::size_t layers = 0;
  for (const auto& [part, norm] : parts) layers += part.starts_with(kLayer);
  PartNorms joined;
  std::size_t place = 0, group_of_last = 0;
  std::string first;
  for (const auto& [part, norm] : parts) {
    if (!part.starts_with(kLayer) || layers <= groups) {
      joined.emplace_back(part, norm);
      continue;
    }
    const std::string number = part.substr(std::string(kLayer).size());
    const std::size_t group = place * groups / layers;
    if (place++ == 0 || group != group_of_last) {
      joined.emplace_back(part, 0.0);
      first = number;
    }
    group_of_last = group;
    joined.back().second = std::hypot(joined.back().second, norm);
    if (number != first) joined.back().first = "layers " + first + "-" + number;
  }
  return joined;
}

}  // namespace lethe
