"""Fetches a wheel from PyPI by its name, version and hash."""
import subprocess
import sys


def download(requirement, sha256, folder):
    """Downloads NAME==VERSION into the folder; pip refuses another hash. Returns the wheel's path."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{requirement} --hash=sha256:{sha256}\n")
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                    "--require-hashes", "--dest", str(folder), "-r", str(requirements)], check=True)
    return next(folder.glob("*.whl"))
