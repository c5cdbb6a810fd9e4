// --json-log of a whole run: stderr is JSON alone, from the first event to the exit status.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class JsonLogOption : public Program {
 protected:
  // The events on stderr; standard output is in printed_.
  std::vector<Json> events(const std::string& arguments, int status) {
    const Outcome outcome = shell(LETHE_PROGRAM " " + arguments + " --json-log 2>&1 > " + at("stdout"));
    EXPECT_EQ(outcome.status, status) << outcome.text;
    printed_ = read_file(at("stdout"));
    std::vector<Json> found;
    for (const JsonLine& line : parse_json_lines(outcome.text, "stderr")) found.push_back(line.value);
    EXPECT_FALSE(found.empty());
    EXPECT_EQ(found.back().at("event"), "end");
    EXPECT_EQ(found.back().at("status"), status);
    return found;
  }
  static const Json* first(const std::vector<Json>& events, const std::string& name) {
    for (const Json& event : events) {
      if (event.at("event") == name) return &event;
    }
    return nullptr;
  }
  std::string printed_;
};

TEST_F(JsonLogOption, ARunReportsItsPlanItsTableAndItsResults) {
  const std::vector<Json> seen =
      events("unlearn --threads 1 --model " + model_ + data() +
                 " tuning=lora training.steps=3 training.batch=2 sku.k=1 evaluation.prompts=4 evaluation.judge=refusal "
                 "evaluation.max_new_tokens=4 evaluation.safe_prompts=false negation.alpha=0.5 --out " +
                 at("run"),
             0);
  ASSERT_NE(first(seen, "message"), nullptr);
  ASSERT_NE(first(seen, "result"), nullptr);
  EXPECT_EQ(first(seen, "result")->at("text"), printed_);
  const Json* wrote = first(seen, "wrote");
  ASSERT_NE(wrote, nullptr);
  EXPECT_EQ(wrote->at("path"), at("run"));
  EXPECT_EQ(wrote->at("results"), read_json(at("run/results.json")));
}

TEST_F(JsonLogOption, ErrorsOfEveryKindAreEventsToo) {
  const auto expect_error = [&](const std::string& arguments, int status, const std::string& text,
                                const std::vector<std::string>& detail) {
    const std::vector<Json> seen = events(arguments, status);
    const Json* error = first(seen, "error");
    ASSERT_NE(error, nullptr) << arguments;
    EXPECT_NE(error->at("text").get<std::string>().find(text), std::string::npos) << error->dump();
    const Json& details = error->at("details");
    EXPECT_NE(std::find(details.begin(), details.end(), Json(detail)), details.end()) << error->dump();
  };
  expect_error("unlaern", 2, "there is no command unlaern", {"try", "lethe unlearn"});
  expect_error("unlearn --modle x", 2, "cannot use this command line", {"try", "--model"});
  expect_error("unlearn lr=1", 2, "cannot use lr=1", {"try", "training.lr"});
  expect_error("score --model " + model_ + " --output o.jsonl --input " + at("none.jsonl"), 3, "none.jsonl",
               {"reason", "No such file or directory"});
}

TEST_F(JsonLogOption, ResultsStayOnStandardOutput) {
  const std::vector<Json> seen = events("methods --json", 0);
  EXPECT_EQ(seen.size(), 1U);
  EXPECT_EQ(parse_json(printed_, "stdout")[0].at("name"), "sku");
}

}  // namespace
}  // namespace lethe
