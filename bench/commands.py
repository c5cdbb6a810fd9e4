#!/usr/bin/env python3
"""Compares whole commands with what a user would do without Lethe: start, inspect, loading a 7B checkpoint against reading
its file, negate against `cp`, generate and score against transformers (padded batches, the same rows, the same cores).

Runs of both alternate, and medians are printed. Lethe's times cover the whole command, including its start and the loading
of the model; transformers' times cover only the calls. Checkpoints have random weights. Prints one table; its share of
identical answers shows whether both did the same work.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def timed(command, **kwargs):
    """Wall seconds and peak resident MB of a command (VmHWM, sampled: ru_maxrss would start from this process's own peak)."""
    begin, peak = time.perf_counter(), 0
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)
    while process.poll() is None:
        try:
            status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
            peak = max([peak] + [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")])
        except OSError:
            pass
        time.sleep(0.001 if time.perf_counter() - begin < 0.2 else 0.02)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: exit status {process.returncode}")
    return time.perf_counter() - begin, peak / 1024


def row(name, ours, theirs, goal, note=""):
    ratio = f"{theirs / ours:.2f}x" if theirs else ""
    print(f"| {name} | {ours:.3g} s | {f'{theirs:.3g} s' if theirs else ''} | {ratio} | {goal} | {note} |", flush=True)


def shaped_like_llama(folder, layers=32, dtype="F16", width=4096, inner=11008, heads=32, kv_heads=32):
    """Writes config.json and a sparse safetensors file with the names and shapes of a LLaMA-2 (by default 7B's) in 16 bits:
    only the header is written. Returns the offset of the values, and the shapes by name, in the order of the file."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": width, "intermediate_size": inner, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv_heads, "vocab_size": 32000, "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
        "tie_word_embeddings": False, "hidden_act": "silu"}))
    tensors = {"model.embed_tokens.weight": [32000, width], "lm_head.weight": [32000, width], "model.norm.weight": [width]}
    keys = width // heads * kv_heads
    for i in range(layers):
        for name, shape in {"self_attn.q_proj": [width, width], "self_attn.k_proj": [keys, width], "self_attn.v_proj": [keys, width],
                            "self_attn.o_proj": [width, width], "mlp.gate_proj": [inner, width], "mlp.up_proj": [inner, width],
                            "mlp.down_proj": [width, inner], "input_layernorm": [width], "post_attention_layernorm": [width]}.items():
            tensors[f"model.layers.{i}.{name}.weight"] = shape
    header, offset = {}, 0
    for name, shape in tensors.items():
        size = 2
        for n in shape:
            size *= n
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the padding of the safetensors library
    with open(folder / "model.safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + offset)
    return 8 + len(text), tensors


PEER_FIRST_RESULT = """
import sys, time, torch
from transformers import AutoModelForCausalLM
torch.set_num_threads(int(sys.argv[2]))
begin = time.perf_counter()
model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float16)
with torch.inference_mode():
    torch.log_softmax(model(torch.tensor([[1, 2, 3]])).logits.float(), -1)
print(time.perf_counter() - begin)
"""


def loading(args, folder):
    """Time from the command to the first result on a 7B checkpoint, from disk and from the page cache, compared with reading the file."""
    values, _ = shaped_like_llama(folder / "7b")
    file = folder / "7b/model.safetensors"
    needed, free = file.stat().st_size, shutil.disk_usage(folder).free
    memory = next(int(line.split()[1]) * 1024 for line in open("/proc/meminfo") if line.startswith("MemAvailable"))
    if min(free, memory) < 1.15 * needed:
        print(f"| 7B checkpoint, ready to run | | | | 1x | not measured: needs {1.15 * needed / 1e9:.0f} GB of memory and of disk in {folder} |", flush=True)
        return
    import numpy
    block = (numpy.random.default_rng(0).standard_normal(1 << 25) * 0.02).astype(numpy.float16).tobytes()
    with open(file, "r+b") as out:
        out.seek(values)
        while out.tell() < needed:
            out.write(block[:needed - out.tell()])
        out.flush()
        os.fsync(out.fileno())

    def forget():  # drops the file from the page cache
        with open(file, "rb") as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    none, one, scores = folder / "none.jsonl", folder / "one.jsonl", folder / "scores.jsonl"
    none.write_text("")
    one.write_text(json.dumps({"ids": [1, 2, 3]}) + "\n")

    def lethe(rows):
        seconds, _ = timed([args.lethe, "score", "--model", folder / "7b", "--dtype", "float16", "--input", rows, "--output", scores, "--threads", args.threads, "--quiet"])
        scores.unlink()
        return seconds

    def peer():  # transformers loads lazily, so the time to its first result is measured
        return float(subprocess.run([sys.executable, "-c", PEER_FIRST_RESULT, folder / "7b", str(args.threads)], check=True, capture_output=True, text=True).stdout)

    for where, prepare in (("disk", forget), ("memory", lambda: timed(["cat", file]))):
        times = {"cat": [], "ready": [], "result": [], "peer": []}
        for _ in range(args.rounds):
            for name, run in (("cat", lambda: timed(["cat", file])[0]), ("ready", lambda: lethe(none)), ("result", lambda: lethe(one)), ("peer", peer)):
                prepare()
                times[name].append(run())
        medians = {name: statistics.median(each) for name, each in times.items()}
        row(f"7B checkpoint ready to run, from the {where}, against cat", medians["ready"], medians["cat"], "1x" if where == "disk" else "",
            f"{needed / 1e9:.1f} GB of float16, every value checked; `lethe score` of no rows")
        row(f"7B checkpoint, first result, from the {where}, against transformers", medians["result"], medians["peer"], "", "`lethe score` of 3 tokens")


def prompts(data, count):
    lines = (pathlib.Path(data) / "pku_saferlhf/train.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines[: 4 * count: 4]]
    return [(f"### Question: {r['prompt']}\n ### Answer: ", r["response_0"]) for r in rows]


def padded(rows, left):
    import torch
    width = max(map(len, rows))
    filled = lambda row, fill: [fill] * (width - len(row)) + row if left else row + [fill] * (width - len(row))
    return {"input_ids": torch.tensor([filled(r, 0) for r in rows]), "attention_mask": torch.tensor([filled([1] * len(r), 0) for r in rows])}


def start(args, folder):
    shaped_like_llama(folder / "7b")
    for name, command, goal in (("`lethe --help`", [args.lethe, "--help"], "0.05 s"),
                                ("`lethe inspect`, 7B shapes", [args.lethe, "inspect", folder / "7b"], "0.2 s")):
        row(name, statistics.median(timed(command)[0] for _ in range(args.rounds * 3)), None, goal)


def negation(args, folder):
    """θ_o - α·τ reads two checkpoints and writes one; `cp` reads one and writes one."""
    import torch
    from safetensors.torch import save_file
    config = json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "tie_word_embeddings": False})
    rows, parts = 4096, max(1, round(args.gigabytes * 1e9 / (4 * 4096 * 4096 * 2)))
    for name in ("base", "tuned"):
        (folder / name).mkdir()
        (folder / name / "config.json").write_text(config)
        index = {}
        for part in range(parts):
            tensors = {f"model.layers.{4 * part + i}.weight": torch.randn(rows, 4096).to(torch.bfloat16) for i in range(4)}
            file = f"model-{part + 1:05}-of-{parts:05}.safetensors"
            save_file(tensors, folder / name / file, metadata={"format": "pt"})
            index |= {tensor: file for tensor in tensors}
        (folder / name / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    ours, theirs, peak = [], [], 0
    for _ in range(args.rounds):
        theirs.append(timed(["sh", "-c", f"cp -r {folder}/base {folder}/copy && sync -f {folder}/copy"])[0])
        shutil.rmtree(folder / "copy")
        seconds, megabytes = timed([args.lethe, "negate", "--base", folder / "base", "--tuned", folder / "tuned", "--alpha", "0.5", "--out", folder / "out"])
        ours.append(seconds)
        peak = max(peak, megabytes)
        shutil.rmtree(folder / "out")
    size = parts * 4 * 4096 * 4096 * 2 / 1e9
    row(f"`lethe negate`, {size:.1f} GB, against cp and sync", statistics.median(ours), statistics.median(theirs), "0.8x", f"peak {peak:.0f} MB (goal 300), pages of mapped files included")
    for name in ("base", "tuned"):
        shutil.rmtree(folder / name)


def decoding(args, folder):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    torch.set_num_threads(args.threads)
    model_folder = folder / "model"
    subprocess.run([sys.executable, args.peer, "--make-model", model_folder, "--tokenizer", f"{args.data}/tokenizers/llama2", "--dim", str(args.dim),
                    "--layers", str(args.layers)], check=True, capture_output=True)
    # A model with random weights hardly ever generates a stop token. Every fiftieth token stops here, so that answers differ in length.
    config = json.loads((model_folder / "config.json").read_text())
    stops = list(range(2, config["vocab_size"], 50))
    generation = {"eos_token_id": stops, "pad_token_id": 0, "do_sample": False}
    (model_folder / "generation_config.json").write_text(json.dumps(generation))
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModelForCausalLM.from_pretrained(model_folder, dtype=torch.float32).eval()
    pairs = prompts(args.data, args.prompts)
    ids = [tokenizer(p).input_ids for p, _ in pairs]

    source = folder / "prompts.jsonl"
    source.write_text("".join(json.dumps({"ids": i}) + "\n" for i in ids))
    ours, theirs = [], []
    for _ in range(args.rounds):
        seconds, _ = timed([args.lethe, "generate", "--model", model_folder, "--input", source, "--output", folder / "answers.jsonl", "--max-new-tokens", args.new_tokens,
                            "--batch", args.batch, "--threads", args.threads, "--quiet"])
        ours.append(seconds)
        (folder / "answers.jsonl").rename(folder / "answers.last.jsonl")
        begin, answers = time.perf_counter(), []
        for i in range(0, len(ids), args.batch):
            batch = padded(ids[i:i + args.batch], left=True)
            with torch.inference_mode():
                out = model.generate(**batch, max_new_tokens=args.new_tokens, do_sample=False, eos_token_id=stops, pad_token_id=0)
            answers += [o[batch["input_ids"].shape[1]:].tolist() for o in out]
        theirs.append(time.perf_counter() - begin)
    found = [json.loads(line)["ids"] for line in (folder / "answers.last.jsonl").read_text().splitlines()]
    cut = []
    for answer in answers:
        end = next((k for k, token in enumerate(answer) if token in set(stops)), len(answer))
        cut.append(answer[:end])
    same = sum(a == b for a, b in zip(found, cut))
    row(f"`lethe generate`, {len(ids)} prompts, ≤ {args.new_tokens} tokens", statistics.median(ours), statistics.median(theirs), "2x",
        f"batches of {args.batch}; {sum(map(len, found))} tokens; {same} of {len(ids)} answers identical")

    rows = [tokenizer(p + r).input_ids[:512] for p, r in pairs]
    source.write_text("".join(json.dumps({"ids": i}) + "\n" for i in rows))
    ours, theirs = [], []
    for _ in range(args.rounds):
        seconds, _ = timed([args.lethe, "score", "--model", model_folder, "--input", source, "--output", folder / "scores.jsonl", "--threads", args.threads, "--quiet"])
        ours.append(seconds)
        (folder / "scores.jsonl").rename(folder / "scores.last.jsonl")
        begin, sums = time.perf_counter(), []
        for i in range(0, len(rows), args.batch):
            batch = padded(rows[i:i + args.batch], left=False)
            with torch.inference_mode():
                logits = model(**batch).logits[:, :-1]
                picked = torch.log_softmax(logits, -1).gather(2, batch["input_ids"][:, 1:, None])[..., 0]
            sums += (picked * batch["attention_mask"][:, 1:]).sum(1).neg().tolist()
        theirs.append(time.perf_counter() - begin)
    found = [json.loads(line)["nll"] for line in (folder / "scores.last.jsonl").read_text().splitlines()]
    worst = max(abs(a - b) / b for a, b in zip(found, sums))
    row(f"`lethe score`, {len(rows)} rows, {sum(map(len, rows))} tokens", statistics.median(ours), statistics.median(theirs), "1.5x", f"batches of {args.batch}; sums differ by {worst:.0e} at most, relative")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--peer", required=True, help="hf_sku.py, which writes the random model")
    parser.add_argument("--lethe", default=str(ROOT / "build/lethe"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--gigabytes", type=float, default=3, help="size of the checkpoint for negate")
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--prompts", type=int, default=48)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--only", choices=["start", "loading", "negation", "decoding"])
    parser.add_argument("--folder", help="where to put temporary checkpoints (default: the system's temporary folder)")
    args = parser.parse_args()
    print(f"{args.threads} threads, medians of {args.rounds} alternating rounds\n")
    print("| what | lethe | compared with | speed | goal | |\n|---|---:|---:|---:|---:|---|")
    for name, part in (("start", start), ("loading", loading), ("negation", negation), ("decoding", decoding)):
        if args.only in (None, name):
            with tempfile.TemporaryDirectory(dir=args.folder) as folder:
                part(args, pathlib.Path(folder))


if __name__ == "__main__":
    main()
