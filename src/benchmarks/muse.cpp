#include "benchmarks/muse.h"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>

#include "benchmarks/membership_attacks.h"
#include "benchmarks/retain_results.h"
#include "benchmarks/texts.h"
#include "core/error.h"
#include "core/messages.h"
#include "core/trimmed.h"
#include "data/fields.h"
#include "data/unlearning_rows.h"
#include "metrics/degenerate.h"
#include "metrics/memorization.h"
#include "metrics/rouge.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kVerbatimTokens = 128, kKnowledgeTokens = 32;

TextPlace place_of(const TextRow& row) {
  return {row.source, row.line};
}

/// Questions with the answered ones that precede each of them.
struct KnowledgeSet {
  std::vector<TextRow> questions;  ///< question, answer
  std::string shots;
};

/// ROUGE-L F1 as MUSE computes it (plain words) and as OpenUnlearning does (stems).
struct AnswerMatch {
  double plain = 0, stemmed = 0;
};
AnswerMatch match_of(const std::string& answer, const std::string& reference) {
  return {rouge(answer, reference, {.stem = false}).rouge_l.f1, rouge(answer, reference).rouge_l.f1};
}

// The answer ends where the next question would begin; an answer that begins with an empty line is empty.
std::string before_next_question(std::string answer) {
  for (const char* end : {"\n\n", "\nQuestion", "Question:"}) answer.resize(std::min(answer.find(end), answer.size()));
  return std::string(trimmed(answer));
}

/// A text as far as the model's positions reach.
struct ScoredText {
  ResponseTokens tokens;
  std::string text;
};

class Muse : public Benchmark {
 public:
  explicit Muse(const BenchmarkRequest& request);

  std::vector<double> reference_losses(const BenchmarkedModel& reference) const override;
  BenchmarkResult run(const BenchmarkedModel& model, std::span<const double> reference) const override;
  std::vector<std::pair<std::string, std::size_t>> sizes() const override;

 private:
  std::vector<TextRow> read(const std::string& part, const std::string& file, const std::vector<std::string>& columns,
                            std::size_t limit) const;
  KnowledgeSet read_knowledge(const std::string& name, std::size_t limit) const;
  void measure_verbatim(const BenchmarkedModel& model, BenchmarkResult& result) const;
  void measure_knowledge(const BenchmarkedModel& model, const KnowledgeSet& set, const std::string& name,
                         BenchmarkResult& result) const;
  std::vector<AttackScores> attack(const BenchmarkedModel& model, const std::vector<TextRow>& texts,
                                   const std::string& name, std::span<const double> reference,
                                   BenchmarkResult& result) const;
  static std::vector<ScoredText> score_texts(const BenchmarkedModel& model, const std::vector<TextRow>& texts,
                                             const std::string& title, bool moments);

  fs::path folder_;
  std::vector<TextRow> verbatim_;  // prompt, gt
  KnowledgeSet knowledge_forget_, knowledge_retain_;
  std::vector<TextRow> forget_texts_, holdout_texts_;  // text
  std::optional<RetainResults> retained_;
  std::int64_t max_new_tokens_;
};

// The part of a text that its first tokens stand for.
std::string text_of_first(const Encoding& encoding, std::size_t tokens, const std::string& text) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < tokens; ++i) end = std::max(end, encoding.offsets[i].second);
  return text.substr(0, end);
}

std::string corpus_of(const BenchmarkRequest& request) {
  return request.split.empty() ? "news" : request.split;
}

// privleak of two corpora would be a number without meaning.
void check_same_corpus(const RetainResults& retained, const std::string& corpus) {
  const std::string theirs = retained.split.empty() ? "news" : retained.split;
  if (theirs == corpus) return;
  throw bad_input("cannot compare with the retain model of " + retained.path)
      .wanted("results of the same corpus, " + corpus)
      .found(excerpt(theirs))
      .hint("the same --split for both models");
}

// The corpus in a folder of both, or the folder itself. The Hub's repositories are MUSE-News and MUSE-Books.
fs::path corpus_folder(const BenchmarkRequest& request) {
  std::error_code none;
  const auto is_corpus = [&](const fs::path& folder) {
    return fs::is_directory(folder / "verbmem", none) || fs::is_directory(folder / "knowmem", none) ||
           fs::is_directory(folder / "privleak", none);
  };
  const std::string corpus = corpus_of(request);
  if (corpus != "news" && corpus != "books")
    throw bad_usage("cannot run muse").wanted("--split news or books").found(excerpt(corpus));
  const std::string on_hub = corpus == "news" ? "MUSE-News" : "MUSE-Books";
  for (const fs::path& folder : {request.data / corpus, request.data / on_hub, request.data}) {
    if (is_corpus(folder)) return folder;
  }
  throw bad_input("cannot read MUSE's texts")
      .with("folder", request.data.string())
      .wanted("verbmem/, knowmem/ and privleak/, or " + corpus + "/ with these")
      .found("none of them");
}

Muse::Muse(const BenchmarkRequest& request) : folder_(corpus_folder(request)), max_new_tokens_(request.max_new_tokens) {
  verbatim_ = read("verbmem", "forget", {"prompt", "gt"}, request.limit);
  knowledge_forget_ = read_knowledge("forget_qa", request.limit);
  knowledge_retain_ = read_knowledge("retain_qa", request.limit);
  forget_texts_ = read("privleak", "forget", {"text"}, request.limit);
  holdout_texts_ = read("privleak", "holdout", {"text"}, request.limit);
  if (verbatim_.empty() && knowledge_forget_.questions.empty() && forget_texts_.empty()) {
    throw bad_input("cannot read MUSE's texts")
        .with("folder", folder_.string())
        .wanted("verbmem/forget.json, knowmem/forget_qa.json or privleak/forget.json")
        .found("none of them");
  }
  if (!request.retain.empty()) {
    retained_ = read_retain_results(request.retain, request.name);
    check_same_corpus(*retained_, corpus_of(request));
    for (const auto& [set, texts] :
         {std::pair("privleak_forget", &forget_texts_), {"privleak_holdout", &holdout_texts_}})
      check_retained_size(*retained_, set, texts->size());
  }
}

std::vector<TextRow> Muse::read(const std::string& part, const std::string& file,
                                const std::vector<std::string>& columns, std::size_t limit) const {
  const std::vector<DataSource> sources = files_named(folder_ / part, file);
  if (sources.empty()) return {};
  LoadedTextRows loaded = load_text_rows(sources, columns);
  report_files(loaded.files);
  keep_first(loaded.rows, limit);
  return std::move(loaded.rows);
}

KnowledgeSet Muse::read_knowledge(const std::string& name, std::size_t limit) const {
  KnowledgeSet set{read("knowmem", name, {"question", "answer"}, limit), ""};
  for (const TextRow& shot : read("knowmem", name + "_icl", {"question", "answer"}, 0))
    set.shots += "Question: " + shot.texts[0] + "\nAnswer: " + shot.texts[1] + "\n\n";
  return set;
}

std::vector<std::pair<std::string, std::size_t>> Muse::sizes() const {
  return {{"verbmem", verbatim_.size()},
          {"knowmem_forget", knowledge_forget_.questions.size()},
          {"knowmem_retain", knowledge_retain_.questions.size()},
          {"privleak_forget", forget_texts_.size()},
          {"privleak_holdout", holdout_texts_.size()}};
}

void Muse::measure_verbatim(const BenchmarkedModel& model, BenchmarkResult& result) const {
  const std::int64_t most = max_new_tokens_ > 0 ? max_new_tokens_ : kVerbatimTokens;
  // As OpenUnlearning lays out these rows; the greedy continuation needs the prompt alone.
  static const Template joined = Template::parse("{prompt} {response}");
  std::vector<std::string> references, whole;
  std::vector<std::vector<int>> prompts;
  std::vector<std::vector<Example>> groups;
  for (const TextRow& row : verbatim_) {
    std::vector<int> ids = model.tokenizer.encode(row.texts[1]).ids;
    ids.resize(std::min(ids.size(), static_cast<std::size_t>(most)));
    references.push_back(model.tokenizer.decode(ids));
    whole.push_back(row.texts[1]);
    prompts.push_back(model.tokenizer.encode(row.texts[0]).ids);
    groups.push_back({response_example(model, joined, row.texts[0], row.texts[1], place_of(row))});
  }
  Progress progress("verbmem: scores", groups.size(), "texts");
  const auto tokens =
      response_tokens(model.model, groups, {.progress = [&](std::size_t done) { progress.update(done); }});
  progress.finish();
  const std::vector<std::string> answers = greedy_answers(model, prompts, most, "verbmem: answers");
  const DegenerateDetector detector(whole);
  std::vector<double> plain, stemmed, strengths, shares;
  std::size_t gibberish = 0, degenerate = 0;
  for (std::size_t i = 0; i < verbatim_.size(); ++i) {
    finite_loss(tokens[i][0], place_of(verbatim_[i]));
    const AnswerMatch match = match_of(answers[i], references[i]);
    const Degeneracy broken = detector.check(answers[i]);
    plain.push_back(match.plain);
    stemmed.push_back(match.stemmed);
    strengths.push_back(extraction_strength(tokens[i][0].right));
    shares.push_back(exact_memorization(tokens[i][0].right));
    gibberish += broken == Degeneracy::gibberish;
    degenerate += broken != Degeneracy::none;
    result.rows.push_back({{"set", "verbmem"},
                           {"index", verbatim_[i].index},
                           {"prompt", verbatim_[i].texts[0]},
                           {"answer", references[i]},
                           {"generation", trimmed(answers[i])},
                           {"rouge_l_f1", match.plain},
                           {"rouge_l_f1_stemmed", match.stemmed},
                           {"extraction_strength", strengths.back()},
                           {"exact_memorization", shares.back()},
                           {"degeneracy", word_of(broken)}});
  }
  result.add("verbmem_forget", mean_of(plain));
  if (!stemmed.empty())
    result.open_unlearning.push_back({"forget_verbmem_ROUGE", mean_of(stemmed).value, std::nullopt});
  result.add("extraction_strength", mean_of(strengths), {"extraction_strength"});
  result.add("exact_memorization", mean_of(shares), {"exact_memorization"});
  result.add("forget_gibberish", proportion(gibberish, verbatim_.size()));
  result.add("forget_degenerate", proportion(degenerate, verbatim_.size()));
}

void Muse::measure_knowledge(const BenchmarkedModel& model, const KnowledgeSet& set, const std::string& name,
                             BenchmarkResult& result) const {
  std::vector<std::vector<int>> prompts;
  for (const TextRow& row : set.questions) {
    prompts.push_back(model.tokenizer.encode(set.shots + "Question: " + row.texts[0] + "\nAnswer: ").ids);
    check_tokens(model, prompts.back(), place_of(row));
  }
  const std::vector<std::string> answers = greedy_answers(
      model, prompts, max_new_tokens_ > 0 ? max_new_tokens_ : kKnowledgeTokens, "knowmem " + name + ": answers");
  std::vector<double> plain, stemmed;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    const TextRow& row = set.questions[i];
    const std::string answer = before_next_question(answers[i]);
    const AnswerMatch match = match_of(answer, row.texts[1]);
    plain.push_back(match.plain);
    stemmed.push_back(match.stemmed);
    result.rows.push_back({{"set", "knowmem_" + name},
                           {"index", row.index},
                           {"question", row.texts[0]},
                           {"answer", row.texts[1]},
                           {"generation", answer},
                           {"rouge_l_f1", match.plain},
                           {"rouge_l_f1_stemmed", match.stemmed}});
  }
  result.add("knowmem_" + name, mean_of(plain));
  if (!stemmed.empty())
    result.open_unlearning.push_back({name + "_knowmem_ROUGE", mean_of(stemmed).value, std::nullopt});
}

std::vector<ScoredText> Muse::score_texts(const BenchmarkedModel& model, const std::vector<TextRow>& texts,
                                          const std::string& title, bool moments) {
  const auto most = static_cast<std::size_t>(model.model.spec().max_positions);
  std::vector<std::vector<Example>> groups;
  std::vector<ScoredText> scored;
  std::size_t cut = 0;
  for (const TextRow& row : texts) {
    Encoding encoding = model.tokenizer.encode(row.texts[0]);
    if (encoding.ids.size() < 2) {
      throw bad_input("cannot score " + row.source + ", line " + with_commas(row.line))
          .wanted("at least two tokens")
          .found(with_commas(encoding.ids.size()));
    }
    scored.push_back({{}, row.texts[0]});
    if (most > 0 && encoding.ids.size() > most) {
      encoding.ids.resize(most);
      scored.back().text = text_of_first(encoding, most, row.texts[0]);
      ++cut;
    }
    check_tokens(model, encoding.ids, place_of(row));
    groups.push_back({Example{std::move(encoding.ids), 1}});
  }
  if (cut > 0)
    warn(with_commas(cut) + " of " + with_commas(texts.size()) + " texts of " + title + " are cut at " +
         with_commas(most) + " tokens, the model's positions");
  Progress progress(title, groups.size(), "texts");
  auto tokens = response_tokens(model.model, groups,
                                {.moments = moments, .progress = [&](std::size_t done) { progress.update(done); }});
  for (std::size_t i = 0; i < scored.size(); ++i) scored[i].tokens = std::move(tokens[i][0]);
  return scored;
}

std::vector<double> Muse::reference_losses(const BenchmarkedModel& reference) const {
  std::vector<double> losses;
  for (const auto* texts : {&forget_texts_, &holdout_texts_}) {
    for (const ScoredText& text : score_texts(reference, *texts, "reference model", false))
      losses.push_back(text.tokens.loss());
  }
  return losses;
}

std::vector<AttackScores> Muse::attack(const BenchmarkedModel& model, const std::vector<TextRow>& texts,
                                       const std::string& name, std::span<const double> reference,
                                       BenchmarkResult& result) const {
  const std::vector<ScoredText> scored = score_texts(model, texts, "privleak " + name, true);
  const std::size_t before = name == "holdout" ? forget_texts_.size() : 0;
  std::vector<AttackScores> scores;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const double loss = finite_loss(scored[i].tokens, place_of(texts[i]));
    scores.push_back(attack_scores(scored[i].tokens, scored[i].text, reference_loss(reference, before + i)));
    OrderedJson line = {{"set", "privleak_" + name}, {"index", texts[i].index}, {"loss", loss}};
    scores.back().put(line);
    result.rows.push_back(std::move(line));
  }
  return scores;
}

BenchmarkResult Muse::run(const BenchmarkedModel& model, std::span<const double> reference) const {
  BenchmarkResult result;
  measure_verbatim(model, result);
  measure_knowledge(model, knowledge_forget_, "forget", result);
  measure_knowledge(model, knowledge_retain_, "retain", result);
  const auto forget = attack(model, forget_texts_, "forget", reference, result);
  const auto holdout = attack(model, holdout_texts_, "holdout", reference, result);
  add_attack_figures(result, forget, holdout, retained_ ? retained_->min_k_auc : std::nullopt);
  for (const auto& [set, count] : sizes()) {
    if (count == 0) result.notes.push_back(set + ": no file in " + excerpt(folder_.string(), 300));
  }
  return result;
}

}  // namespace

std::unique_ptr<Benchmark> open_muse(const BenchmarkRequest& request) {
  return std::make_unique<Muse>(request);
}

}  // namespace lethe
