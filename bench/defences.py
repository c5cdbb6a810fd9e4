#!/usr/bin/env python3
"""Measures defences against relearning and four bits on the demo's world (docs/explanation/limits.md).

    bench/defences.py WORK [--tuning full] [--seeds 8888 2 3] [--budget 0.02]

Each variant of SKU is trained with each seed, which also splits the data. `lethe attack` then rounds the result and
relearns it with the highest rates. Prints Markdown: means over seeds, with half of Student's 95% interval. What was
computed is not computed again.
"""
import argparse
import json
import pathlib
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
STEPS = [2, 4, 8, 16]
VARIANTS = {
    "sku": [],
    "larger alpha": ["negation.alpha=0.47"],  # about the KL on test answers that rounds2 has
    "survive": ["negation.survive=nf4"],
    "rounds2": ["negation.rounds=2"],
    "rounds3": ["negation.rounds=3"],
    "rounds2, 64 steps": ["negation.rounds=2", "negation.relearn={steps: 64}"],
    "few weights": ["negation.factors={down_proj: 1, .: 0}"],
}
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
LORA = ["lora={rank: 8, alpha: 16, targets: all-linear}", "training.lr=5e-3"]


def lethe(args, *words):
    subprocess.run([args.lethe, *words], check=True)


def harm(entries, **settings):
    for entry in entries:
        if all(entry["settings"].get(key) == value for key, value in settings.items()):
            return entry["harm_after"]
    return None


def figures(args, variant, seed):
    name = f"{args.tuning}-{args.budget:g}-{variant.replace(', ', '-').replace(' ', '_')}-{seed}"
    run, attacks, data = args.work / name, args.work / f"{name}-attacks", args.work / "world/data"
    if not run.exists():
        lethe(args, "unlearn", str(ROOT / "recipes/demo.yaml"), "--model", str(ROOT / "assets/demo"),
              "--harmful", str(data / "harmful.jsonl"), "--normal", str(data / "normal.jsonl"),
              "--threads", "1", "--quiet", f"tuning={args.tuning}", f"seed={seed}", f"negation.kl_budget={args.budget}",
              *(LORA if args.tuning == "lora" else []), *VARIANTS[variant], "--out", str(run))
    if not (attacks / "attack.json").exists():
        lethe(args, "attack", str(run), "--quick", "--attacks", "quantize,relearn", "--prompts-count", "48", "--rows",
              "64", "--steps", ",".join(map(str, STEPS)), "--threads", "1", "--out", str(attacks))
    results = json.loads((run / "results.json").read_text())
    entries = json.loads((attacks / "attack.json").read_text())
    after = results["unlearned"]["figures"]
    row = {"alpha": results["alpha"], "harm": entries[0]["harm_before"], "KL": after["normal_kl"],
           "ROUGE-L": after["normal_rouge_l"], "NF4": harm(entries, format="nf4"), "int4": harm(entries, format="int4")}
    for tuning, short in (("lora", "LoRA"), ("full", "all")):
        for steps in STEPS:
            row[f"{short} {steps}"] = harm(entries, tuning=tuning, steps=steps)
    return row


def text(name, values):
    if any(value is None for value in values):
        return "-"
    share = name not in ("alpha", "KL", "ROUGE-L")
    scale, digits = (100, 0) if share else (1, 3)
    mean = f"{scale * statistics.mean(values):.{digits}f}"
    if len(values) > 1:
        error = STUDENT[len(values)] * statistics.stdev(values) / len(values) ** 0.5
        mean += f" ±{scale * error:.{digits}f}"
    return mean + ("%" if share else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--tuning", default="full", choices=["full", "lora"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[8888, 2, 3])
    parser.add_argument("--budget", type=float, default=0.02)
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--lethe", default=str(ROOT / "build/lethe"))
    args = parser.parse_args()
    if not (args.work / "world").exists():
        lethe(args, "demo", "--data-only", "--out", str(args.work / "world"))
    rows = {variant: [] for variant in args.variants}
    for seed in args.seeds:
        for variant in args.variants:
            rows[variant].append(figures(args, variant, seed))
    names = list(next(iter(rows.values()))[0])
    print("| variant | " + " | ".join(names) + " |")
    print("|---|" + "---:|" * len(names))
    for variant, each in rows.items():
        print(f"| {variant} | " + " | ".join(text(name, [row[name] for row in each]) for name in names) + " |")


if __name__ == "__main__":
    main()
