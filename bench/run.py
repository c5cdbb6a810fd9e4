#!/usr/bin/env python3
"""Stage 1 of SKU, lethe beside transformers + PEFT (hf_sku.py), on the same rows, in one run: LoRA and full.

For each style the peer runs first and writes the rows of every step; lethe then trains on the same rows. Rates are medians over
the steps after the warm-up; memory is the peak resident set of each process. Prints a table, and JSON lines with --json.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def peer_run(args, model, lora, plan):
    command = [sys.executable, args.peer, "--model", model, "--harmful", f"{args.data}/pku_saferlhf/train.jsonl", "--normal",
               f"{args.data}/truthfulqa/TruthfulQA.csv", "--style", args.style, "--lora", str(lora), "--steps", str(args.steps),
               "--warm", str(args.warm), "--dump-plan", plan]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def lethe_run(args, model, lora, plan, out):
    keys = ["tuning=lora", f"lora.rank={lora}", f"lora.alpha={lora // 2}"] if lora else ["tuning=full"]
    subprocess.run([str(ROOT / "build/lethe"), "unlearn", *keys, f"data.plan={plan}", "training.schedule=constant", "training.weight_decay=0.01",
                    "training.clip=0", "sku.pd_margin=0", "training.lr=2e-4", "negation.alpha=1", "evaluation.prompts=0", "--quiet",
                    "--model", model, "--out", out], check=True)
    steps = [json.loads(line) for line in (pathlib.Path(out) / "metrics.jsonl").read_text().splitlines()][args.warm:]
    seconds = statistics.median(s["seconds"] for s in steps)
    return {"step_s": seconds, "tok_s": sum(s["tokens"] for s in steps) / sum(s["seconds"] for s in steps),
            "peak_rss_mb": json.loads((pathlib.Path(out) / "run.json").read_text())["peak_rss_bytes"] / 2**20}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--peer", required=True, help="hf_sku.py")
    parser.add_argument("--style", default="tuned", choices=["published", "tuned"])
    parser.add_argument("--model", help="a checkpoint; default: a random LLaMA of --dim and --layers")
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--warm", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = args.model
        if model is None:
            model = f"{folder}/model"
            subprocess.run([sys.executable, args.peer, "--make-model", model, "--tokenizer", f"{args.data}/tokenizers/llama2", "--dim", str(args.dim),
                            "--layers", str(args.layers)], check=True, capture_output=True)
        print(f"{'':16}{'steps/s':>10}{'tokens/s':>12}{'peak MB':>10}{'speed':>9}{'memory':>9}")
        for name, lora in (("LoRA rank 32", 32), ("full", 0)):
            plan = f"{folder}/plan{lora}.jsonl"
            peer = peer_run(args, model, lora, plan)
            ours = lethe_run(args, model, lora, plan, f"{folder}/run{lora}")
            for who, r, ratio in ((f"{args.style} peer", peer, ""), ("lethe", ours, f"{peer['step_s'] / ours['step_s']:8.2f}x{ours['peak_rss_mb'] / peer['peak_rss_mb']:8.2f}x")):
                print(f"{name + ', ' + who:28}"[:28].ljust(28)[:28] + f"{1 / r['step_s']:8.2f}{r['tok_s']:12.0f}{r['peak_rss_mb']:10.0f}" + ratio)
            if args.json:
                print(json.dumps({"tuning": name, "peer": peer, "lethe": ours}))


if __name__ == "__main__":
    main()
