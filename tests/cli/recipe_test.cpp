// lethe recipe: what it prints is a recipe, and the reference page of the documentation.
#include "cli/program_fixture.h"

namespace lethe {
namespace {

class RecipeCommand : public FolderTest {};

TEST_F(RecipeCommand, PrintsARecipeThatUnlearnTakes) {
  const std::string file = (folder_ / "sku.yaml").string();
  ASSERT_EQ(run("recipe sku --output " + file).status, 0);
  expect_all(run("recipe sku"), 0, {read_file(file)});
  // Only data and a model are missing: every printed value was accepted.
  expect_all(run("unlearn " + file), 2, {"something is missing", "--model", "--harmful"});
  expect_all(run("--help"), 0, {"recipe"});
}

TEST_F(RecipeCommand, PrintsTheReferencePage) {
  const fs::path page = fs::path(LETHE_FIXTURES) / ".." / ".." / "docs" / "recipe.md";
  EXPECT_EQ(run("recipe --markdown").text, read_file(page));
  expect_all(run("recipe sku --markdown"), 2, {"--markdown without a method"});
}

TEST_F(RecipeCommand, RefusesAMethodThatDoesNotExist) {
  expect_all(run("recipe skuu"), 2, {"method", "sku, task_vector, contrast, ga, ga_mismatch, finetune", "skuu"});
}

TEST_F(RecipeCommand, HelpOfOtherCommandsHoldsTheSentencesOfTheTable) {
  for (const char* command : {"unlearn --help", "reproduce --help"})
    EXPECT_NE(run(command).text.find("Pairs whose answers the model must forget. [key: data.harmful]"),
              std::string::npos)
        << command;
  EXPECT_NE(run("finetune --help").text.find("(option `--data`). [key: data.train]"), std::string::npos);
}

}  // namespace
}  // namespace lethe
