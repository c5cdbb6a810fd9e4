#!/usr/bin/env python3
"""Measures how the time of a training step depends on tokens, width, layers and vocabulary, and compares it with
the time that a count of the arithmetic predicts.

`lethe finetune --config` trains a LLaMA with random weights (all weights, no clipping) in sizes that vary one quantity at a
time; a row has exactly 256 tokens. The count includes the matrix products of every token in the layers and of every response
position in the head (forward, and twice as much backward), causal attention over each row with its backward pass, and
AdamW's pass over 28 bytes a weight. A rate of arithmetic and a rate of memory are fitted to all points; the table shows how
far each point is from the fit. `--plot FILE.svg` draws the same.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ROW, CENTRE = 256, {"tokens": 1024, "width": 512, "layers": 8, "vocabulary": 8192}
AXES = {"tokens": [256, 512, 1024, 2048, 4096], "width": [256, 384, 512, 768, 1024], "layers": [2, 4, 8, 12, 16],
        "vocabulary": [1024, 8192, 16384, 32768, 65536]}


def inner(width):
    return width * 11 // 4


def measured(args, size, folder):
    base = ROOT / "assets/demo"
    config = json.loads((base / "config.json").read_text()) | {
        "hidden_size": size["width"], "intermediate_size": inner(size["width"]), "num_hidden_layers": size["layers"], "vocab_size": size["vocabulary"],
        "num_attention_heads": size["width"] // 64, "num_key_value_heads": size["width"] // 64, "max_position_embeddings": ROW, "tie_word_embeddings": False}
    model = folder / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps(config))
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (model / name).write_text((base / name).read_text())
    data = folder / "rows.jsonl"
    data.write_text("".join(json.dumps({"prompt": f"{i}?", "response": "the lamp and the fish by the river " * 80}) + "\n" for i in range(64)))
    subprocess.run([args.lethe, "finetune", "--quiet", "--config", model / "config.json", "--data", data, "--threads", str(args.threads), "--out", folder / "run",
                    f"data.max_length={ROW}", f"training.batch={size['tokens'] // ROW}", f"training.steps={args.steps}", "training.clip=0", "evaluation.prompts=0"],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    steps = [json.loads(line) for line in (folder / "run/metrics.jsonl").read_text().splitlines()][2:]
    if any(s["tokens"] != size["tokens"] for s in steps):
        sys.exit(f"wanted {size['tokens']} tokens a step, found {steps[0]['tokens']}")
    return statistics.median(s["seconds"] for s in steps), json.loads((folder / "run/run.json").read_text())["peak_rss_bytes"] / 2**20


def arithmetic(size):
    """The operations and the bytes moved of a step."""
    width, tokens = size["width"], size["tokens"]
    layer = width * (4 * width + 3 * inner(width))
    responses = tokens - tokens // ROW * 16  # "### Question: … ### Answer: " and the first token of a row, about
    attention = 7 * ROW * tokens * width * size["layers"] / 2 * 2  # causal: each product is half of 2·L²·D; two forward, five backward
    weights = size["layers"] * layer + 2 * size["vocabulary"] * width
    return 6 * tokens * layer * size["layers"] + 6 * responses * size["vocabulary"] * width + attention, 28 * weights


def fitted(points):
    """The rates a and b of seconds = a·operations + b·bytes with the least squares of relative errors."""
    saa = sab = sbb = sa = sb = 0.0
    for _, _, seconds, _, (work, moved) in points:
        x, y = work / seconds, moved / seconds
        saa, sab, sbb, sa, sb = saa + x * x, sab + x * y, sbb + y * y, sa + x, sb + y
    determinant = saa * sbb - sab * sab
    return (sa * sbb - sb * sab) / determinant, (sb * saa - sa * sab) / determinant


def drawn(points, a, b):
    """An SVG with four panels, seconds against each size; dots are measurements, lines the arithmetic at the fitted rates."""
    panel, gap, height = 220, 56, 170
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {4 * (panel + gap) + 30} {height + 70}" font-family="sans-serif" font-size="12">',
             '<rect width="100%" height="100%" fill="#fff"/>',
             '<title>Seconds a step against tokens, width, layers and vocabulary</title>']
    for number, (axis, sizes) in enumerate(AXES.items()):
        left, mine = gap + number * (panel + gap) - 8, [p for p in points if p[0] == axis]
        top = max(max(p[2] for p in mine), max(a * p[4][0] + b * p[4][1] for p in mine)) * 1.1

        def at(value, seconds, left=left, sizes=sizes, top=top):
            return left + panel * value / sizes[-1] * 0.96, 20 + height * (1 - seconds / top)
        parts.append(f'<path d="M{left} 20V{20 + height}H{left + panel}" fill="none" stroke="#888"/>')
        for seconds in (0, top / 2.2, top / 1.1):
            parts.append(f'<text x="{left - 4}" y="{at(0, seconds)[1] + 4:.1f}" text-anchor="end">{seconds:.2g}</text>')
        for value in (0, sizes[-1]):
            parts.append(f'<text x="{at(value, 0)[0]:.1f}" y="{height + 36}" text-anchor="middle">{value:,}</text>')
        parts.append(f'<text x="{left + panel / 2}" y="{height + 56}" text-anchor="middle" font-weight="bold">{axis}</text>')
        line = []
        for i in range(41):
            value = sizes[0] + (sizes[-1] - sizes[0]) * i / 40
            work, moved = arithmetic(CENTRE | {axis: value})
            line.append("{:.1f},{:.1f}".format(*at(value, a * work + b * moved)))
        parts.append(f'<polyline points="{" ".join(line)}" fill="none" stroke="#36c" stroke-width="2"/>')
        for _, value, seconds, _, _ in mine:
            x, y = at(value, seconds)
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#c33"/>')
    parts.append(f'<text x="{gap - 8}" y="12">seconds a step: measured (dots) and the arithmetic (lines)</text></svg>')
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lethe", default=str(ROOT / "build/lethe"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--plot", help="an SVG file to write")
    args = parser.parse_args()
    points, known = [], {}
    for axis, sizes in AXES.items():
        for value in sizes:
            size = CENTRE | {axis: value}
            key = tuple(size.values())
            if key not in known:
                with tempfile.TemporaryDirectory() as folder:
                    known[key] = measured(args, size, pathlib.Path(folder))
            points.append((axis, value, *known[key], arithmetic(size)))
    a, b = fitted(points)
    print(f"{args.threads} threads, medians of {args.steps - 2} steps; around " + ", ".join(f"{k} {v}" for k, v in CENTRE.items()))
    print(f"fitted: {1e-9 / a:.0f} GFLOP/s, {1e-9 / b:.1f} GB/s\n" if b > 0 else f"fitted: {1e-9 / a:.0f} GFLOP/s, no cost of memory\n")
    print("| | | s/step | arithmetic | measured / arithmetic | peak MB |\n|---|---:|---:|---:|---:|---:|")
    for axis, value, seconds, peak, (work, moved) in points:
        predicted = a * work + b * moved
        print(f"| {axis} | {value:,} | {seconds:.3f} | {predicted:.3f} | {seconds / predicted:.2f} | {peak:.0f} |")
    if args.plot:
        pathlib.Path(args.plot).write_text(drawn(points, a, b))


if __name__ == "__main__":
    main()
