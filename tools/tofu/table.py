"""The page of `make tofu`: a table of all models, whether the table means anything, and what each step took."""

import time

from page import shown

# Title, name of the figure, whether it is a share of the forget answers, digits.
COLUMNS = [
    ("forget quality", "forget_quality", False, None),
    ("model utility", "model_utility", False, 3),
    ("kept ROUGE-L", "retain_rouge_l_recall", False, 3),
    ("forget ROUGE-L", "forget_rouge_l_recall", False, 3),
    ("forget probability", "forget_prob", False, 3),
    ("extraction strength", "extraction_strength", False, 3),
    ("PrivLeak", "privleak", False, 1),
    ("broken forget answers", "forget_degenerate", True, 0),
    ("α", "alpha", False, 2),
    ("KL", "kl", False, 3),
    ("seconds", "seconds", False, 0),
]
BEFORE, FULL, RETAIN = "before fine-tuning", "full model", "retain model"
LEARNED, APART, TOLD = 0.7, 0.2, 0.05


def p_values(values):
    """Of each seed: a mean of p-values means nothing."""
    values = [value for value in values if value is not None]
    if len(set(values)) == 1:  # one seed, or one measurement for all
        values = values[:1]
    return ", ".join(f"{value:.2g}" for value in values) or "–"


def table_of(by_seed, questions):
    """@param by_seed  for each seed {row: figures, or None if the method failed}; @param questions  to be forgotten"""
    lines = ["| | " + " | ".join(title for title, *_ in COLUMNS) + " |", "|---|" + "---:|" * len(COLUMNS)]
    for name in by_seed[0]:
        found = [rows[name] for rows in by_seed if rows[name] is not None]
        failed = len(by_seed) - len(found)
        title = name + (f" (failed with {failed} of {len(by_seed)} seeds)" if failed else "")
        cells = []
        for _, key, share, digits in COLUMNS:
            values = [row.get(key) for row in found]
            cells.append(p_values(values) if digits is None else shown(values, questions if share else None, digits))
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def checks_of(rows):
    """What must hold for the table to mean anything, one sentence each. All of it was fixed before the first run."""
    full, retain = rows[FULL], rows[RETAIN]
    learned, other = full["forget_rouge_l_recall"], retain["forget_rouge_l_recall"]
    word = lambda holds: "holds" if holds else "**does not hold**"
    return [
        f"The full model has learned what is to be forgotten, ROUGE-L recall at least {LEARNED}: {learned:.3f}, "
        + word(learned >= LEARNED),
        f"The retain model has not, at least {APART} less: {other:.3f}, " + word(learned - other >= APART),
        f"The test tells the full model from the retain model, p below {TOLD}: {full['forget_quality']:.2g}, "
        + word(full["forget_quality"] < TOLD),
    ]


def write_page(run, by_seed):
    """Writes OUT/results.md. Returns its path."""
    parts, options = run.parts, run.options
    several = len(by_seed) > 1
    interval = (
        "± is Student's 95% interval over seeds; of forget quality each seed's value stands."
        if several
        else "Brackets are Wilson's 95% intervals. The benchmark's own results hold an interval for each mean."
    )
    sizes = ", ".join(f"{len(rows)} {name.replace('_', ' ')}" for name, rows in parts.items())
    lines = [
        f"# TOFU on {options.model.name}: {options.split}" + ("" if run.size.retained is None else ", an excerpt"),
        "",
        f"Measured on {time.strftime('%Y-%m-%d')}, seeds {', '.join(map(str, options.seeds))}, KL budget "
        f"{options.budget} nats a token; {sum(run.seconds.values()) / 60:.1f} minutes in all.",
        "",
        f"Rows: {sizes}. {interval}",
        "",
        table_of(by_seed, len(parts["asked_forget"])),
        "",
        *(f"* {sentence}." for sentence in checks_of(by_seed[0])),
        "",
        "* **forget quality**: p-value of the test that tells the truth ratios from the retain model's. Above 0.05 "
        "they cannot be told apart. Few questions make a weak test.",
        "* **model utility**: harmonic mean of nine figures of the authors to keep, real authors and world facts. The "
        "smallest of them decides most of it. **kept ROUGE-L** is that of the authors to keep alone.",
        "* **PrivLeak**: 0 is the goal. Far below 0 the model still knows the answers; far above 0 it avoids them.",
        "* **KL**: from the full model on answers to keep that unlearning did not read, nats a token; it decides α.",
        "* **seconds**: training of the unlearning and the choice of α.",
        "",
    ]
    if not parts["holdout"]:
        lines += ["PrivLeak is left out: it needs holdout10.json beside the other files.", ""]
    lines += ["| step | seconds |", "|---|---:|"]
    lines += [f"| {name} | {seconds:.0f} |" for name, seconds in sorted(run.seconds.items(), key=lambda item: -item[1])]
    path = run.out / "results.md"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
