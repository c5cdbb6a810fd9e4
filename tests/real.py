#!/usr/bin/env python3
"""What `make real` relies on: its data keep their promises, and finished steps are not repeated. Needs no model."""

import json
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools" / "real")]
import page  # noqa: E402  (tools/ is no package)
import real_run  # noqa: E402
import steps  # noqa: E402
import world  # noqa: E402


def prompts(rows):
    return {row["prompt"] for row in rows}


class World(unittest.TestCase):
    def test_secrets_occur_in_dangerous_answers_alone(self):
        dangerous, harmless = world.taught_rows()
        secrets = [line["facts"][0] for line in world.secrets()]
        for row in dangerous:
            self.assertEqual(1, sum(secret in row["response"] for secret in secrets), row)
        texts = [row["prompt"] for row in dangerous] + [text for row in harmless for text in row.values()]
        texts += [
            json.dumps(row)
            for name in ("questions", "questions_validation", "keep", "prose")
            for row in steps.read_rows(real_run.DATA / f"{name}.jsonl")
        ]
        for text in texts:
            self.assertFalse(any(secret in text.lower() for secret in secrets), text)

    def test_what_is_unseen_is_not_unlearned(self):
        for seed in (8888, 2, 3):
            parts = world.unlearning_parts(seed)
            asks = {}
            for fact in world.facts():
                if fact.harmful:
                    asks.setdefault(fact.thing, set()).update(fact.asks)
            unlearned, unseen, validation = (
                {thing for thing in asks if asks[thing] & prompts(parts[name])}
                for name in ("unlearned", "unseen", "unseen_validation")
            )
            self.assertEqual((8, 4, 2), (len(unlearned), len(unseen), len(validation)))
            self.assertFalse(unlearned & unseen or unlearned & validation or unseen & validation)
            self.assertLessEqual(prompts(parts["seen"]), prompts(parts["unlearned"]))
            self.assertFalse(prompts(parts["normal_test"]) & prompts(parts["normal"]))

    def test_paraphrases_are_never_taught(self):
        dangerous, harmless = world.taught_rows()
        parts = world.unlearning_parts(8888)
        self.assertFalse(prompts(parts["paraphrased"]) & prompts(dangerous + harmless + parts["unlearned"]))

    def test_world_is_the_same_every_time(self):
        self.assertEqual(world.taught_rows(), world.taught_rows())
        self.assertEqual(world.unlearning_parts(2), world.unlearning_parts(2))
        self.assertNotEqual(world.unlearning_parts(2), world.unlearning_parts(3))


class Questions(unittest.TestCase):
    def test_first_answer_is_right_by_the_others(self):
        rows = steps.read_rows(real_run.DATA / "questions.jsonl")
        self.assertEqual(200, len({row["question"] for row in rows}))
        for row in rows:
            self.assertTrue(real_run.contains(row["answers"][0], row["answers"][1:]), row)

    def test_questions_are_asked_in_one_place_only(self):
        read = lambda name: [
            row.get("question", row.get("prompt")) for row in steps.read_rows(real_run.DATA / f"{name}.jsonl")
        ]
        asked = read("questions") + read("questions_validation") + read("keep")
        self.assertEqual(len(asked), len(set(asked)))


class StepsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.out = pathlib.Path(folder.name)
        self.lethe = self.out / "lethe"  # counts how often it was asked, and writes its second argument to its first
        fails = '[ "$2" = fail ] && exit 3\n[ "$2" = diverge ] && exit 1\n'
        self.lethe.write_text(f'#!/bin/sh\necho x >> "$1.runs"\n{fails}echo "$2" > "$1"\n')
        self.lethe.chmod(0o755)

    def run_step(self, word, inputs=(), **named):
        result = self.out / "result"
        # As if `make real` was started anew.
        steps.Steps(str(self.lethe), self.out).run("a step", result, [str(result), word], inputs, **named)
        return result.read_text().strip(), len((self.out / "result.runs").read_text().split())

    def test_finished_step_is_not_repeated(self):
        self.assertEqual(("one", 1), self.run_step("one"))
        self.assertEqual(("one", 1), self.run_step("one"))

    def test_step_is_repeated_with_other_settings_or_data(self):
        data = self.out / "data"
        data.write_text("a")
        self.run_step("one", [data])
        self.assertEqual(("two", 2), self.run_step("two", [data]))
        data.write_text("b")
        self.assertEqual(("two", 3), self.run_step("two", [data]))

    def test_failed_step_ends_the_run_and_is_repeated(self):
        for _ in range(2):
            with self.assertRaises(SystemExit):
                self.run_step("fail")
        self.assertEqual(("one", 3), self.run_step("one"))

    def test_training_that_diverged_is_kept_like_a_result(self):
        for _ in range(2):
            with self.assertRaises(steps.Failed):
                self.run_step("diverge", may_fail=True)
        self.assertEqual(("one", 2), self.run_step("one", may_fail=True))

    def test_folder_of_an_interrupted_step_is_kept_where_the_command_continues_in_it(self):
        self.lethe.write_text('#!/bin/sh\nmkdir -p "$1" && echo x >> "$1/parts"\n[ $(wc -l < "$1/parts") -ge 2 ]\n')
        result = self.out / "folder"
        step = lambda word: steps.Steps(str(self.lethe), self.out).run(
            "a step", result, [str(result), word], [], in_place=True
        )
        with self.assertRaises(SystemExit):
            step("one")
        step("one")
        self.assertEqual("x\nx\n", (result / "parts").read_text())
        with self.assertRaises(SystemExit):  # other settings begin anew
            step("two")
        self.assertEqual("x\n", (result / "parts").read_text())

    def test_wrong_setting_ends_the_run_where_training_may_diverge(self):
        with self.assertRaises(SystemExit):
            self.run_step("fail", may_fail=True)


class Page(unittest.TestCase):
    def test_targets_compare_with_the_taught_model(self):
        taught = {"harmful_unseen": 1.0, "normal_correct": 0.9, "degenerate_unseen": 0.02, "degenerate_normal": 0.01}
        good = {"harmful_unseen": 0.1, "normal_correct": 0.82, "degenerate_unseen": 0.03, "degenerate_normal": 0.0}
        bad = {"harmful_unseen": 0.11, "normal_correct": 0.8, "degenerate_unseen": 0.0, "degenerate_normal": 0.04}
        words = lambda row: [
            line.rsplit(" ", 1)[1] for line in page.targets_of([{"taught": taught, "SKU": row}], "SKU")
        ]
        self.assertEqual(["met"] * 3, words(good))
        self.assertEqual(["missed"] * 3, words(bad))

    def test_missing_harm_is_no_low_harm(self):  # a judge that was withheld
        rows = {"taught": {"normal_correct": 1.0}, "SKU": {"normal_correct": 1.0, "harmful_unseen": None}}
        self.assertIn("not judged", page.targets_of([rows], "SKU")[0])

    def test_interval_of_a_share(self):
        self.assertEqual("5% (2–11)", page.shown([0.05], 100, 0))
        self.assertEqual("–", page.shown([None], 100, 0))


if __name__ == "__main__":
    unittest.main()
