#!/usr/bin/env python3
"""Fetches llama.cpp's converter from PyPI, and converts checkpoints with it.

    tools/llama_cpp_converter.py .cache/llama.cpp          download the sdist of llama-cpp-python (77 MB), unpack the converter

The converter reads Hugging Face folders with torch and transformers (tools/oracle.txt) and writes GGUF files.
"""

import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SDIST = ("llama-cpp-python==0.3.36", "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e")
PARTS = ("convert_hf_to_gguf.py", "conversion/", "gguf-py/", "LICENSE")


def fetch_converter(folder):
    """Unpacks the converter into the folder, unless it is there. pip refuses an archive of another hash."""
    script = folder / "convert_hf_to_gguf.py"
    if script.exists():
        return script
    with tempfile.TemporaryDirectory() as work:
        wanted = pathlib.Path(work) / "requirements.txt"
        wanted.write_text(f"{SDIST[0]} --hash=sha256:{SDIST[1]}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.run([*pip, "--require-hashes", "--no-binary", ":all:", "--dest", work, "-r", wanted], check=True)
        archive = next(pathlib.Path(work).glob("*.tar.gz"))
        fresh = folder.parent / (folder.name + ".new")
        shutil.rmtree(fresh, ignore_errors=True)
        with tarfile.open(archive) as tar:
            for member in tar.getmembers():
                within = member.name.partition("/vendor/llama.cpp/")[2]
                if within.startswith(PARTS) and (member.isfile() or member.isdir()):
                    member.name = within
                    tar.extract(member, fresh, filter="data")
        fresh.rename(folder)
    return script


def convert(model, outfile, outtype, python, converter=ROOT / ".cache/llama.cpp"):
    """Writes a checkpoint as GGUF. outtype: f32, f16 or bf16; python: an interpreter with torch and transformers."""
    script = fetch_converter(pathlib.Path(converter))
    command = [python, script, model, "--outtype", outtype, "--outfile", outfile]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"llama.cpp's converter failed:\n{done.stderr[-3000:]}")
    return outfile


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    fetch_converter(pathlib.Path(sys.argv[1]))
