// The original's predictions, stored before the first step: each pair has its own, whichever chat it ends.
#include <gtest/gtest.h>

#include <cmath>

#include "core/error.h"
#include "formats/checkpoint.h"
#include "models/loading.h"
#include "objectives/sku.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

class ReferenceOfChats : public testing::Test {
 protected:
  static fs::path demo() { return fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo"; }
  ReferenceOfChats()
      : tokenizer_(Tokenizer::load(demo())),
        model_(load_model(Checkpoint(demo()))),
        examples_(tokenizer_,
                  Template::chat(ChatTemplate("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
                                              OrderedJson::object(), "test")),
                  {.append_eos = false, .max_length = 200}) {}

  static Pair pair(const std::string& question, const std::string& answer) {
    Pair pair{"Say it again.", "Mira lives in Saltby.", "", 0};
    if (!question.empty()) pair.before = {{"user", question}, {"assistant", answer}};
    return pair;
  }
  /// Chats that end in the same turn, but for one that is a single turn.
  static std::vector<Pair> chats() {
    return {pair("Where does Mira live?", "In Saltby, by the old well."), pair("Who is at the well?", "Nobody."),
            pair("", ""), pair("Where does Mira live?", "Nobody.")};
  }
  double kl_of(Reference& reference, const std::vector<Pair>& normal) {
    StepRows rows;
    rows.normal = normal;
    SkuObjective objective(model_, examples_, reference, [&](std::uint64_t) { return rows; }, {.pd_margin = 0});
    return values_of(objective.loss(0).terms).at("kl");
  }

  Tokenizer tokenizer_;
  CausalLM model_;
  ExampleMaker examples_;
};

TEST_F(ReferenceOfChats, IsTheModelItselfAtTheFirstStep) {
  const std::vector<Pair> all = chats();
  StoredReference stored(model_, examples_, all);
  EXPECT_EQ(kl_of(stored, all), 0);  // packed alike: to the bit
  for (const Pair& one : all) EXPECT_LT(kl_of(stored, {one}), 1e-6) << one.before.size();
  EXPECT_LT(kl_of(stored, {all[3], all[0], all[0], all[2]}), 1e-6);
}

TEST_F(ReferenceOfChats, KeepsThePredictionsOfEachChatApart) {
  const std::vector<Pair> all = chats();
  StoredReference stored(model_, examples_, all);
  AdapterOffReference now(model_, examples_);  // without adapters: the model as it is
  for (const Pair& one : all) {
    const std::vector<Pair> alone{one};
    EXPECT_TRUE(at::allclose(stored.states(alone), now.states(alone), 1e-5, 1e-5));
  }
  const std::vector<Pair> a{all[0]}, b{all[1]};
  EXPECT_GT((stored.states(a) - stored.states(b)).abs().max().item<double>(), 0.01);
}

TEST_F(ReferenceOfChats, KnowsAPairAgainWhereverItCameFrom) {
  StoredReference stored(model_, examples_, chats());
  Pair other_place = chats()[1];
  other_place.source = "other.jsonl";
  other_place.line = 7;
  EXPECT_NO_THROW(stored.states(std::vector<Pair>{other_place}));
  other_place.before[0].content += " Say!";
  EXPECT_THROW(stored.states(std::vector<Pair>{other_place}), Error);
}

TEST_F(ReferenceOfChats, ADivergenceIsNeverBelowZero) {
  const Head head = model_.head();
  at::manual_seed(11);
  for (int i = 0; i < 20; ++i) {
    const at::Tensor states = at::randn({3, model_.spec().embedding_size});
    const at::Tensor near = states + 1e-7 * at::randn_like(states);
    for (const double margin : {0.0, 2.0}) {
      const Divergence found = preservation_divergence(near, head, states, head, 1.0, margin);
      EXPECT_GE(found.mean.item<double>(), 0);
      EXPECT_FALSE(std::signbit(found.mean.item<double>()));
    }
  }
}

}  // namespace
}  // namespace lethe
