#!/usr/bin/env python3
"""Compares the speed of tokenizing 10 MB of text in lethe and in PyPI `tokenizers`: LLaMA-2, and byte-level BPE (OPT).

Both encode the same texts in one batch, with offsets, on --threads threads of the same machine; the runs alternate. Reading
the texts and writing the results are not counted. Prints the best rate of each, their ratio and the median ratio. On a busy
machine only the ratio is meaningful.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def texts(data, size):
    """Stories and plays in texts of about 1 kB, repeated until they reach `size` bytes."""
    plays = (pathlib.Path(data) / "text/tinyshakespeare.txt").read_text(encoding="utf-8")
    stories = json.loads((pathlib.Path(data) / "text/tinystories_1000.json").read_text(encoding="utf-8"))
    stories = [s if isinstance(s, str) else s.get("story") or s.get("text") for s in (stories if isinstance(stories, list) else stories["stories"])]
    parts = [plays[i:i + 1000] for i in range(0, len(plays), 1000)] + stories
    result, bytes_ = [], 0
    while bytes_ < size:
        for part in parts:
            result.append(part)
            bytes_ += len(part.encode("utf-8"))
            if bytes_ >= size:
                break
    return result, bytes_


def library(folder):
    from tokenizers import Tokenizer, models, pre_tokenizers
    if (folder / "tokenizer.json").exists():
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer = Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--lethe", default=str(ROOT / "build/lethe"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    os.environ["RAYON_NUM_THREADS"] = str(args.threads)
    lines, size = texts(args.data, args.megabytes * 1e6)
    print(f"{'':12}{'lethe MB/s':>12}{'tokenizers MB/s':>17}{'ratio':>8}   {args.threads} threads, {size / 1e6:.1f} MB in {len(lines)} texts, best of {args.rounds} (median ratio)")
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "texts.jsonl"
        source.write_text("".join(json.dumps({"text": t}) + "\n" for t in lines), encoding="utf-8")
        for name in ("llama2", "opt"):
            model = pathlib.Path(args.data) / "tokenizers" / name
            tokenizer = library(model)
            ours, theirs = [], []
            for _ in range(args.rounds):
                answer = subprocess.run([args.lethe, "tokenize", "--model", str(model), "--input", str(source), "--time", "--threads", str(args.threads)], check=True, capture_output=True, text=True)
                ours.append(json.loads(answer.stdout)["seconds"])
                begin = time.perf_counter()
                tokenizer.encode_batch(lines)
                theirs.append(time.perf_counter() - begin)
            ratio = statistics.median(b / a for a, b in zip(ours, theirs))
            print(f"{name:12}{size / 1e6 / min(ours):12.1f}{size / 1e6 / min(theirs):17.1f}{min(theirs) / min(ours):8.2f}   ({ratio:.2f})")


if __name__ == "__main__":
    main()
