#!/usr/bin/env python3
"""Fine-tunes a real instruct model on TOFU, unlearns the forget set with several methods, and measures what is left.

    tools/tofu_run.py --model .cache/real/SmolLM2-135M-Instruct --data ../shared/data/tofu
    tools/tofu_run.py … --methods all --seeds 8888 2 3         every method of `lethe methods`, three unlearnings each
    tools/tofu_run.py … --split forget10                       all of TOFU instead of an excerpt; takes hours

With forget01 an excerpt of TOFU is used (tools/tofu/parts.py), so that all of it takes less than half an hour. Such
figures cannot be compared with published ones.

Each step writes under --out and is skipped where its result already stands with the same settings and data. After
Ctrl-C the same command continues; interrupted training continues from its snapshot. Removing a folder repeats its
step. The results are OUT/results.md and the reports beside it.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tools" / "tofu"), str(ROOT / "tools" / "real")]
import parts  # noqa: E402  (tools/tofu and tools/real are no packages)
import table  # noqa: E402
from real_run import chosen_alpha  # noqa: E402
from steps import Failed, Interrupted, Steps, read_rows, write_rows  # noqa: E402

# What fits half an hour.
DEFAULT_METHODS = ["sku", "ga_mismatch", "npo"]
TEMPLATE = "Question: {prompt}\nAnswer: {response}"  # TOFU's own, of its Phi models
TEXT = [f"data.template={TEMPLATE}", "data.append_eos=true", "data.max_length=256"]
ADAPTER = ["tuning=lora", "lora={rank: 16, alpha: 32, targets: all-linear}"]
# Of both fine-tunings. TOFU has five epochs; a small model needs more.
TEACHING_EPOCHS, TEACHING_BATCH = 8, 8
TEACHING = [f"training.batch={TEACHING_BATCH}", "training.lr=1e-3", "training.schedule=cosine", "training.warmup=5"]
# Of every unlearning. Five epochs of what is to be forgotten as in TOFU; learning rate and k as in `make real`.
EPOCHS, BATCH, K = 5, 8, 3
DRAWING = {"sku": "forget", "contrast": "forget", "ga_mismatch": "kept"}  # whose answers are given to other questions
UNLEARNING = [
    f"training.batch={BATCH}",
    "training.lr=5e-4",
    "data.split={train: 0.2, validation: 0.8, test: 0, by: prompt}",  # of the rows on which α is chosen
    "evaluation.prompts=0",
]


def read_tofu(folder, split):
    """{file name: rows}. Ends the program if a file is missing."""
    missing = [f"{name}.json" for name in parts.needed_files(split) if not (folder / f"{name}.json").exists()]
    if missing:
        sys.exit(
            f"tofu: cannot read TOFU's questions\n"
            f"  folder  {folder}\n"
            f"  missing {', '.join(missing)}\n"
            f"  try     download the .json files of locuslab/TOFU (Hugging Face) into one folder, and name it: "
            f"make tofu TOFU=FOLDER"
        )
    return {name: read_rows(folder / f"{name}.json") for name in parts.needed_files(split)}


def methods_of(lethe):
    """Names of all methods that the program has."""
    printed = subprocess.run([lethe, "methods"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[0] for line in printed[1:] if line.strip()]


class TofuRun:
    def __init__(self, options):
        self.options, self.size = options, parts.SIZES[options.split]
        self.out = options.out
        self.steps = Steps(options.lethe, options.out, "tofu")
        self.parts = parts.parts_of(options.split, read_tofu(options.data, options.split))
        self.seconds = {}
        self.questions = self.out / "data" / "tofu"  # for `lethe benchmark`

    def timed(self, name, *arguments, **named):
        self.seconds[name] = self.steps.run(name, *arguments, **named)

    def write_data(self):
        """What the benchmark asks for, and the rows on which α is chosen."""
        names = {f"asked_{name}": f"{name}_perturbed" for name in ("retain", "real_authors", "world_facts")}
        names["asked_forget"] = f"{self.options.split}_perturbed"
        files = [write_rows(self.questions / f"{name}.json", self.parts[part]) for part, name in names.items()]
        holdout = "holdout" + self.options.split.removeprefix("forget")
        given = self.options.data / f"{holdout}.json"
        if not self.parts["holdout"] and given.exists():
            self.parts["holdout"] = read_rows(given)
        if self.parts["holdout"]:
            files.append(write_rows(self.questions / f"{holdout}.json", self.parts["holdout"]))
        self.asked = files
        self.alpha_rows = write_rows(self.out / "data" / "alpha.jsonl", self.parts["alpha"])

    def teach(self, name, rows):
        """Fine-tunes the model on rows. Returns the folder of its weights."""
        base, tuned, merged = self.options.model, self.out / name, self.out / f"{name}_model"
        data = write_rows(self.out / "data" / f"{name}.jsonl", rows)
        count = TEACHING_EPOCHS * len(rows) // TEACHING_BATCH
        place = ["--model", str(base), "--data", str(data), "--out", str(tuned)]
        command = ["finetune", *place, *ADAPTER, *TEXT, *TEACHING, f"training.steps={count}"]
        self.timed(f"fine-tuning the {name} model", tuned, command, [base, data], resumes=True)
        command = ["merge", "--base", str(base), "--adapter", str(tuned / "adapter"), "--out", str(merged)]
        self.timed(f"merging the {name} model", merged, command, [base, tuned])
        return merged

    def measure(self, name, result, model, adapter, retain, made_from):
        """Figures of `lethe benchmark tofu`. @param retain  results of the retain model, or None"""
        place = ["--model", str(model), *(["--adapter", str(adapter)] if adapter else [])]
        place += ["--data", str(self.questions), "--split", self.options.split, "--out", str(result)]
        compared = ["--retain", str(retain)] if retain else []
        text = ["--template", TEMPLATE, "--max-new-tokens", str(self.size.answer)]
        command = ["benchmark", "tofu", *place, *compared, *text]
        self.timed(f"measuring: {name}", result, command, made_from + ([retain] if retain else []) + self.asked)
        return json.loads((result / "results.json").read_text())

    def plans(self, place, seed):
        """The same rows and steps for every method; other answers for gradient ascent with mismatch."""
        count = parts.micro_batches(self.options.split, self.parts["forget"], EPOCHS, BATCH)
        plans = {}
        for name, drawn in (("forget", self.parts["forget"]), ("kept", self.parts["kept"])):
            plan = parts.plan_of(self.parts["forget"], self.parts["kept"], drawn, K, BATCH, count, seed)
            plans[name] = write_rows(place / "data" / f"plan_{name}.jsonl", plan)
        return plans, count // self.size.accumulate

    def unlearn(self, method, seed, full, retain):
        """Figures of the model after unlearning with one method, or None if that failed."""
        place = self.out / f"seed-{seed}"
        plans, count = self.plans(place, seed)
        plan, run = plans[DRAWING.get(method, "forget")], place / method
        command = ["unlearn", f"method={method}", "--model", str(full), "--normal", str(self.alpha_rows)]
        command += [f"data.plan={plan}", *ADAPTER, *TEXT, *UNLEARNING, f"training.steps={count}"]
        command += [f"training.accumulate={self.size.accumulate}", f"negation.kl_budget={self.options.budget}"]
        command += [*([f"sku.k={K}"] if method in DRAWING else []), "--seed", str(seed), "--out", str(run)]
        title = f"unlearning with {method}, seed {seed}"
        try:
            self.timed(title, run, command, [full, plan, self.alpha_rows], resumes=True, may_fail=True)
        except Failed:
            return None
        figures = self.measure(
            f"{method}, seed {seed}", place / f"{method}-tofu", full, run / "adapter", retain, [full, run]
        )
        chosen = chosen_alpha(json.loads((run / "results.json").read_text()))
        return figures | chosen | {"seconds": self.seconds[title]}

    def all(self):
        """[{row of the table: figures} for each seed]"""
        self.write_data()
        base = self.options.model
        self.steps.keys[base] = str(base)
        kept = self.parts["kept"] + self.parts["alpha"]
        retain_model, full = self.teach("retain", kept), self.teach("full", kept + self.parts["forget"])
        retain = self.out / "retain-tofu"
        measured = self.measure(table.RETAIN, retain, retain_model, None, None, [retain_model])
        rows = {
            name: self.measure(name, self.out / f"{short}-tofu", model, None, retain, [model])
            for name, short, model in ((table.BEFORE, "base", base), (table.FULL, "full", full))
        }
        rows[table.RETAIN] = measured | {"forget_quality": 1.0}  # compared with itself
        if measured.get("mia_min_k") is not None:
            rows[table.RETAIN]["privleak"] = 0.0
        return [
            rows | {method: self.unlearn(method, seed, full, retain) for method in self.options.methods}
            for seed in self.options.seeds
        ]


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", type=pathlib.Path, required=True, help="folder that tools/real_model.py wrote")
    arguments.add_argument("--data", type=pathlib.Path, required=True, help="folder of TOFU's .json files")
    arguments.add_argument("--split", choices=parts.SIZES, default="forget01", help="forget01: an excerpt")
    arguments.add_argument("--out", type=pathlib.Path, help="default: runs/tofu/SPLIT")
    arguments.add_argument("--lethe", default="build/lethe")
    arguments.add_argument("--seeds", nargs="+", type=int, default=[8888])
    arguments.add_argument("--methods", nargs="+", default=DEFAULT_METHODS, help="names, or all")
    arguments.add_argument("--budget", type=float, default=0.3, help="KL budget of every method, nats a token")
    options = arguments.parse_args()
    options.out = options.out or pathlib.Path("runs/tofu") / options.split
    run = TofuRun(options)
    known = methods_of(options.lethe)
    if options.methods == ["all"]:
        options.methods = known
    if unknown := [method for method in options.methods if method not in known]:
        arguments.error(f"no such method: {', '.join(unknown)} (lethe methods lists all)")
    try:
        by_seed = run.all()
    except Interrupted:
        print("tofu: interrupted; the same command continues", file=sys.stderr)
        return 130
    path = table.write_page(run, by_seed)
    print("\n" + table.table_of(by_seed, len(run.parts["asked_forget"])))
    print("\n".join(f"tofu: {sentence}" for sentence in table.checks_of(by_seed[0])) + f"\ntofu: the page: {path}")
    return 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main())
