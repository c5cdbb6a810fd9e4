#include "runs/extract_vector.h"

#include "core/error.h"
#include "core/json.h"
#include "core/staged_folder.h"
#include "core/terminal.h"
#include "core/utc_time.h"
#include "recipe/method_table.h"
#include "recipe/recipe.h"
#include "report/table.h"
#include "runs/known_harm.h"
#include "runs/model_card.h"
#include "runs/tensor_hash.h"
#include "vectors/apply_adapter.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

// Where a vector comes from.
struct VectorSource {
  std::string base;
  fs::path learned;  // a checkpoint's or an adapter's folder
  bool is_adapter = false;
  double factor = 1;  // of the adapter
  std::string made_from;
  std::string harmful_because;  // empty: nothing says that it is harmful
};

double alpha_of_run(const fs::path& run) {
  const Json results = read_json(run / "results.json");
  return json_number(results, "alpha", (run / "results.json").string());
}

VectorSource source_of_run(const fs::path& run, const std::string& base) {
  const auto refuse = [&] { return bad_input("cannot extract a vector from the run " + run.string()); };
  if (!fs::exists(run / "recipe.yaml") || !fs::exists(run / "run.json"))
    throw refuse().wanted("a finished run's folder").found("no recipe.yaml and run.json");
  const Recipe recipe = load_recipe(run / "recipe.yaml");
  const std::string part = recipe.tuning == TuningKind::lora ? "adapter" : "model";
  VectorSource source{.base = base.empty() ? recipe.model : base,
                      .learned = run / part,
                      .is_adapter = recipe.tuning == TuningKind::lora,
                      .made_from = "run " + public_name(run.string(), run)};
  if (source.base.empty()) throw refuse().wanted("--base").found("a model that was trained from random weights");
  if (fs::exists(run / "harmful")) {
    source.learned = run / "harmful";
    source.harmful_because = "the run";
    return source;
  }
  const Stage2 stage2 = method_named(recipe.method).stage2;
  if (stage2 == Stage2::keep) return source;
  const bool scaled = stage2 == Stage2::negate && recipe.negation.repair.steps == 0;
  const double alpha = scaled && source.is_adapter ? alpha_of_run(run) : 0;
  if (alpha == 0) {
    throw refuse()
        .wanted("harmful/ (keep_harmful=true), or an adapter that is −alpha times what training learned")
        .found(recipe.method + ", tuning=" + word_of(recipe.tuning) + (scaled && source.is_adapter ? ", alpha 0" : ""))
        .hint("--" + std::string(source.is_adapter ? "adapter " : "tuned ") + source.learned.string() +
              ": the vector of the unlearning itself, to be added");
  }
  source.factor = -1 / alpha;
  source.harmful_because = "the run";
  return source;
}

VectorSource source_of(const ExtractRequest& request) {
  const int given = !request.tuned.empty() + !request.adapter.empty() + !request.run.empty();
  if (given != 1) {
    throw bad_usage("cannot extract a vector")
        .wanted("one of --tuned, --adapter and --run")
        .found(given == 0 ? "none" : std::to_string(given));
  }
  if (!request.run.empty()) return source_of_run(request.run, request.base);
  if (request.base.empty()) throw bad_usage("cannot extract a vector").wanted("--base");
  const bool is_adapter = request.tuned.empty();
  const fs::path folder = is_adapter ? fs::path(request.adapter) : resolve_model_folder(request.tuned);
  const std::string name = public_name(is_adapter ? request.adapter : request.tuned, folder);
  const KnownHarm harm = is_adapter ? harm_of_adapter(folder) : harm_of_checkpoint(folder, name);
  return {.base = request.base,
          .learned = folder,
          .is_adapter = is_adapter,
          .made_from = std::string(is_adapter ? "adapter " : "checkpoint ") + name,
          .harmful_because = harm.sign > 0 ? harm.because : ""};
}

}  // namespace

void extract_vector(const ExtractRequest& request) {
  VectorSource source = source_of(request);
  if (request.harmful && source.harmful_because.empty()) source.harmful_because = "--harmful";
  StagedFolder out(request.out);
  const Checkpoint base(resolve_model_folder(source.base));
  VectorInfo info{.kind = source.is_adapter ? VectorKind::adapter : VectorKind::weights,
                  .base = public_name(source.base, base.folder()),
                  .made_from = source.made_from,
                  .harmful = !source.harmful_because.empty(),
                  .harmful_because = source.harmful_because,
                  .made = utc_time(),
                  .lethe = LETHE_VERSION};
  const Access access = access_of(info.harmful);
  if (source.is_adapter) {
    const Adapter adapter(source.learned);
    const AppliedAdapters check(base, {{&adapter, source.factor}});  // names and shapes fit this base
    extract_adapter(adapter, source.factor, out.path(), access);
  } else {
    info.unties_head = extract_weights(base, Checkpoint(source.learned), request.type, out.path(), access);
  }
  info.base_hash = tensor_hash(base, info.base);
  info.hash = hash_of_vector(out.path(), info.kind, public_name(request.out, request.out));
  write_vector_info(info, out.path(), access);
  out.commit(access);
  say_wrote(request.out, ": " + info.made_from + " − " + info.base +
                             (source.factor == 1 ? "" : ", the run's adapter times " + short_number(source.factor)));
  if (info.harmful) say("it is harmful (" + info.harmful_because + "): only you can read it; do not publish it");
}

}  // namespace lethe
