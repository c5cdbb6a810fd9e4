#include "runs/combine_vectors.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "core/error.h"
#include "core/staged_folder.h"
#include "core/terminal.h"
#include "core/utc_time.h"
#include "report/table.h"
#include "runs/known_harm.h"
#include "runs/model_card.h"
#include "runs/tensor_hash.h"
#include "vectors/combine.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr const char* kDoing = "cannot combine vectors";

// Nothing of the vector is in the sum: what rounding leaves of 0.1 + 0.2 − 0.3.
bool is_nothing(double weight) {
  return std::abs(weight) < 1e-9;
}

// A vector of the sum, with the sum of its weights.
struct OpenTerm {
  std::string name;  // a public name
  std::unique_ptr<StoredVector> vector;
  double weight = 0;
  bool harmful = false;
};

// Opens each vector once. The same vector may be given under several names; its hash shows that.
std::vector<OpenTerm> open_terms(const CombineRequest& request) {
  std::vector<OpenTerm> terms;
  for (const auto& [folder, weight] : request.terms) {
    OpenTerm term{public_name(folder, folder), std::make_unique<StoredVector>(folder), weight * request.scale};
    const VectorInfo& info = term.vector->info();
    term.harmful = info.harmful;
    const auto same = std::find_if(terms.begin(), terms.end(),
                                   [&](const OpenTerm& other) { return other.vector->info().hash == info.hash; });
    const bool is_same_folder = same != terms.end() && fs::equivalent(same->vector->folder(), folder);
    if (!is_same_folder && hash_of_vector(folder, info.kind, term.name) != info.hash) {
      throw bad_input(kDoing)
          .with("vector", excerpt(folder, 300))
          .wanted("the tensors that its vector.json describes")
          .found("others: a file was changed or damaged")
          .hint("extract it again");
    }
    if (same != terms.end()) {
      same->weight += term.weight;
      same->harmful |= term.harmful;  // one of two copies may have lost its mark
    } else {
      terms.push_back(std::move(term));
    }
  }
  return terms;
}

// What the base is: a model, or (vectors.json) an earlier sum of vectors on one.
struct BaseIdentity {
  std::string name, hash;
  std::optional<CombinedInfo> earlier;
};

BaseIdentity identify(const Checkpoint& base, const std::string& given) {
  BaseIdentity identity{public_name(given, base.folder()), "", read_combined_info(base.folder())};
  identity.hash = tensor_hash(base, identity.name);
  // A vectors.json that was copied along with other weights says nothing of them.
  if (identity.earlier && identity.earlier->hash != identity.hash) identity.earlier.reset();
  return identity;
}

void check_bases(const std::vector<OpenTerm>& terms, const BaseIdentity& base) {
  for (const OpenTerm& term : terms) {
    const VectorInfo& info = term.vector->info();
    if (info.base_hash == base.hash || (base.earlier && info.base_hash == base.earlier->base_hash)) continue;
    const auto named = [](const std::string& name, const std::string& hash) {
      return excerpt(name) + " (tensors " + excerpt(hash.substr(0, 16)) + ")";
    };
    throw bad_input(kDoing)
        .with("vector", term.vector->folder().string())
        .wanted("its own base, " + named(info.base, info.base_hash))
        .found(named(base.name, base.hash) +
               (base.earlier ? ", made of " + named(base.earlier->base, base.earlier->base_hash) : ""))
        .hint("--base with the checkpoint that the vector was extracted from");
  }
}

// The sum that the result is. A checkpoint's is counted from the base of the earlier sum if all vectors belong to that
// base; an adapter holds only the new terms.
CombinedInfo sum_of(const std::vector<OpenTerm>& terms, const BaseIdentity& base, bool to_adapter) {
  const bool goes_on =
      base.earlier && !to_adapter && std::all_of(terms.begin(), terms.end(), [&](const OpenTerm& term) {
        return term.vector->info().base_hash == base.earlier->base_hash;
      });
  CombinedInfo sum = goes_on ? *base.earlier : CombinedInfo{base.name, base.hash, "", {}};
  if (!goes_on) sum.base_harmful = base.earlier && !to_adapter && adds_harm(*base.earlier);
  for (const OpenTerm& term : terms) {
    const VectorInfo& info = term.vector->info();
    const auto same = std::find_if(sum.terms.begin(), sum.terms.end(),
                                   [&](const VectorTerm& other) { return other.hash == info.hash; });
    if (same == sum.terms.end()) {
      sum.terms.push_back({term.name, info.hash, term.weight, term.harmful});
    } else {
      same->weight += term.weight;
      same->harmful |= term.harmful;
    }
  }
  std::erase_if(sum.terms, [](const VectorTerm& term) { return is_nothing(term.weight); });
  return sum;
}

// "opt-125m − poisons + 0.5·bombs"
std::string formula_of(const CombinedInfo& sum, const std::string& first) {
  std::string text = excerpt(first);
  for (const VectorTerm& term : sum.terms) {
    const double size = std::abs(term.weight);
    text += text.empty() ? (term.weight < 0 ? "−" : "") : (term.weight < 0 ? " − " : " + ");
    text += (size == 1 ? "" : short_number(size) + "·") + excerpt(term.name);
  }
  return text;
}

void warn_of(const CombinedInfo& sum) {
  for (const VectorTerm& term : sum.terms) {
    if (std::abs(term.weight) > 1) {
      warn("the weight of " + excerpt(term.name) + " is " + short_number(term.weight) +
           ": more than its training changed damages most models");
    }
  }
  std::vector<AddedChange> added;
  for (const VectorTerm& term : sum.terms) added.push_back({term.name, {term.harmful ? 1 : 0, ""}, term.weight});
  if (const std::string reason = harm_of_result({sum.base_harmful ? 1 : 0, ""}, added); !reason.empty())
    warn_of_harm(reason);
}

ModelCard card_of(const CombineRequest& request, const Checkpoint& base, const CombinedInfo& sum, bool harmful,
                  bool adapter) {
  const bool subtracts = std::any_of(sum.terms.begin(), sum.terms.end(),
                                     [](const VectorTerm& term) { return term.harmful && term.weight < 0; });
  std::vector<std::vector<std::string>> rows = {{"base of the vectors", sum.base}};
  for (const VectorTerm& term : sum.terms) rows.push_back({"weight of " + term.name, short_number(term.weight)});
  ModelCard card = arithmetic_card(request.base, base.folder(), adapter, subtracts ? Origin::negation : Origin::unknown,
                                   "Made with lethe vector combine: " + formula_of(sum, sum.base) + ".", rows);
  if (harmful) card.summary += kHarmfulCard;
  return card;
}

}  // namespace

void combine_vectors(const CombineRequest& request) {
  if (request.terms.empty()) throw bad_usage(kDoing).wanted("--add or --subtract");
  for (const auto& [folder, weight] : request.terms) {
    if (!std::isfinite(weight * request.scale)) throw bad_usage(kDoing).wanted("finite weights and --scale");
  }
  StagedFolder out(request.out);
  std::vector<OpenTerm> terms = open_terms(request);
  const bool to_adapter = !request.merge && std::all_of(terms.begin(), terms.end(), [](const OpenTerm& term) {
    return term.vector->adapter() != nullptr;
  });
  if (request.rank > 0 && !to_adapter) throw bad_usage(kDoing).wanted("--rank only for adapters, without --merge");
  const Checkpoint base(resolve_model_folder(request.base));
  const BaseIdentity identity = identify(base, request.base);
  check_bases(terms, identity);
  CombinedInfo sum = sum_of(terms, identity, to_adapter);
  warn_of(sum);
  const bool harmful = adds_harm(sum);
  const Access access = access_of(harmful);
  const std::string name = public_name(request.out, request.out);

  std::erase_if(terms, [](const OpenTerm& term) { return is_nothing(term.weight); });
  if (to_adapter) {
    if (terms.empty()) {
      throw bad_usage(kDoing + std::string(" to an adapter"))
          .wanted("a vector whose weights do not cancel")
          .found("none: the result is the base")
          .hint("--merge writes it");
    }
    std::vector<WeightedAdapter> adapters;
    for (const OpenTerm& term : terms) adapters.push_back({term.vector->adapter(), term.weight});
    stack_adapters(base, adapters, out.path(), {request.base, request.rank, access});
    VectorInfo info{.kind = VectorKind::adapter,
                    .base = identity.name,
                    .base_hash = identity.hash,
                    .hash = hash_of_vector(out.path(), VectorKind::adapter, name),
                    .made_from = "vectors " + formula_of(sum, ""),
                    .harmful = harmful,
                    .harmful_because = harmful ? "a vector that it adds" : "",
                    .made = utc_time(),
                    .lethe = LETHE_VERSION};
    write_vector_info(info, out.path(), access);
  } else {
    std::vector<WeightedVector> vectors;
    for (const OpenTerm& term : terms) vectors.push_back({term.vector.get(), term.weight});
    combine_to_checkpoint(base, vectors, out.path(), access);
    sum.hash = tensor_hash(Checkpoint(out.path()), name);
    write_combined_info(sum, out.path(), access);
  }
  write_card(card_of(request, base, sum, harmful, to_adapter), out.path(), access);
  out.commit(access);
  say_wrote(request.out, ": " + formula_of(sum, sum.base));
}

}  // namespace lethe
