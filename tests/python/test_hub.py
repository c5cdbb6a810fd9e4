"""`lethe pull` and the real huggingface_hub share one cache, in both directions."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import lethe
from fake_hub import COMMIT, FakeHub

try:
    import huggingface_hub
except ImportError:
    huggingface_hub = None

MODEL = pathlib.Path(__file__).resolve().parents[2] / "assets" / "demo"
WANTED = ["*.safetensors", "*.json"]


class Pull(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lethe_hub_"))
        self.addCleanup(shutil.rmtree, self.folder)
        source = self.folder / "source"
        source.mkdir()
        for path in MODEL.iterdir():
            if path.suffix in (".json", ".safetensors"):
                shutil.copy(path, source)
        (source / "pytorch_model.bin").write_bytes(b"a pickle")
        (source / "modeling.py").write_text("import os\n")
        self.hub = FakeHub(source)
        self.addCleanup(self.hub.close)
        self.home = self.folder / "home"
        self.variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
            "HF_HOME": str(self.home),
            "HF_ENDPOINT": self.hub.url,
            "HF_TOKEN": "hf_secret",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        for name, value in self.variables.items():
            if name.startswith("HF_"):
                old = os.environ.get(name)
                os.environ[name] = value
                self.addCleanup(os.environ.pop if old is None else os.environ.__setitem__, name, old)

    def pull(self, *arguments, **settings):
        return pathlib.Path(lethe.run("pull", *(arguments or ("org/model",)), **settings).output.strip())

    def snapshot_download(self, options):
        """huggingface_hub in a process of its own: it reads its environment once."""
        code = f"import huggingface_hub; print(huggingface_hub.snapshot_download('org/model', {options}))"
        done = subprocess.run([sys.executable, "-c", code], env=self.variables, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return pathlib.Path(done.stdout.strip().splitlines()[-1])

    def test_pull_prints_the_snapshot_and_takes_neither_pickles_nor_code(self):
        snapshot = self.pull()
        self.assertEqual(snapshot, self.home / "hub" / "models--org--model" / "snapshots" / COMMIT)
        names = {path.name for path in snapshot.iterdir()}
        self.assertIn("model.safetensors", names)
        self.assertFalse(names & {"pytorch_model.bin", "modeling.py"})

    def test_the_token_stays_with_the_hub(self):
        self.pull()
        for host, _, path, headers in self.hub.asked:
            wanted = "Bearer hf_secret" if host == "hub" else None
            self.assertEqual(headers.get("Authorization"), wanted, path)

    @unittest.skipUnless(huggingface_hub, "needs huggingface_hub")
    def test_huggingface_hub_finds_what_lethe_pulled(self):
        snapshot = self.pull()
        self.assertEqual(self.snapshot_download("local_files_only=True"), snapshot)
        # Online, it downloads none of the files again.
        before = len(self.hub.asked)
        self.assertEqual(self.snapshot_download(f"allow_patterns={WANTED}"), snapshot)
        new = [(method, path) for host, method, path, _ in self.hub.asked[before:] if method == "GET"]
        self.assertFalse([path for _, path in new if "/api/" not in path], new)

    @unittest.skipUnless(huggingface_hub, "needs huggingface_hub")
    def test_lethe_finds_what_huggingface_hub_downloaded(self):
        snapshot = self.snapshot_download(f"allow_patterns={WANTED}")
        before = len(self.hub.asked)
        self.assertEqual(self.pull(), snapshot)
        self.assertEqual(len(self.hub.asked), before + 1)  # the list of files
        rows = lethe.run("score", model="org/model", input=[{"text": "The tower"}])["rows"]
        self.assertGreater(rows[0]["tokens"], 0)

    @unittest.skipUnless(huggingface_hub, "needs huggingface_hub")
    def test_locks_have_the_mode_of_huggingface_hubs(self):
        self.pull()
        self.snapshot_download(f"allow_patterns={WANTED}, force_download=True")
        locks = list((self.home / "hub" / ".locks" / "models--org--model").iterdir())
        self.assertGreater(len(locks), 1)
        self.assertEqual({oct(path.stat().st_mode & 0o777) for path in locks}, {"0o664"})

    def test_a_model_is_downloaded_when_a_command_may(self):
        row = [{"text": "The tower of Oxbridge is red."}]
        with self.assertRaises(lethe.BadInputError) as caught:
            lethe.run("score", model="org/model", input=row)
        self.assertIn("lethe pull org/model", caught.exception.hint)
        rows = lethe.run("score", model="org/model", input=row, download=True)["rows"]
        self.assertEqual(rows, lethe.run("score", model=MODEL, input=row)["rows"])


if __name__ == "__main__":
    unittest.main()
