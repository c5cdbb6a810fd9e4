// What in a model's answers hints at a wrong prompt template.
#include "evaluation/template_signs.h"

#include <gmock/gmock.h>

namespace lethe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ModelResult answers_of(std::size_t count, const std::string& response) {
  ModelResult result;
  for (std::size_t i = 0; i < count; ++i)
    (i % 2 == 0 ? result.seen : result.normal).answers.push_back({"How " + std::to_string(i) + "?", response});
  return result;
}

EvaluationOptions options_of(bool has_chat_template) {
  EvaluationOptions options;
  options.has_chat_template = has_chat_template;
  if (has_chat_template) {
    options.layout = Template::chat(ChatTemplate(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}", {}, "test"));
  }
  return options;
}

TEST(TemplateSigns, SoundAnswersShowNone) {
  for (const bool chat : {false, true}) EXPECT_THAT(template_signs(answers_of(20, "So."), options_of(chat)), IsEmpty());
}

TEST(TemplateSigns, AnotherTemplateThanTheModelsIsNamed) {
  EvaluationOptions options;  // SKU's text
  options.has_chat_template = true;
  EXPECT_THAT(template_signs({}, options), ElementsAre(HasSubstr("has a chat template, but its prompts use SKU's")));
  options.layout = Template::parse("Q: {prompt} A: {response}");
  EXPECT_THAT(template_signs({}, options), ElementsAre(HasSubstr("use another text")));
}

TEST(TemplateSigns, EchoesOfTheTemplateAreCountedUnlessThePromptHasThem) {
  ModelResult result = answers_of(20, "So.");
  result.seen.answers[0].response = "So.\n### Question: And then?";
  EXPECT_THAT(template_signs(result, options_of(false)), IsEmpty());  // 1 of 20 says little
  result.normal.answers[0].response = "### Explanation";
  EXPECT_THAT(template_signs(result, options_of(false)),
              ElementsAre(HasSubstr("2 of the original's 20 answers contain parts of a prompt template (\"###")));
  result.normal.answers[0].prompt = "What is ### in Markdown?";
  EXPECT_THAT(template_signs(result, options_of(false)), IsEmpty());

  // A heading of Markdown is no echo under a chat template; special tokens written as text are.
  EXPECT_THAT(template_signs(answers_of(20, "### Step 1"), options_of(true)), IsEmpty());
  EXPECT_THAT(template_signs(answers_of(20, "<|im_start|>user"), options_of(true)), ElementsAre(HasSubstr("20 of")));
}

TEST(TemplateSigns, AnswersThatNeverEndAreASignIfTheModelShouldKnowAnEnd) {
  ModelResult result = answers_of(20, "And so on and");
  for (SetResult* set : {&result.seen, &result.normal}) {
    for (JudgedAnswer& answer : set->answers) answer.ended = false;
  }
  EXPECT_THAT(template_signs(result, options_of(false)), IsEmpty());  // nobody taught it
  EXPECT_THAT(template_signs(result, options_of(true)), ElementsAre(HasSubstr("Only 0 of the original's 20 answers")));
  EvaluationOptions taught = options_of(false);
  taught.examples.append_eos = true;
  EXPECT_THAT(template_signs(result, taught), ElementsAre(HasSubstr("ended within 100 tokens")));
  taught.max_new_tokens = 40;  // good answers are cut there too
  EXPECT_THAT(template_signs(result, taught), IsEmpty());
  result.seen.answers[0].ended = result.seen.answers[1].ended = true;
  EXPECT_THAT(template_signs(result, options_of(true)), IsEmpty());
}

TEST(TemplateSigns, LoopsAndEmptyAnswersAreASign) {
  ModelResult result = answers_of(20, "So.");
  for (std::size_t i = 0; i < 4; ++i) result.seen.answers[i].degeneracy = Degeneracy::repeating;
  EXPECT_THAT(template_signs(result, options_of(true)), IsEmpty());
  result.normal.answers[0].degeneracy = Degeneracy::empty;
  EXPECT_THAT(template_signs(result, options_of(true)),
              ElementsAre(HasSubstr("5 of the original's 20 answers are empty (1) or repeat themselves (4)")));
}

TEST(TemplateSigns, GreedyAnswersThatTheModelFindsUnlikelyAreASign) {
  ModelResult result = answers_of(20, "So.");
  const auto score = [&](double nll) {
    for (SetResult* set : {&result.seen, &result.normal}) {
      for (JudgedAnswer& answer : set->answers) answer.under_original = Perplexity{nll * 10, 10};
    }
  };
  score(0.8);
  EXPECT_THAT(template_signs(result, options_of(true)), IsEmpty());
  score(3);
  EXPECT_THAT(template_signs(result, options_of(true)), ElementsAre(HasSubstr("own 20 answers is 20.1")));
}

TEST(TemplateSigns, FewAnswersSayNothing) {
  EXPECT_THAT(template_signs(answers_of(9, "### Question: what?"), options_of(false)), IsEmpty());
}

}  // namespace
}  // namespace lethe
