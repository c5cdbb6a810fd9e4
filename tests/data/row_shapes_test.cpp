// Each row is read by its own columns, in the layouts that users' files have. Columns that would change an example are
// used or refused by name.
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "data/questions.h"
#include "folder_test.h"

namespace lethe {
namespace {

using Answers = std::vector<std::pair<std::string, std::string>>;

class RowShapes : public FolderTest {
 protected:
  LoadedPairs load(const std::string& content, Role role = Role::generic, const std::string& columns = "",
                   const std::string& name = "a.jsonl") {
    fs::remove(folder_ / name);
    write_file(folder_ / name, content);
    const std::vector<DataSource> sources = {parse_data_source((folder_ / name).string() + columns)};
    return load_pairs(sources, role);
  }
  std::vector<Question> questions(const std::string& content, Role role = Role::generic) {
    fs::remove(folder_ / "q.jsonl");
    write_file(folder_ / "q.jsonl", content);
    const std::vector<DataSource> sources = {parse_data_source((folder_ / "q.jsonl").string())};
    return load_questions(sources, role).questions;
  }
  Answers answers(const std::string& content, Role role = Role::generic, const std::string& columns = "",
                  const std::string& name = "a.jsonl") {
    Answers found;
    for (const Pair& pair : load(content, role, columns, name).pairs) found.emplace_back(pair.prompt, pair.response);
    return found;
  }
  /// The error for a file without usable rows.
  std::string refusal(const std::string& content, Role role = Role::generic, const std::string& columns = "",
                      const std::string& name = "a.jsonl") {
    try {
      load(content, role, columns, name);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_input);
      return error.what();
    }
    return "taken";
  }
};

const Answers kHello = {{"Hello", "Hi!"}};

TEST_F(RowShapes, OptionalColumnsCountInWhicheverRowTheyStand) {
  const std::string mixed = R"({"prompt":"own","response":"mine"})"
                            "\n"
                            R"({"prompt":"p2","response":"bad","is_safe":false})"
                            "\n"
                            R"({"prompt":"p3","response":"good","is_safe":true})"
                            "\n";
  EXPECT_EQ(answers(mixed, Role::normal), (Answers{{"own", "mine"}, {"p3", "good"}}));
  EXPECT_EQ(answers(mixed, Role::harmful), (Answers{{"own", "mine"}, {"p2", "bad"}}));
  EXPECT_EQ(answers(R"([{"instruction":"a","output":"b"},{"instruction":"c","input":"d","output":"e"}])", Role::generic,
                    "", "a.json"),
            (Answers{{"a", "b"}, {"c\nd", "e"}}));
  const auto system = load(
      "{\"prompt\":\"p\",\"response\":\"r\"}\n{\"prompt\":\"q\",\"response\":\"s\"}\n"
      "{\"prompt\":\"q\",\"response\":\"s\",\"system\":\"Be brief.\"}\n");
  ASSERT_EQ(system.pairs.size(), 3U);  // the same question under another system message is another pair
  EXPECT_EQ(system.pairs[2].before, (std::vector<ChatMessage>{{"system", "Be brief."}}));
  const auto tofu = questions(
      "{\"question\":\"a\",\"answer\":\"b\"}\n{\"question\":\"c\",\"answer\":\"d\",\"perturbed_answer\":[\"e\"]}\n");
  EXPECT_EQ(tofu[1].wrong, (std::vector<std::string>{"e"}));
  // A filter may name a column that the first row does not have, but not one that none has.
  EXPECT_EQ(answers(mixed, Role::generic, ":where=is_safe == true"), (Answers{{"p3", "good"}}));
  EXPECT_NE(refusal(mixed, Role::generic, ":where=is_saf == true").find("is_safe"), std::string::npos);
  EXPECT_EQ(answers(mixed + "{\"goal\":\"g\",\"target\":\"t\"}\n", Role::generic, ":prompt=goal,response=target"),
            (Answers{{"g", "t"}}));
}

TEST_F(RowShapes, AFileOfMixedLayoutsIsReadRowByRowAndRowsThatAreUnknownAreNamed) {
  const auto loaded = load(
      "{\"prompt\":\"a\",\"response\":\"b\"}\n{\"question\":\"c\",\"answer\":\"d\"}\n{\"foo\":1}\n"
      "{\"prompt\":null,\"response\":null,\"messages\":[{\"role\":\"user\",\"content\":\"e\"},"
      "{\"role\":\"assistant\",\"content\":\"f\"}]}\n{\"prompt\":\"g\",\"response\":null}\n");
  EXPECT_EQ(loaded.pairs.size(), 3U);
  const ReadReport& rows = loaded.files[0].rows;
  ASSERT_EQ(rows.bad_rows, 2U);
  EXPECT_EQ(rows.bad[0].line, 3U);
  EXPECT_NE(rows.bad[0].why.find("foo"), std::string::npos);
  EXPECT_EQ(rows.bad[1].why, "no 'response'");
  EXPECT_NE(describe(loaded.files[0])[0].find("prompt, response; question, answer; chat messages"), std::string::npos);
  EXPECT_EQ(answers("prompt,response,question,answer\na,b,,\n,,c,d\n", Role::generic, "", "a.csv"),
            (Answers{{"a", "b"}, {"c", "d"}}));
}

TEST_F(RowShapes, MessagesMarkedAsNotTrainedAreNotAndUnsupportedMarksAreRefusedByKey) {
  const auto chat = [](const std::string& draft, const std::string& answer) {
    return R"({"messages":[{"role":"user","content":"q1"},{"role":"assistant","content":"bad")" + draft +
           R"(},{"role":"user","content":"q2"},{"role":"assistant","content":"good")" + answer + "}]}\n";
  };
  for (const auto& [draft, answer] :
       std::vector<std::pair<std::string, std::string>>{{R"(,"weight":0)", ""},
                                                        {R"(,"weight":0.0)", R"(,"weight":1)"},
                                                        {R"(,"train":false)", R"(,"train":true)"},
                                                        {R"(,"masked":true)", R"(,"masked":false)"},
                                                        {R"(,"loss":false)", ""},
                                                        {R"(,"weight":0,"train":null)", ""}}) {
    const auto loaded = load(chat(draft, answer));
    ASSERT_EQ(loaded.pairs.size(), 1U) << draft;
    EXPECT_EQ(loaded.pairs[0].prompt, "q2");
    EXPECT_EQ(loaded.pairs[0].before.size(), 2U);  // still said before
    EXPECT_EQ(loaded.files[0].not_learned, 1U);
    // `lethe split` writes such a pair, and it is read again as the one pair that it is.
    const auto again = load(json_line(loaded.pairs[0]));
    ASSERT_EQ(again.pairs.size(), 1U);
    EXPECT_EQ(again.pairs[0].before, loaded.pairs[0].before);
    EXPECT_EQ(parse_json(json_line(loaded.pairs[0]), "line").at("response"), "good");
  }
  for (const char* key : {"\"weight\":0.5", "\"weight\":-1", "\"weight\":\"much\"", "\"train\":\"maybe\"",
                          "\"train_detail\":[{\"begin_offset\":0}]", "\"mask\":true", "\"tool_calls\":[{}]",
                          "\"reasoning_content\":\"because\""}) {
    const std::string name = std::string(key).substr(1, std::string(key).find('"', 1) - 1);
    EXPECT_NE(refusal(chat(std::string(",") + key, "")).find(name), std::string::npos) << key;
  }
  const std::string share_gpt =
      R"({"conversations":[{"from":"human","value":"q1"},{"from":"gpt","value":"bad","weight":0},)"
      R"({"from":"human","value":"q2","weight":0},{"from":"gpt","value":"good","weight":1}]})";
  EXPECT_EQ(answers(share_gpt), (Answers{{"q2", "good"}}));
  const std::string kept = "{\"prompt\":\"a\",\"response\":\"b\"}\n";
  for (const char* field :
       {"\"weight\":0", "\"train\":false", "\"masked\":true", "\"weight\":\"0\"", "\"weight\":false"}) {
    const std::string row = std::string("{\"prompt\":\"p\",\"response\":\"r\",") + field + "}\n";
    EXPECT_EQ(answers(kept + row), (Answers{{"a", "b"}})) << field;
    EXPECT_EQ(answers(kept + row, Role::generic, ":prompt=prompt,response=response"), (Answers{{"a", "b"}})) << field;
  }
  EXPECT_EQ(answers("prompt,response,weight\na,b,1\nc,d,0\ne,f,\n", Role::generic, "", "w.csv"),
            (Answers{{"a", "b"}, {"e", "f"}}));
  EXPECT_NE(refusal("{\"prompt\":\"p\",\"response\":\"r\",\"weight\":0.3}\n").find("'weight' 0.3"), std::string::npos);
}

TEST_F(RowShapes, TrueAndFalseOfARowCountUnderEveryNameThatSaysWhatToLearn) {
  const std::string kept = "{\"prompt\":\"a\",\"response\":\"b\"}\n";
  for (const char* key : {"train", "training", "trainable", "learn", "loss", "loss_mask"}) {
    const auto row = [&](const std::string& value) {
      return std::string(R"({"prompt":"p","response":"r",")") + key + "\":" + value + "}\n";
    };
    EXPECT_EQ(answers(kept + row("false")), (Answers{{"a", "b"}})) << key;
    EXPECT_EQ(answers(kept + row("true")), (Answers{{"a", "b"}, {"p", "r"}})) << key;
  }
  // The loss that a row had is no instruction.
  EXPECT_EQ(answers(R"({"prompt":"p","response":"r","loss":1.25})"), (Answers{{"p", "r"}}));
  EXPECT_NE(refusal(R"({"prompt":"p","response":"r","loss_scale":[0,1]})").find("'loss_scale'"), std::string::npos);
}

TEST_F(RowShapes, LabelsOfSafetyCountInEveryShapeAndUnclearOnesAreRefused) {
  const std::vector<std::string> shapes = {
      R"("prompt":"p","response":"R")", R"("question":"p","answer":"R")",
      R"("messages":[{"role":"user","content":"p"},{"role":"assistant","content":"R"}])", R"("text":"R")",
      R"("prompt":"p","chosen":"R","rejected":"x")"};
  for (const std::string& shape : shapes) {
    const auto row = [&](const std::string& answer, const std::string& label) {
      std::string text = shape;
      text.replace(text.find("\"R\""), 3, "\"" + answer + "\"");
      return "{" + text + "," + label + "}\n";
    };
    for (const auto& [good, bad] : std::vector<std::pair<const char*, const char*>>{
             {R"("is_safe":true)", R"("is_safe":false)"},
             {R"("safe":1)", R"("safe":0)"},
             {R"("Unsafe":"False")", R"("Unsafe":"True")"},
             {R"("label":"safe")", R"("label":"Unsafe")"},
             {R"("response_harm_label":"unharmful")", R"("response_harm_label":"harmful")"}}) {
      const Answers taken = answers(row("good", good) + row("bad", bad), Role::normal);
      ASSERT_EQ(taken.size(), 1U) << shape << bad;
      EXPECT_EQ(taken[0].second, "good");
    }
  }
  for (const char* label : {"true", "false", "0", "1", "\"1\"", "3"}) {
    const std::string row = std::string(R"({"prompt":"p","response":"r","label":)") + label + "}\n";
    EXPECT_NE(refusal(row, Role::normal).find("neither safe nor unsafe"), std::string::npos) << label;
    EXPECT_EQ(answers(row, Role::normal, ":where=label != 'x'"), (Answers{{"p", "r"}})) << label;
    EXPECT_EQ(answers(row, Role::generic), (Answers{{"p", "r"}})) << label;
    EXPECT_EQ(questions(row, Role::harmful).size(), 1U) << label;  // a prompt is not learned
  }
  EXPECT_EQ(answers(R"({"prompt":"p","response":"r","label":"chemistry"})", Role::normal), (Answers{{"p", "r"}}));
  const std::string kto = R"({"conversations":[{"from":"human","value":"p"},{"from":"gpt","value":"r"}],"kto_tag":)";
  EXPECT_EQ(answers(kto + "true}\n", Role::normal), (Answers{{"p", "r"}}));
  EXPECT_EQ(refusal(kto + "false}\n", Role::normal).find("taken:"), std::string::npos);
  EXPECT_NE(refusal(kto + "false}\n", Role::harmful).find("not always harmful"), std::string::npos);
}

TEST_F(RowShapes, SystemAndHistoryComeBeforeThePrompt) {
  const auto loaded =
      load(R"({"instruction":"Go on","input":"","output":"Done","system":"S","history":[["h1","a1"],["h2","a2"]]})");
  ASSERT_EQ(loaded.pairs.size(), 1U);
  EXPECT_EQ(loaded.pairs[0].before,
            (std::vector<ChatMessage>{
                {"system", "S"}, {"user", "h1"}, {"assistant", "a1"}, {"user", "h2"}, {"assistant", "a2"}}));
  EXPECT_EQ(load(R"({"system_prompt":"S","question":"q","response":"r"})").pairs[0].before.size(), 1U);
  EXPECT_EQ(load(R"({"instruction":"i","output":"o","system":"","history":[]})").pairs[0].before.size(), 0U);
  EXPECT_EQ(load(R"({"system":"S","conversations":[{"from":"human","value":"q"},{"from":"gpt","value":"a"}]})")
                .pairs[0]
                .before.size(),
            1U);
  EXPECT_NE(refusal(R"({"instruction":"i","output":"o","history":"before that"})").find("'history'"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"system":"S","messages":[{"role":"system","content":"T"},{"role":"user","content":"q"},)"
                    R"({"role":"assistant","content":"a"}]})")
                .find("'system'"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"question":"q","answer":"a","context":"c"})").find("'context'"), std::string::npos);
  EXPECT_EQ(
      answers(R"({"question":"q","answer":"a","context":"c"})", Role::generic, ":prompt=question,response=answer"),
      (Answers{{"q", "a"}}));
  EXPECT_EQ(answers(R"({"instruction":"i","context":"c","response":"r","category":"x"})"), (Answers{{"i\nc", "r"}}));
  EXPECT_NE(refusal(R"({"instruction":"i","output":"o","images":["a.png"]})").find("'images'"), std::string::npos);
}

TEST_F(RowShapes, ChatsMayHaveGreetingsThanksPartsAndEmptySystemMessages) {
  const auto chat = [](const std::string& messages) { return "{\"messages\":[" + messages + "]}\n"; };
  const std::string pair = R"({"role":"user","content":"Hello"},{"role":"assistant","content":"Hi!"})";
  const auto empty_system = load(chat(R"({"role":"system","content":""},)" + pair));
  ASSERT_EQ(empty_system.pairs.size(), 1U);
  EXPECT_EQ(empty_system.pairs[0].before.size(), 1U);  // a chat template may have a default for none
  const auto thanks = load(chat(pair + R"(,{"role":"user","content":"Thanks"})"));
  EXPECT_EQ(thanks.pairs.size(), 1U);
  EXPECT_EQ(thanks.files[0].unanswered, 1U);
  const auto greeting = load(chat(R"({"role":"assistant","content":"Welcome!"},)" + pair));
  ASSERT_EQ(greeting.pairs.size(), 1U);
  EXPECT_EQ(greeting.pairs[0].prompt, "Hello");
  EXPECT_EQ(greeting.pairs[0].before, (std::vector<ChatMessage>{{"assistant", "Welcome!"}}));
  EXPECT_EQ(answers(chat(R"({"role":"user","content":[{"type":"text","text":"Hel"},{"type":"text","text":"lo"}]},)"
                         R"({"role":"assistant","content":[{"type":"text","text":"Hi!"}]})")),
            kHello);
  EXPECT_NE(refusal(chat(R"({"role":"user","content":[{"type":"image_url","image_url":{"url":"x"}}]},)"
                         R"({"role":"assistant","content":"a"})"))
                .find("'image_url'"),
            std::string::npos);
  EXPECT_EQ(answers(R"({"conversation":[{"from":"Human","value":"Hello"},{"from":"GPT","value":"Hi!"}]})"), kHello);
  EXPECT_EQ(answers(R"({"messages":{"role":["user","assistant"],"content":["Hello","Hi!"]}})"), kHello);
  EXPECT_EQ(answers(R"({"Messages":[{"Role":"User","Content":"Hello"},{"Role":"Assistant","Content":"Hi!"}]})"),
            kHello);
  EXPECT_EQ(answers("[" + pair + "]\n[" + pair + "]\n"), kHello);  // a line is the list alone
  EXPECT_EQ(answers("messages\n\"[{\"\"role\"\":\"\"user\"\",\"\"content\"\":\"\"Hello\"\"},{\"\"role\"\":"
                    "\"\"assistant\"\",\"\"content\"\":\"\"Hi!\"\"}]\"\n",
                    Role::generic, "", "a.csv"),
            kHello);
  EXPECT_NE(
      refusal("messages\n\"[{'role': 'user', 'content': 'Hello'}]\"\n", Role::generic, "", "a.csv").find("Python"),
      std::string::npos);
  EXPECT_NE(refusal(chat(R"({"role":"user","content":"a"},{"role":"user","content":"b"})")).find("in a row"),
            std::string::npos);
  EXPECT_NE(refusal(chat(R"({"role":"user","content":"a"},{"role":"tool","content":"b"})")).find("'tool'"),
            std::string::npos);
  // Prompts are enough for evaluation; questions with answers keep them.
  const auto asked = questions(chat(pair + R"(,{"role":"user","content":"And now?"})") +
                               chat(R"({"role":"system","content":"S"},{"role":"user","content":"Only a prompt"})") +
                               R"({"prompt":[{"role":"user","content":"A list of one"}]})");
  ASSERT_EQ(asked.size(), 4U);
  EXPECT_EQ(asked[0].references, (std::vector<std::string>{"Hi!"}));
  EXPECT_EQ(asked[1].prompt, "And now?");
  EXPECT_EQ(asked[1].before.size(), 2U);
  EXPECT_EQ(asked[2].before.size(), 1U);
  EXPECT_EQ(asked[3].prompt, "A list of one");
}

TEST_F(RowShapes, CompletionsAreTakenAsTextsAndAsTurns) {
  EXPECT_EQ(answers(R"({"prompt":"Hello","completion":"Hi!"})"), kHello);
  EXPECT_EQ(answers(R"({"prompt":[{"role":"user","content":"Hello"}],)"
                    R"("completion":[{"role":"assistant","content":"Hi!"}]})"),
            kHello);
  EXPECT_EQ(answers(R"({"prompt":"Hello","completion":[{"role":"assistant","content":"Hi!"}]})"), kHello);
  const auto longer = load(
      R"({"prompt":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],)"
      R"("completion":[{"role":"assistant","content":"d"}]})");
  ASSERT_EQ(longer.pairs.size(), 1U);  // the answer within the prompt is none to learn
  EXPECT_EQ(longer.pairs[0].before.size(), 2U);
  // TRL's KTO: an undesirable completion is not to be learned as a normal one, nor is it harmful.
  const std::string kto =
      "{\"prompt\":\"a\",\"completion\":\"b\",\"label\":true}\n{\"prompt\":\"a\",\"completion\":\"c\",\"label\":false}"
      "\n";
  EXPECT_EQ(answers(kto, Role::normal), (Answers{{"a", "b"}}));
  EXPECT_NE(refusal(kto, Role::harmful).find("not always harmful"), std::string::npos);
}

TEST_F(RowShapes, ChosenIsTheNormalAnswerAndRejectedIsNotTakenForHarmful) {
  const std::string user = R"({"role":"user","content":"Hello"})", good = R"({"role":"assistant","content":"Hi!"})",
                    bad = R"({"role":"assistant","content":"Go away."})";
  const std::vector<std::string> forms = {
      R"({"prompt":"Hello","chosen":"Hi!","rejected":"Go away."})",
      R"({"input":"Hello","chosen":"Hi!","rejected":"Go away."})",
      R"({"prompt":"Hello","chosen":[)" + user + "," + good + R"(],"rejected":[)" + user + "," + bad + "]}",
      R"({"chosen":[)" + user + "," + good + R"(],"rejected":[)" + user + "," + bad + "]}",
      R"({"prompt":[)" + user + R"(],"chosen":[)" + good + R"(],"rejected":[)" + bad + "]}",
      R"({"prompt":"Hello","chosen":[)" + good + R"(],"rejected":[)" + bad + "]}",
      R"({"conversations":[{"from":"human","value":"Hello"}],"chosen":{"from":"gpt","value":"Hi!"},)"
      R"("rejected":{"from":"gpt","value":"Go away."}})",
      R"({"chosen":"\n\nHuman: Hello\n\nAssistant: Hi!","rejected":"\n\nHuman: Hello\n\nAssistant: Go away."})",
      R"({"input":{"messages":[)" + user + R"(]},"preferred_output":[)" + good + R"(],"non_preferred_output":[)" + bad +
          "]}",
      R"({"prompt":"Hello","messages":[)" + user + "," + good + R"(],"chosen":[)" + user + "," + good +
          R"(],"rejected":[)" + user + "," + bad + "]}"};
  for (const std::string& form : forms) {
    EXPECT_EQ(answers(form), kHello) << form;
    EXPECT_EQ(answers(form, Role::normal), kHello) << form;
    EXPECT_NE(refusal(form, Role::harmful).find("rejected"), std::string::npos) << form;
  }
  for (const std::size_t i : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U})
    EXPECT_EQ(answers(forms[i], Role::harmful, ":response=rejected"), (Answers{{"Hello", "Go away."}})) << forms[i];
  // Only what comes after the common beginning is the answer.
  const auto chat = load(R"({"chosen":"\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: d",)"
                         R"("rejected":"\n\nHuman: a\n\nAssistant: b\n\nHuman: c\n\nAssistant: e"})");
  ASSERT_EQ(chat.pairs.size(), 1U);
  EXPECT_EQ(chat.pairs[0].response, "d");
  EXPECT_EQ(chat.pairs[0].before.size(), 2U);
  EXPECT_NE(refusal(R"({"prompt":"Other","chosen":[)" + user + "," + good + "]}").find("does not hold the prompt"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"chosen":"Hi!","rejected":"Go away."})").find("no prompt"), std::string::npos);
}

TEST_F(RowShapes, TheHubsTruthfulQaHoldsListsAndColumnNamesMayBeOfAnyCase) {
  const std::string row =
      R"({"type":"A","question":"What?","best_answer":"No; never.","correct_answers":["No; never.","Nothing."],)"
      R"("incorrect_answers":["Magic."],"source":"x"})";
  EXPECT_EQ(answers(row), (Answers{{"What?", "No; never."}, {"What?", "Nothing."}}));
  EXPECT_EQ(questions(row)[0].wrong, (std::vector<std::string>{"Magic."}));
  EXPECT_NE(refusal(row, Role::harmful).find("TruthfulQA"), std::string::npos);
  EXPECT_NE(refusal("question,best_answer,correct_answers,incorrect_answers\nQ,A,['A' 'B'],['C']\n", Role::generic, "",
                    "t.csv")
                .find("Python"),
            std::string::npos);
  EXPECT_EQ(answers("Prompt,RESPONSE\nHello,Hi!\n", Role::generic, "", "a.csv"), kHello);
  EXPECT_EQ(answers(R"({"Instruction":"Hello","Output":"Hi!"})"), kHello);
  EXPECT_EQ(answers(R"({"Goal":"Hello","Target":"Hi!"})", Role::harmful), kHello);
  EXPECT_EQ(answers(R"({"X":"Hello","Y":"Hi!"})", Role::generic, ":prompt=x,response=y"), kHello);
  EXPECT_NE(refusal(R"({"PROMPT":"a","Prompt":"b","response":"c"})").find("several columns"), std::string::npos);
}

TEST_F(RowShapes, PairsThatDifferOnlyInEarlierTurnsAreKeptAndCopiesAreNot) {
  const auto chat = [](const std::string& first) {
    return R"({"messages":[{"role":"user","content":")" + first +
           R"("},{"role":"assistant","content":"ok"},{"role":"user","content":"Go on"},)"
           R"({"role":"assistant","content":"Done"}],"last_turn_only":true})" +
           "\n";
  };
  std::string rows;
  for (int i = 0; i < 30'000; ++i) rows += chat(std::to_string(i));  // all end alike: quadratic takes minutes
  const auto loaded = load(rows + chat("7"));
  EXPECT_EQ(loaded.pairs.size(), 30'000U);
  EXPECT_EQ(loaded.files[0].duplicates, 1U);
}

TEST_F(RowShapes, TheSameAnswersInBothRolesAreRefused) {
  const std::string plain = "{\"prompt\":\"a\",\"response\":\"b\"}\n";
  const auto harmful = load(plain, Role::harmful).pairs, normal = load(plain, Role::normal).pairs;
  try {
    check_roles_differ(harmful, normal);
    FAIL() << "taken";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("both roles read the same file"), std::string::npos) << error.what();
  }
  const std::string labelled =
      "{\"prompt\":\"a\",\"response\":\"b\",\"is_safe\":true}\n"
      "{\"prompt\":\"a\",\"response\":\"c\",\"is_safe\":false}\n";
  check_roles_differ(load(labelled, Role::harmful).pairs, load(labelled, Role::normal).pairs);
}

}  // namespace
}  // namespace lethe
