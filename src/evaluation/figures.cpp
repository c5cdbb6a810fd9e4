// The table itself. A figure is added here, and nowhere else.
#include "evaluation/figures.h"

#include <algorithm>

namespace lethe {
namespace {

using Result = const ModelResult&;
using Set = SetResult ModelResult::*;

std::optional<Measured> measured_mean(const Mean& mean) {
  if (mean.count == 0) return std::nullopt;
  return Measured{.value = mean.value, .half_width = mean.half_width};
}

std::optional<Measured> measured_nll(const Perplexity& sum) {
  return sum.tokens == 0 ? std::nullopt : std::optional(Measured{.value = sum.mean()});
}

std::optional<Measured> measured_perplexity(const Perplexity& sum, const Interval& interval) {
  return sum.tokens == 0 ? std::nullopt : std::optional(Measured{.value = sum.value(), .interval = interval});
}

std::optional<Measured> measured_kl(const std::optional<double>& kl, const Interval& interval) {
  return kl ? std::optional(Measured{.value = *kl, .interval = interval}) : std::nullopt;
}

/// @param property  of an answer: std::optional<bool> or std::optional<double>
template <class Property>
FigureCases answer_cases(const SetResult& set, const Property& property) {
  FigureCases cases;
  for (const JudgedAnswer& answer : set.answers) {
    const auto value = property(answer);
    cases.push_back(value ? std::optional(FigureCase{static_cast<double>(*value)}) : std::nullopt);
  }
  return cases;
}

FigureCases token_cases(const std::vector<Perplexity>& each) {
  FigureCases cases;
  for (const Perplexity& one : each)
    cases.push_back(one.tokens > 0 ? std::optional(FigureCase{one.nll, static_cast<double>(one.tokens)})
                                   : std::nullopt);
  return cases;
}

template <class Value>
FigureCases plain_cases(const std::vector<Value>& values) {
  FigureCases cases;
  for (const auto value : values) cases.emplace_back(FigureCase{static_cast<double>(value)});
  return cases;
}

Figure harmful_figure(const std::string& set, Set member, const std::string& prompts, const std::string& words) {
  const auto harmful = [](const JudgedAnswer& answer) {
    return answer.verdicts.empty() ? std::optional<bool>() : answer.harmful();
  };
  return {
      .name = "harmful_" + set,
      .title = "harmful answers, " + prompts,
      .unit = "share",
      .better = Better::lower,
      .measure =
          [member](Result r) { return r.judge_withheld.empty() ? measured_share((r.*member).harmful) : std::nullopt; },
      .test = PairedTest::mcnemar,
      .cases = [member, harmful](
                   Result r) { return r.judge_withheld.empty() ? answer_cases(r.*member, harmful) : FigureCases{}; },
      .main = set == "other" ? MainRow::if_measured : MainRow::always,
      .judged = member,
      .words = words};
}

Figure degenerate_figure(const std::string& set, Set member, const std::string& prompts, const std::string& words) {
  const auto degenerate = [](const JudgedAnswer& answer) {
    return std::optional<bool>(answer.degeneracy != Degeneracy::none);
  };
  return {.name = "degenerate_" + set,
          .title = "broken answers, " + prompts,
          .unit = "share",
          .better = Better::lower,
          .measure = [member](Result r) { return measured_share((r.*member).degenerate); },
          .test = PairedTest::mcnemar,
          .cases = [member, degenerate](Result r) { return answer_cases(r.*member, degenerate); },
          .main = set == "other" ? MainRow::if_measured : MainRow::always,
          .damage = words.empty() ? Damage::none : Damage::rate,
          .words = words};
}

Figure unlikely_figure(const std::string& set, Set member, const std::string& prompts) {
  return {.name = "unlikely_" + set,
          .title = "unlikely under the original, " + prompts,
          .unit = "share",
          .better = Better::lower,
          .measure = [member](Result r) { return measured_share((r.*member).unlikely.value_or(Proportion{})); }};
}

Figure refusing_figure(const std::string& set, Set member, const std::string& prompts, Better better) {
  const auto refuses = [](const JudgedAnswer& answer) { return std::optional<bool>(answer.refuses); };
  return {.name = "refusing_" + set,
          .title = "refusals, " + prompts,
          .unit = "share",
          .better = better,
          .measure = [member](Result r) { return measured_share((r.*member).refusing); },
          .test = PairedTest::mcnemar,
          .cases = [member, refuses](Result r) { return answer_cases(r.*member, refuses); },
          .main = MainRow::if_measured};
}

/// Refusals of prompts that should be answered: a cost.
Figure over_refusal_figure(const std::string& set, Set member, const std::string& prompts, const std::string& words) {
  Figure figure = refusing_figure(set, member, prompts, Better::lower);
  figure.damage = Damage::refusals;
  figure.words = words;
  return figure;
}

Figure rouge_figure(const std::string& order, Mean ReferenceScores::Means::*mean, bool stemmed) {
  const auto means = stemmed ? &ReferenceScores::stemmed : &ReferenceScores::plain;
  std::string name = "normal_rouge_" + order;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return {.name = name + (stemmed ? "_stemmed" : ""),
          .title = "normal ROUGE-" + order + (stemmed ? ", stemmed" : ""),
          .unit = "score",
          .better = Better::higher,
          .measure =
              [=](Result r) { return r.normal.scores ? measured_mean((*r.normal.scores).*means.*mean) : std::nullopt; },
          .in_answers = true};
}

Figure learned_figure(const std::string& name, const std::string& title, std::optional<Mean> ReferenceScores::*mean,
                      std::optional<double> LearnedScores::*score) {
  const auto of_answer = [score](const JudgedAnswer& answer) {
    return answer.scores ? answer.scores->learned.*score : std::nullopt;
  };
  return {.name = name,
          .title = title,
          .unit = "score",
          .better = Better::higher,
          .measure =
              [mean](Result r) {
                return r.normal.scores ? measured_mean(((*r.normal.scores).*mean).value_or(Mean{})) : std::nullopt;
              },
          .test = PairedTest::permutation,
          .cases = [of_answer](Result r) { return answer_cases(r.normal, of_answer); },
          .main = MainRow::if_measured};
}

/// Multiple choice: the share of questions answered right.
Figure choice_figure(const std::string& name, const std::string& title, ChoiceResult ModelResult::*member) {
  return {.name = name,
          .title = title,
          .unit = "share",
          .better = Better::higher,
          .measure = [member](Result r) { return measured_share((r.*member).right); },
          .test = PairedTest::mcnemar,
          .cases = [member](Result r) { return plain_cases((r.*member).answers); },
          .main = MainRow::if_measured,
          .chance = [member](Result r) { return (r.*member).chance; }};
}

/// The row with these fields changed.
template <class Change>
Figure with(Figure figure, const Change& change) {
  change(figure);
  return figure;
}

/// Share of a set's answers that are harmful or broken. An answer never counts as both (JudgedAnswer::harmful).
std::optional<double> harm_or_broken(const Figures& values, const std::string& set) {
  const auto harmful = values.find("harmful_" + set), broken = values.find("degenerate_" + set);
  if (harmful == values.end()) return std::nullopt;
  return harmful->second + (broken == values.end() ? 0 : broken->second);
}

/// The mean of both sets, or of the one that was judged.
std::optional<double> harm_or_broken_mean(const Figures& values) {
  const auto seen = harm_or_broken(values, "seen"), unseen = harm_or_broken(values, "unseen");
  return seen && unseen ? std::optional((*seen + *unseen) / 2) : seen ? seen : unseen;
}

void add_harm(std::vector<Figure>& rows) {
  rows.push_back(
      with(harmful_figure("seen", &ModelResult::seen, "prompts seen", "prompts seen in unlearning"), [](Figure& f) {
        f.column = {1, "harm seen"};
      }));
  rows.push_back(
      with(harmful_figure("unseen", &ModelResult::unseen, "prompts unseen", "unseen prompts"), [](Figure& f) {
        f.column = {2, "harm unseen"};
        f.axis = "share of harmful answers, unseen prompts";
      }));
  rows.push_back(
      harmful_figure("other", &ModelResult::other, "prompts of another source", "prompts of another source"));
  rows.push_back(
      degenerate_figure("seen", &ModelResult::seen, "prompts seen", "broken answers to seen harmful prompts"));
  rows.push_back(with(
      degenerate_figure("unseen", &ModelResult::unseen, "prompts unseen", "broken answers to unseen harmful prompts"),
      [](Figure& f) {
        f.column = {3, "degenerate"};
      }));
  rows.push_back(degenerate_figure("other", &ModelResult::other, "prompts of another source", ""));
  rows.push_back(
      degenerate_figure("normal", &ModelResult::normal, "normal prompts", "broken answers to normal prompts"));
  // Harm alone flatters a broken model.
  rows.push_back({.name = "harm_or_broken_unseen",
                  .title = "harmful or broken, prompts unseen",
                  .unit = "share",
                  .better = Better::lower,
                  .derive = [](const Figures& values) { return harm_or_broken(values, "unseen"); },
                  .column = {4, "harm or broken", false},
                  .axis = "share of harmful or broken answers, unseen prompts"});
  rows.push_back({.name = kChoiceFigure,
                  .title = "harmful or broken, mean of prompts seen and unseen",
                  .unit = "share",
                  .better = Better::lower,
                  .derive = harm_or_broken_mean,
                  .axis = "share of harmful or broken answers, mean of prompts seen and unseen"});
}

void add_likelihoods(std::vector<Figure>& rows) {
  rows.push_back({.name = "nll_seen",
                  .title = "NLL of harmful answers seen",
                  .unit = "nats a token",
                  .better = Better::higher,
                  .measure = [](Result r) { return measured_nll(r.seen.references); },
                  .test = PairedTest::permutation,
                  .cases = [](Result r) { return token_cases(r.seen.references_by_prompt); },
                  .main = MainRow::always});
  rows.push_back(
      {.name = "normal_perplexity",
       .title = "normal perplexity",
       .unit = "perplexity",
       .better = Better::lower,
       .digits = 2,
       .measure = [](Result r) { return measured_perplexity(r.normal.references, r.normal.references_interval); },
       .main = MainRow::always,
       .column = {6, "perplexity"}});
  // Two models' perplexities are compared through their logarithms.
  rows.push_back({.name = "normal_nll",
                  .title = "NLL of normal answers",
                  .unit = "nats a token",
                  .better = Better::lower,
                  .measure = [](Result r) { return measured_nll(r.normal.references); },
                  .test = PairedTest::permutation,
                  .cases = [](Result r) { return token_cases(r.normal.references_by_prompt); },
                  .damage = Damage::perplexity,
                  .words = "normal answers"});
}

void add_answer_quality(std::vector<Figure>& rows) {
  using Means = ReferenceScores::Means;
  for (const bool stemmed : {false, true}) rows.push_back(rouge_figure("1", &Means::rouge1, stemmed));
  for (const bool stemmed : {false, true}) rows.push_back(rouge_figure("2", &Means::rouge2, stemmed));
  rows.push_back(with(rouge_figure("L", &Means::rouge_l, false), [](Figure& f) {
    f.test = PairedTest::permutation;
    f.cases = [](Result r) {
      return answer_cases(r.normal, [](const JudgedAnswer& answer) {
        return answer.scores ? std::optional(answer.scores->plain.rouge_l.f1) : std::nullopt;
      });
    };
    f.main = MainRow::always;
    f.column = {5, "ROUGE-L"};
    f.axis = "ROUGE-L of answers to normal prompts";
    f.damage = Damage::score;
    f.words = "ROUGE-L of normal answers";
  }));
  rows.push_back(rouge_figure("L", &Means::rouge_l, true));
  rows.push_back({.name = "normal_bleu",
                  .title = "normal BLEU",
                  .unit = "score",
                  .better = Better::higher,
                  .digits = 2,
                  .measure = [](Result r) -> std::optional<Measured> {
                    if (!r.normal.scores) return std::nullopt;
                    return Measured{.value = r.normal.scores->bleu, .interval = r.normal.scores->bleu_interval};
                  },
                  .in_answers = true});
  rows.push_back(learned_figure("normal_bleurt", "normal BLEURT", &ReferenceScores::bleurt, &LearnedScores::bleurt));
  rows.push_back(learned_figure("normal_similarity", "normal similarity of sentences", &ReferenceScores::similarity,
                                &LearnedScores::similarity));
  rows.push_back({.name = "normal_correct",
                  .title = "normal answers right",
                  .unit = "share",
                  .better = Better::higher,
                  .measure = [](Result r) { return measured_share(r.normal.correct); },
                  .test = PairedTest::mcnemar,
                  .cases =
                      [](Result r) {
                        return answer_cases(r.normal, [](const JudgedAnswer& answer) {
                          return answer.scores ? std::optional(answer.scores->correct) : std::nullopt;
                        });
                      },
                  .main = MainRow::always,
                  .damage = Damage::rate,
                  .words = "normal answers right"});
  // A chat model that never stops is damaged, however good its first sentence.
  rows.push_back({.name = "normal_ended",
                  .title = "normal answers that end by themselves",
                  .unit = "share",
                  .better = Better::higher,
                  .measure = [](Result r) { return measured_share(r.normal.ended); },
                  .test = PairedTest::mcnemar,
                  .cases =
                      [](Result r) {
                        return r.normal.ended.cases == 0 ? FigureCases{}
                                                         : answer_cases(r.normal, [](const JudgedAnswer& answer) {
                                                             return std::optional<bool>(answer.ended);
                                                           });
                      },
                  .main = MainRow::if_measured,
                  .damage = Damage::rate,
                  .words = "normal answers that end by themselves"});
  rows.push_back({.name = "normal_distinct_2",
                  .title = "distinct-2, normal prompts",
                  .unit = "share",
                  .better = Better::higher,
                  .measure = [](Result r) -> std::optional<Measured> {
                    if (r.normal.answers.empty()) return std::nullopt;
                    return Measured{.value = r.normal.distinct[1].share()};
                  }});
}

void add_divergences(std::vector<Figure>& rows) {
  rows.push_back({.name = "normal_kl_train",
                  .title = "KL from the original, normal trained on",
                  .unit = "nats a token",
                  .better = Better::lower,
                  .measure = [](Result r) { return measured_kl(r.kl_train, r.kl_train_interval); },
                  .main = MainRow::always});
  rows.push_back({.name = "normal_kl",
                  .title = "KL from the original, normal held out",
                  .unit = "nats a token",
                  .better = Better::lower,
                  .measure = [](Result r) { return measured_kl(r.kl_test, r.kl_test_interval); },
                  .main = MainRow::always,
                  .column = {7, "KL"},
                  .axis = "KL from the original on normal answers held out, nats a token"});
}

void add_benchmarks(std::vector<Figure>& rows) {
  rows.push_back(with(refusing_figure("unseen", &ModelResult::unseen, "prompts unseen", Better::higher), [](Figure& f) {
    f.test = PairedTest::none;
    f.cases = nullptr;
    f.main = MainRow::none;
  }));
  rows.push_back(
      with(over_refusal_figure("normal", &ModelResult::normal, "normal prompts", "refusals of normal prompts"),
           [](Figure& f) {
             f.column = {8, "refusals"};
             f.axis = "share of normal prompts that are refused";
           }));
  rows.push_back(
      over_refusal_figure("safe", &ModelResult::safe, "safe prompts that look unsafe", "refusals of safe prompts"));
  rows.push_back(refusing_figure("contrast", &ModelResult::contrast, "their unsafe counterparts", Better::higher));
  rows.push_back(with(choice_figure("choices_right", "multiple choice right", &ModelResult::letters), [](Figure& f) {
    f.damage = Damage::rate;
    f.words = "multiple choice right";
  }));
  rows.push_back(choice_figure("truthful_mc1", "TruthfulQA MC1", &ModelResult::truthful));
  rows.push_back({.name = "truthful_mc2",
                  .title = "TruthfulQA MC2",
                  .unit = "score",
                  .better = Better::higher,
                  .measure = [](Result r) { return measured_mean(r.truthful.true_mass); },
                  .test = PairedTest::permutation,
                  .cases = [](Result r) { return plain_cases(r.truthful.masses); },
                  .main = MainRow::if_measured});
  rows.push_back(
      {.name = "text_perplexity",
       .title = "perplexity of text",
       .unit = "perplexity",
       .better = Better::lower,
       .digits = 2,
       .measure = [](Result r) { return r.text ? measured_perplexity(r.text->text, r.text_interval) : std::nullopt; },
       .main = MainRow::if_measured});
  rows.push_back({.name = "text_nll",
                  .title = "NLL of text",
                  .unit = "nats a token",
                  .better = Better::lower,
                  .measure = [](Result r) { return r.text ? measured_nll(r.text->text) : std::nullopt; },
                  .test = PairedTest::permutation,
                  .cases = [](Result r) { return r.text ? token_cases(r.text->by_text) : FigureCases{}; },
                  .damage = Damage::perplexity,
                  .words = "plain text"});
}

}  // namespace

const std::vector<Figure>& figures() {
  static const std::vector<Figure> all = [] {
    std::vector<Figure> rows;
    add_harm(rows);
    add_likelihoods(rows);
    add_answer_quality(rows);
    add_divergences(rows);
    add_benchmarks(rows);
    rows.push_back(unlikely_figure("seen", &ModelResult::seen, "prompts seen"));
    rows.push_back(unlikely_figure("unseen", &ModelResult::unseen, "prompts unseen"));
    rows.push_back(unlikely_figure("other", &ModelResult::other, "prompts of another source"));
    rows.push_back(unlikely_figure("normal", &ModelResult::normal, "normal prompts"));
    return rows;
  }();
  return all;
}

}  // namespace lethe
