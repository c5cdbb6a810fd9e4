#!/usr/bin/env python3
"""What `make release` relies on: a valid bill of materials, checksums that verify, a container file that fits the tree."""

import json
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import release  # noqa: E402  (tools/ is no package)

CREATED = "2026-11-30T07:05:00Z"
LIBRARIES = [("libcurl4", "7.88.1-10+deb12u15"), ("libgmp10", "2:6.2.1+dfsg1-1.1"), ("libcurl4", "7.88.1-10+deb12u15")]


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def wheel(self):
        path = self.folder / "lethe_unlearn-1.0-py3-none-any.whl"
        components = [{"name": "lethe_unlearn", "version": "1.0", "purl": "pkg:pypi/lethe_unlearn@1.0"}]
        components += [{"name": n, "version": v, "purl": f"pkg:deb/debian/{n}@{v}"} for n, v in LIBRARIES]
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(
                "lethe_unlearn-1.0.dist-info/sboms/auditwheel.cdx.json", json.dumps({"components": components})
            )
        return path

    def test_bill_of_materials_follows_spdx(self):
        """The rules of SPDX 2.3, sections 6 to 11, for the fields that the bill has."""
        bill = release.bill_of_materials(self.wheel(), "1.0", CREATED)
        self.assertEqual(("SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT"),
                         (bill["spdxVersion"], bill["dataLicense"], bill["SPDXID"]))  # fmt: skip
        self.assertRegex(bill["documentNamespace"], r"^https://[^#\s]+$")
        self.assertRegex(bill["creationInfo"]["created"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(bill["creationInfo"]["creators"][0], r"^Tool: \S+-\S+$")
        known = {package["SPDXID"] for package in bill["packages"]}
        self.assertEqual(len(known), len(bill["packages"]))
        for package in bill["packages"]:
            self.assertRegex(package["SPDXID"], r"^SPDXRef-[A-Za-z0-9.-]+$")
            self.assertTrue(package["name"])
            self.assertFalse(package["filesAnalyzed"])
            for key in ("downloadLocation", "licenseConcluded", "licenseDeclared", "copyrightText"):
                self.assertIn(package[key], ("NOASSERTION", "Apache-2.0"))
            self.assertRegex(
                package["externalRefs"][0]["referenceLocator"], r"^pkg:(pypi|deb/debian)/[^@\s]+(@[^@\s+:]+)?$"
            )
        for relation in bill["relationships"]:
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, known | {bill["SPDXID"]})
        self.assertEqual(1, sum(one["relationshipType"] == "DESCRIBES" for one in bill["relationships"]))

    def test_bill_of_materials_lists_what_the_wheel_holds_and_needs(self):
        bill = release.bill_of_materials(self.wheel(), "1.0", CREATED)
        name_of = {package["SPDXID"]: (package["name"], package.get("versionInfo")) for package in bill["packages"]}
        related = lambda kind, end: sorted(
            name_of[one[end]] for one in bill["relationships"] if one["relationshipType"] == kind
        )
        self.assertEqual(sorted(set(LIBRARIES)), related("CONTAINS", "relatedSpdxElement"))
        torch = re.search(r"^torch==(\S+)$", (ROOT / "tools/engine.txt").read_text(), re.MULTILINE).group(1)
        self.assertIn(("torch", torch), related("RUNTIME_DEPENDENCY_OF", "spdxElementId"))
        self.assertIn("nlohmann-json3-dev", [name for name, _ in related("BUILD_DEPENDENCY_OF", "spdxElementId")])
        self.assertIn("g++", [name for name, _ in related("BUILD_TOOL_OF", "spdxElementId")])

    def test_bill_of_materials_is_the_same_every_time(self):
        self.assertEqual(release.bill_of_materials(self.wheel(), "1.0", CREATED),
                         release.bill_of_materials(self.wheel(), "1.0", CREATED))  # fmt: skip

    def test_checksums_verify(self):
        for name in ("a.whl", "b c.tar.gz"):
            (self.folder / name).write_text(name)
        (self.folder / "SHA256SUMS").write_text(release.checksums(self.folder))
        check = ["sha256sum", "--strict", "--quiet", "-c", "SHA256SUMS"]
        self.assertEqual(0, subprocess.run(check, cwd=self.folder).returncode)
        (self.folder / "a.whl").write_text("another")
        self.assertNotEqual(0, subprocess.run(check, cwd=self.folder, capture_output=True).returncode)

    def test_source_archives_are_compared_with_what_git_tracks(self):
        tracked = ["CMakeLists.txt", "src/main.cpp", "tests/real.py"]
        for held, fine in ((["CMakeLists.txt", "src/main.cpp", "PKG-INFO"], True),
                           (["CMakeLists.txt", "PKG-INFO"], False),
                           (["CMakeLists.txt", "src/main.cpp", "secret"], False)):  # fmt: skip
            archive = self.folder / "lethe-1.0.tar.gz"
            with tarfile.open(archive, "w:gz") as tar:
                for name in held:
                    tar.add(__file__, "lethe-1.0/" + name)
            try:
                release.check_sdist(archive, tracked)
                self.assertTrue(fine, held)
            except SystemExit:
                self.assertFalse(fine, held)

    def test_what_is_left_out_is_what_pyproject_excludes(self):
        excluded = re.search(r"^sdist.exclude = (\[.*\])$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE).group(
            1
        )
        self.assertEqual(sorted(name.rstrip("/") for name in release.NOT_IN_SDIST), sorted(json.loads(excluded)))


class Container(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / "Containerfile").read_text()
        joined = self.text.replace("\\\n", " ")
        self.steps = [line.split(maxsplit=1) for line in joined.splitlines() if line and not line.startswith("#")]

    def test_ends_as_a_user_without_rights(self):
        users = [value for word, value in self.steps if word == "USER"]
        self.assertTrue(users and users[-1] not in ("root", "0"))
        after = [word for word, _ in self.steps[[word for word, _ in self.steps].index("USER") :]]
        self.assertNotIn("RUN", after)

    def test_copies_what_the_tree_holds_and_ignores_what_it_must_not_hold(self):
        for word, value in self.steps:
            if word == "COPY" and "--from" not in value:
                for source in value.split()[:-1]:
                    self.assertTrue((ROOT / source).exists(), source)
        ignored = (ROOT / ".dockerignore").read_text().split()
        for name in ("build*", ".venv*", "runs", ".cache", ".git", "dist"):
            self.assertIn(name, ignored)

    def test_takes_the_debian_release_of_the_package_list(self):
        self.assertIn("Debian 12", (ROOT / "tools/packages.txt").read_text())
        bases = [value.split()[0] for word, value in self.steps if word == "FROM"]
        self.assertEqual({"docker.io/library/debian:bookworm-slim"}, set(bases))


if __name__ == "__main__":
    unittest.main()
