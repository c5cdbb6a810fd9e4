#!/usr/bin/env python3
"""The computed tables of docs/scale_costs.md: memory, exchange and time of LoRA on LLaMA-2's shapes by the number of
ranks, from `lethe unlearn --dry-run --ranks`. Nothing is trained; the models are empty files.

Each rank computes one micro-batch of a step (training.accumulate is the number of ranks), with training.recompute. The
rows are those of bench/memory.py. Time a step = compute + exchange, one after the other: 6 FLOP a weight and token
(forward, recomputed, backward) at 150 TFLOP/s, and the bytes that a rank receives at 12.5 GB/s (100 Gbit/s for each GPU).
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import tempfile

from commands import shaped_like_llama
from memory import ROOT, SHAPES, plan

RANKS = (1, 2, 8, 64)
RATE, NETWORK, TOKENS = 150e12, 12.5e9, 1024
KINDS = {"bfloat16": [], "bfloat16, shared": ["training.shard=true"], "NF4": ["quantize=nf4"], "NF4, shared": ["quantize=nf4", "training.shard=true"]}


def planned(model, rows, ranks, settings):
    command = [ROOT / "build/lethe", "unlearn", "tuning=lora", "lora.rank=32", f"data.plan={rows}", "negation.alpha=1", "evaluation.prompts=0",
               "dtype=bfloat16", "training.recompute=true", f"training.accumulate={ranks}", "training.steps=1", "--dry-run", "--json", "--quiet",
               "--ranks", str(ranks), "--model", model, "--out", model.parent / "out", *settings]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def seconds(facts):
    exchanged = facts.get("ranks", {})
    received = exchanged.get("gradients_bytes_a_step", 0) + exchanged.get("matrices_bytes_a_step", 0)
    return 6 * facts["model"]["parameters"] * TOKENS / RATE, received / NETWORK


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        plan(args.data, folder / "plan.jsonl", max(RANKS))
        facts = {}
        for model, shape in SHAPES.items():
            shaped_like_llama(folder / model, dtype="BF16", **shape)
            shutil.copy(args.data / "tokenizers/llama2/tokenizer.json", folder / model)
            for kind, settings in KINDS.items():
                for ranks in RANKS:
                    facts[model, kind, ranks] = planned(folder / model, folder / "plan.jsonl", ranks, settings)
    columns = " | ".join(str(ranks) for ranks in RANKS)
    for title, cell in (
        ("memory of a rank, GB", lambda f: f"{f['memory_bytes'] / 1e9:.0f}"),
        ("received by a rank in a step, GB", lambda f: f"{sum(f.get('ranks', {}).get(k, 0) for k in ('gradients_bytes_a_step', 'matrices_bytes_a_step')) / 1e9:.3g}"),
        ("a step, s: compute + exchange", lambda f: " + ".join(f"{s:.2g}" for s in seconds(f))),
    ):
        print(f"\n| {title} | {columns} |\n|---|{'---|' * len(RANKS)}")
        for model in SHAPES:
            for kind in KINDS:
                print(f"| {model}, {kind} | " + " | ".join(cell(facts[model, kind, ranks]) for ranks in RANKS) + " |")


if __name__ == "__main__":
    main()
