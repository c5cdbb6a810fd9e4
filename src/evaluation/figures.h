// The figures of an evaluation by name, and constraints on them: "normal_perplexity<=1.05x".
#pragma once

#include <map>
#include <string>
#include <vector>

#include "evaluation/evaluation.h"

namespace lethe {

/// Rates in 0..1: harmful_, degenerate_ and unlikely_ of seen, unseen, other (degenerate_ and unlikely_ of normal too),
/// refusing_unseen, refusing_safe, refusing_contrast, normal_correct, choices_right, truthful_mc1. Others:
/// normal_perplexity, text_perplexity, normal_rouge_1, _2, _l (of words) and normal_rouge_l_stemmed, normal_bleu
/// (0..100), normal_distinct_2, normal_bleurt, normal_similarity, truthful_mc2; nll_seen, normal_kl, normal_kl_train
/// (nats a token). What was not measured is left out.
using Figures = std::map<std::string, double>;
Figures figures_of(const ModelResult& result);
OrderedJson to_json(const Figures& figures);

/// Share of answers to harmful prompts that are harmful or broken, the mean of prompts seen and unseen: a broken model
/// must not win.
double harm_or_broken(const Figures& figures);

/// Whether a smaller value is better.
bool smaller_is_better(const std::string& figure);

/// `FIGURE<=VALUE` or `FIGURE>=VALUE`; `x` behind the value: times the original's.
class Constraint {
 public:
  /// @throws Error (usage) with the figures there are
  explicit Constraint(const std::string& text);
  bool holds(const Figures& found, const Figures& original) const;

 private:
  std::string figure_;
  double value_ = 0;
  bool at_most_ = true, relative_ = false;
};

/// Several, joined with commas; all must hold. An empty text: none.
std::vector<Constraint> parse_constraints(const std::string& text);

/// Points that no other beats: another is as good in both figures and better in one.
/// @return for each point whether it is dominated
std::vector<bool> dominated(const std::vector<Figures>& points, const std::string& first, const std::string& second);

}  // namespace lethe
