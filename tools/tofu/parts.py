"""Which rows of TOFU `make tofu` trains on, unlearns and asks for, and the rows of each training step.

TOFU's files list authors one after the other, 20 questions each. What is to be forgotten (forget01, forget10) and what
is to be kept (retain99, retain90) are together the 4,000 questions of its file full.json.
"""

import dataclasses
import random

AUTHOR = 20  # questions about each
RETAIN = {"forget01": "retain99", "forget10": "retain90"}


@dataclasses.dataclass(frozen=True)
class Size:
    """How much of TOFU is used. None: all of it."""

    retained: int | None  # rows to keep that both models are trained on
    alpha: int  # of these the last ones: α is chosen on their answers, and unlearning does not train on them
    holdout: int  # the rows after them: neither model is trained on them, for the membership attacks
    asked: int | None  # rows to keep that the benchmark asks for, as many of each author
    others: tuple[int, int]  # every how many-th question about real authors and world facts is asked
    accumulate: int  # micro-batches of an unlearning step
    answer: int  # tokens of an answer, at most


SIZES = {
    "forget01": Size(retained=100, alpha=20, holdout=40, asked=40, others=(3, 4), accumulate=1, answer=80),
    "forget10": Size(retained=None, alpha=100, holdout=0, asked=None, others=(1, 1), accumulate=4, answer=200),
}


def needed_files(split):
    """Names without .json."""
    asked = [f"{name}_perturbed" for name in (split, "retain", "real_authors", "world_facts")]
    return [split, RETAIN[split], *asked]


def parts_of(split, rows):
    """@param rows  {file name: its rows}, of needed_files()
    @return      {part: rows}: forget; kept and alpha (together with forget all that the full model is trained on);
                 holdout (may be empty); asked_forget, asked_retain, asked_real_authors, asked_world_facts
    """
    size, retain = SIZES[split], rows[RETAIN[split]]
    end = len(retain) if size.retained is None else size.retained
    kept = retain[: end - size.alpha]
    trained = {row["question"] for row in kept}
    asked = rows["retain_perturbed"]
    if size.asked is not None:
        authors = len(kept) // AUTHOR
        asked = [row for row in asked[: len(kept)] if row["question"] in trained]
        asked = [row for place in range(authors) for row in first_of_author(asked, kept, place, size.asked // authors)]
    return {
        "forget": rows[split],
        "kept": kept,
        "alpha": retain[end - size.alpha : end],
        "holdout": retain[end : end + size.holdout],
        "asked_forget": rows[f"{split}_perturbed"],
        "asked_retain": asked,
        "asked_real_authors": rows["real_authors_perturbed"][:: size.others[0]],
        "asked_world_facts": rows["world_facts_perturbed"][:: size.others[1]],
    }


def first_of_author(asked, kept, author, count):
    """The first `count` of the rows asked for that are about one author of `kept`."""
    questions = {row["question"] for row in kept[author * AUTHOR : (author + 1) * AUTHOR]}
    return [row for row in asked if row["question"] in questions][:count]


def passes(rng, rows):
    """Endless passes over rows, each in another order."""
    while True:
        yield from rng.sample(rows, len(rows))


def micro_batches(split, forget, epochs, batch):
    """How many there are in training: whole steps that read the rows to forget about `epochs` times."""
    step = batch * SIZES[split].accumulate
    return max(1, epochs * len(forget) // step) * SIZES[split].accumulate


def plan_of(forget, kept, drawn, k, batch, count, seed):
    """The rows of each micro-batch (`data.plan`). Every method has the same ones in the same order.

    @param drawn  rows whose answers are given to other questions, k for each row to forget: those to forget (SKU), or
                  those to keep (gradient ascent with mismatch)
    """
    rows_of, answers_of = random.Random(f"the rows of seed {seed}"), random.Random(f"the answers of seed {seed}")
    forgotten, retained = passes(rows_of, forget), passes(random.Random(f"the rows to keep of seed {seed}"), kept)
    plan = []
    for _ in range(count):
        harmful = [next(forgotten) for _ in range(batch)]
        others = [[row["answer"] for row in drawn if row["question"] != pair["question"]] for pair in harmful]
        plan.append(
            {
                "harmful": [[row["question"], row["answer"]] for row in harmful],
                "random": [answers_of.sample(answers, k) for answers in others],
                "normal": [[row["question"], row["answer"]] for row in (next(retained) for _ in range(batch))],
            }
        )
    return plan
