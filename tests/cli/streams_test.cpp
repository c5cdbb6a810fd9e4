// The program's standard streams closed, full or unread; inputs and outputs that are pipes.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class Streams : public Program {
 protected:
  /// More than any buffer on the way holds.
  void write_rows(const std::string& path) const {
    std::string rows;
    for (int i = 0; i < 3000; ++i) rows += "{\"text\": \"Where does Mira live?\"}\n";
    write_file(path, rows);
  }
  std::string tokenize(const std::string& input) const {
    return LETHE_PROGRAM " tokenize --json --model " + model_ + " --input " + input;
  }
};

TEST_F(Streams, ThatAreClosedAreNoPlaceForTheNextFile) {
  const auto negate = [&](const std::string& name) {
    return LETHE_PROGRAM " negate --base " + model_ + " --tuned " + model_ + " --alpha 0.5 --out " + at(name);
  };
  ASSERT_EQ(shell(negate("open")).status, 0);
  const std::string wanted = read_file(at("open/model.safetensors"));
  int number = 0;
  for (const std::string& closed : {std::string("2>&-"), std::string("<&- >&- 2>&-")}) {
    const std::string name = "closed" + std::to_string(++number);
    ASSERT_EQ(shell("( " + negate(name) + " ) " + closed).status, 0);
    EXPECT_EQ(read_file(at(name + "/model.safetensors")), wanted) << closed;
  }
  // A message while one of its files is open.
  const std::string chat = LETHE_PROGRAM " chat --model " + model_ + " --output " + at("turns.jsonl");
  ASSERT_EQ(shell("echo /nosuch | " + chat + " 2>&-").status, 0);
  EXPECT_EQ(read_file(at("turns.jsonl")), "");
}

TEST_F(Streams, ThatCannotBeWrittenAreAFailureWithItsReason) {
  write_rows(at("rows.jsonl"));
  expect_all(shell(tokenize(at("rows.jsonl")) + " > /dev/full"), 1, {"standard output", "No space left"});
  expect_all(shell(LETHE_PROGRAM " --help > /dev/full"), 1, {"standard output", "No space left"});
  const std::string score = LETHE_PROGRAM " score --quiet --model " + model_ + " --output - --input " + at("one.jsonl");
  write_file(at("one.jsonl"), "{\"text\": \"Where does Mira live?\"}\n");
  expect_all(shell(score + " > /dev/full"), 1, {"standard output", "No space left"});
  expect_all(shell("( " + score + " ) >&-"), 1, {"standard output", "closed"});
}

TEST_F(Streams, AReaderThatLeavesEarlyIsNoFailure) {
  write_rows(at("rows.jsonl"));
  const Outcome outcome = shell(tokenize(at("rows.jsonl")) + " | head -c 1; echo status ${PIPESTATUS[0]}");
  EXPECT_EQ(outcome.text, "{status 0\n");
}

TEST_F(Streams, InputsThatArePipesAreRead) {
  write_rows(at("rows.jsonl"));
  expect_all(shell(tokenize("<(cat " + at("rows.jsonl") + ")") + " | wc -l"), 0, {"3000"});
  expect_all(shell("cat " + at("rows.jsonl") + " | " + tokenize("-") + " | wc -l"), 0, {"3000"});
  expect_all(shell("cat " + at("rows.jsonl") + " | " + tokenize("/dev/stdin") + " | wc -l"), 0, {"3000"});
  // A recipe that counted as empty would train with the defaults.
  expect_all(shell(LETHE_PROGRAM " unlearn <(echo \"trainig: 1\") --out " + at("run") + " --model " + model_ + data()),
             2, {"trainig", "no such key"});
  write_file(at("answers.jsonl"), "{\"prompt\": \"a\", \"response\": \"b\"}\n");
  expect_all(shell(LETHE_PROGRAM " judge try --judge <(echo \"kind: nosuch\") --input " + at("answers.jsonl")), 3,
             {"nosuch", "endpoint"});
  const std::string harmful = at("demo/data/harmful.jsonl");
  ASSERT_EQ(run("split --quiet --parts a=1 --data " + harmful + " --out " + at("file")).status, 0);
  for (const std::string way : {"cat ", "gzip -c ", "jq -s . "}) {
    if (way[0] == 'j' && shell("jq --version").status != 0) continue;
    const std::string out = at("pipe" + way.substr(0, 1));
    expect_all(shell(LETHE_PROGRAM " split --quiet --parts a=1 --out " + out + " --data <(" + way + harmful + ")"), 0,
               {});
    EXPECT_EQ(read_file(out + "/a.jsonl"), read_file(at("file/a.jsonl"))) << way;
  }
}

TEST_F(Streams, ARunWhoseDataComeThroughPipesKnowsWhatTheySent) {
  const std::string job = LETHE_PROGRAM " finetune --quiet --threads 1 --model " + model_ +
                          " tuning=lora training.steps=1 training.batch=1 --data ";
  const std::string normal = at("demo/data/normal.jsonl");
  ASSERT_EQ(shell(job + normal + " --out " + at("file")).status, 0);
  expect_all(shell(job + "<(cat " + normal + ") --out " + at("pipe")), 0, {});
  EXPECT_EQ(read_file(at("pipe/adapter/adapter_model.safetensors")),
            read_file(at("file/adapter/adapter_model.safetensors")));
  const auto noted = [&](const std::string& name) {
    const Json run = read_json(at(name + "/run.json"));
    for (const Json& input : run.at("inputs")) {
      if (input.at("role") == "training") return input.at("hash").get<std::string>();
    }
    return std::string("none");
  };
  EXPECT_EQ(noted("pipe"), noted("file"));
}

TEST_F(Streams, AWaitForAPipeCanBeInterrupted) {
  // The shell's own opening waits for lethe's; then it sends nothing.
  const std::string wait = "mkfifo " + at("fifo") + "; " + tokenize(at("fifo")) + " & pid=$!; exec 3> " + at("fifo") +
                           "; kill -INT $pid; wait $pid; echo status $?";
  expect_all(shell(wait), 0, {"interrupted", "status 130"});
}

}  // namespace
}  // namespace lethe
