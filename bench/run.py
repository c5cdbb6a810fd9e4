#!/usr/bin/env python3
"""Compares stage 1 of SKU in lethe and in transformers + PEFT (hf_sku.py) on the same rows: LoRA and full tuning.

The peer runs in both of its styles and writes the rows of every step; lethe trains on the same rows. The three alternate
for --rounds rounds, and medians are printed: rates over the steps after the warm-up, and the peak resident set of each
process. Losses are compared step by step, which shows that both do the same work. The column "share of that" is the time of
the step's minimal arithmetic (matrix products with shared prompts; no attention, adapters or elementwise operations) at the
rate of one large matrix product in LibTorch on the same device and dtype, divided by the measured time.
7B shapes on a GPU: --dim 4096 --layers 32 --device cuda --dtype bfloat16.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import arithmetic

ROOT = pathlib.Path(__file__).resolve().parent.parent


def peer_run(args, model, style, lora, plan):
    command = [sys.executable, args.peer, "--model", model, "--harmful", f"{args.data}/pku_saferlhf/train.jsonl", "--normal",
               f"{args.data}/truthfulqa/TruthfulQA.csv", "--style", style, "--lora", str(lora), "--steps", str(args.steps),
               "--warm", str(args.warm), "--device", args.device, "--dtype", args.dtype] + (["--dump-plan", plan] if plan else [])
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def lethe_run(args, model, lora, plan, out, *more):
    keys = ["tuning=lora", f"lora.rank={lora}", f"lora.alpha={lora // 2}"] if lora else ["tuning=full"]
    subprocess.run([str(ROOT / "build/lethe"), "unlearn", *keys, *more, f"data.plan={plan}", "training.schedule=constant", "training.weight_decay=0.01",
                    "training.clip=0", "sku.pd_margin=0", "training.lr=2e-4", "negation.alpha=1", "evaluation.prompts=0", f"device={args.device}", f"dtype={args.dtype}", "--quiet",
                    "--model", model, "--out", out], check=True)
    steps = [json.loads(line) for line in (pathlib.Path(out) / "metrics.jsonl").read_text().splitlines()]
    timed = steps[args.warm:]
    run = json.loads((pathlib.Path(out) / "run.json").read_text())
    return {"step_s": statistics.median(s["seconds"] for s in timed), "tok_s": sum(s["tokens"] for s in timed) / sum(s["seconds"] for s in timed),
            "peak_rss_mb": run["peak_rss_bytes"] / 2**20, "peak_gpu_mb": run.get("peak_device_bytes", 0) / 2**20,
            "losses": [[s["gd"], s["rd"], s["kl"]] for s in steps]}


def least_gflop(model, plan, lora, warm):
    """Minimal arithmetic of a step in GFLOP, mean over the timed steps."""
    from transformers import AutoTokenizer
    tokenizer = AutoTokenizer.from_pretrained(model)
    lengths = {}

    def parts(prompt, response):
        if (prompt, response) not in lengths:
            text = tokenizer(f"### Question: {prompt}\n ### Answer: {response}", return_offsets_mapping=True, truncation=True, max_length=512)
            boundary = len(f"### Question: {prompt}\n ### Answer: ")
            first = sum(end <= boundary for _, end in text["offset_mapping"])
            lengths[prompt, response] = first, len(text["input_ids"]) - first
        return lengths[prompt, response]

    steps = [json.loads(line) for line in pathlib.Path(plan).read_text().splitlines()[warm:]]
    shape = arithmetic.Shape.of(json.loads((pathlib.Path(model) / "config.json").read_text()))
    return arithmetic.least_flop(shape, steps, parts, lora) / 1e9


def matmul_gflops(args):
    """Rate of one large matrix product on the device and in the dtype of the runs, the best of twelve."""
    import torch
    size = 2048 if args.device == "cpu" else 8192
    a, b = (torch.randn(size, size, device=args.device, dtype=getattr(torch, args.dtype)) for _ in range(2))
    wait = (lambda: None) if args.device == "cpu" else torch.cuda.synchronize
    best = 0
    for _ in range(12):
        wait()
        begin = time.perf_counter()
        torch.mm(a, b)
        wait()
        best = max(best, 2 * size**3 / (time.perf_counter() - begin) / 1e9)
    return best


def median_of(args, runs):
    """Medians of the runs. Memory is the peak resident set on a CPU, the peak of allocated tensors on a GPU."""
    memory = "peak_rss_mb" if args.device == "cpu" else "peak_gpu_mb"
    medians = {key: statistics.median(r[key] for r in runs) for key in ("step_s", "tok_s", memory)}
    return medians | {"peak_mb": medians[memory], "losses": runs[0]["losses"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--peer", required=True, help="hf_sku.py")
    parser.add_argument("--model", help="a checkpoint; default: a random LLaMA of --dim and --layers")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--warm", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu", help="cpu or cuda, for all three")
    parser.add_argument("--dtype", default="float32", help="float32 or bfloat16, for all three")
    parser.add_argument("--tuning", choices=["lora", "full"], help="only this one")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = args.model
        if model is None:
            model = f"{folder}/model"
            subprocess.run([sys.executable, args.peer, "--make-model", model, "--tokenizer", f"{args.data}/tokenizers/llama2", "--dim", str(args.dim),
                            "--layers", str(args.layers)], check=True, capture_output=True)
        rate = matmul_gflops(args)
        print(f"medians of {args.rounds} alternating rounds, on {args.device} in {args.dtype}; a large matrix product runs at {rate:.0f} GFLOP/s\n")
        print("| | s/step | tokens/s | peak MB | speed, tuned | published | memory, tuned | published | share of that | losses differ by |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
        for name, lora, extra in (("LoRA rank 32", 32, []), ("full", 0, [["training.recompute=true"]])):
            if args.tuning and args.tuning != ("lora" if lora else "full"):
                continue
            plan, runs = f"{folder}/plan{lora}.jsonl", {}
            for r in range(args.rounds):
                runs.setdefault("tuned peer", []).append(peer_run(args, model, "tuned", lora, plan))
                runs.setdefault("published style", []).append(peer_run(args, model, "published", lora, None))
                for more in [[]] + extra:
                    who = "lethe" + "".join(", " + m for m in more)
                    runs.setdefault(who, []).append(lethe_run(args, model, lora, plan, f"{folder}/run{lora}-{r}-{len(more)}", *more))
            figures = {who: median_of(args, each) for who, each in runs.items()}
            tuned, published = figures["tuned peer"], figures["published style"]
            gflop = least_gflop(model, plan, lora, args.warm)
            for who, f in figures.items():
                line = f"| {name}, {who} | {f['step_s']:.3f} | {f['tok_s']:.0f} | {f['peak_mb']:.0f} |"
                if who.startswith("lethe"):
                    # With LoRA the peer's adapters start from other random numbers, so only the losses of the first steps agree closely.
                    worst = max(abs(a - b) for ours, theirs in zip(f["losses"], tuned["losses"]) for a, b in zip(ours, theirs))
                    line += (f" {tuned['step_s'] / f['step_s']:.2f}x | {published['step_s'] / f['step_s']:.2f}x | {f['peak_mb'] / tuned['peak_mb']:.2f}x |"
                             f" {f['peak_mb'] / published['peak_mb']:.2f}x | {gflop / f['step_s'] / rate:.0%} | {worst:.1e} |")
                else:
                    line += " | | | | | |"
                print(line, flush=True)
            if args.json:
                print(json.dumps({"tuning": name, "figures": figures, "gflop": gflop, "rate": rate}))


if __name__ == "__main__":
    main()
