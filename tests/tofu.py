#!/usr/bin/env python3
"""What `make tofu` relies on: which rows it uses for what, and what its page says. Needs neither a model nor TOFU."""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools" / "tofu"), str(ROOT / "tools" / "real")]
import parts  # noqa: E402  (tools/ is no package)
import table  # noqa: E402
import tofu_run  # noqa: E402


def rows(name, count):
    return [{"question": f"{name} {i}?", "answer": f"{name} answer {i}."} for i in range(count)]


def files(split):
    """Made-up rows in the places of TOFU's. As there, one question that is asked reads a little differently."""
    forget = {"forget01": 40, "forget10": 400}[split]
    retain = rows("kept", 4000 - forget)
    asked = [dict(row) for row in retain[:400]]
    asked[25]["question"] = "kept twenty-five?"
    return {
        split: rows("forget", forget),
        parts.RETAIN[split]: retain,
        f"{split}_perturbed": rows("forget", forget),
        "retain_perturbed": asked,
        "real_authors_perturbed": rows("author", 100),
        "world_facts_perturbed": rows("fact", 117),
    }


def questions(some):
    return {row["question"] for row in some}


class Parts(unittest.TestCase):
    def test_no_row_is_used_for_two_things(self):
        for split in parts.SIZES:
            found = parts.parts_of(split, files(split))
            used = [row["question"] for name in ("forget", "kept", "alpha", "holdout") for row in found[name]]
            self.assertEqual(len(used), len(set(used)), split)

    def test_all_of_tofu_is_used_with_forget10(self):
        found = parts.parts_of("forget10", files("forget10"))
        self.assertEqual(4000, sum(len(found[name]) for name in ("forget", "kept", "alpha")))
        self.assertEqual(
            [400, 100, 117], [len(found[f"asked_{name}"]) for name in ("retain", "real_authors", "world_facts")]
        )
        self.assertFalse(found["holdout"])

    def test_excerpt_asks_as_much_about_each_author_that_is_kept(self):
        found = parts.parts_of("forget01", files("forget01"))
        asked, kept = questions(found["asked_retain"]), found["kept"]
        self.assertLessEqual(asked, questions(kept))
        authors = [kept[i : i + parts.AUTHOR] for i in range(0, len(kept), parts.AUTHOR)]
        self.assertEqual([10] * 4, [len(asked & questions(author)) for author in authors])
        self.assertFalse(asked & questions(found["alpha"]))

    def test_missing_file_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder)
            for name in set(parts.needed_files("forget01")) - {"retain99"}:
                (place / f"{name}.json").write_text("")
            with self.assertRaisesRegex(SystemExit, r"missing retain99\.json\n"):
                tofu_run.read_tofu(place, "forget01")


class Plan(unittest.TestCase):
    forget, kept = rows("forget", 40), rows("kept", 80)

    def plan(self, seed=2, drawn=None):
        return parts.plan_of(self.forget, self.kept, drawn or self.forget, 3, 8, 25, seed)

    def test_every_row_is_forgotten_equally_often(self):
        read = [question for step in self.plan() for question, _ in step["harmful"]]
        self.assertEqual({5}, {read.count(row["question"]) for row in self.forget})

    def test_drawn_answers_belong_to_other_questions(self):
        for step in self.plan():
            for (_, answer), drawn in zip(step["harmful"], step["random"]):
                self.assertEqual(3, len(set(drawn) - {answer}))

    def test_drawn_answers_change_nothing_else(self):
        for one, other in zip(self.plan(), self.plan(drawn=self.kept)):
            self.assertEqual((one["harmful"], one["normal"]), (other["harmful"], other["normal"]))
            self.assertTrue(all(text.startswith("kept") for drawn in other["random"] for text in drawn))

    def test_plan_depends_on_the_seed_alone(self):
        self.assertEqual(self.plan(), self.plan())
        self.assertNotEqual(self.plan(2), self.plan(3))

    def test_steps_are_whole(self):
        self.assertEqual(25, parts.micro_batches("forget01", self.forget, 5, 8))
        self.assertEqual(4 * 62, parts.micro_batches("forget10", rows("forget", 400), 5, 8))


class Page(unittest.TestCase):
    def models(self, full=0.9, retain=0.3, quality=1e-9):
        row = lambda rouge, p: {"forget_rouge_l_recall": rouge, "forget_quality": p}
        return {table.FULL: row(full, quality), table.RETAIN: row(retain, 1.0)}

    def holding(self, models):
        return ["does not" not in sentence for sentence in table.checks_of(models)]

    def test_table_of_a_model_that_learned_nothing_is_called_meaningless(self):
        self.assertEqual([True] * 3, self.holding(self.models()))
        self.assertEqual([False, True, True], self.holding(self.models(full=0.6)))
        self.assertEqual([True, False, True], self.holding(self.models(retain=0.8)))
        self.assertEqual([True, True, False], self.holding(self.models(quality=0.1)))

    def test_failed_method_stays_in_the_table(self):
        lines = table.table_of([{"npo": None}, {"npo": {"forget_quality": 0.25}}], 40).splitlines()
        self.assertTrue(lines[2].startswith("| npo (failed with 1 of 2 seeds) | 0.25 |"), lines[2])

    def test_forget_quality_is_shown_for_each_seed(self):
        self.assertEqual("0.25, 1.9e-23", table.p_values([0.25, 1.86e-23]))
        self.assertEqual("0.25, 0.25, 0.5", table.p_values([0.25, 0.25, 0.5]))
        self.assertEqual("1", table.p_values([1.0, 1.0]))


if __name__ == "__main__":
    unittest.main()
