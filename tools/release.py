#!/usr/bin/env python3
"""Makes the files of a release in dist/: the wheel, the source archive, a bill of materials, checksums.

    tools/release.py                 after `make build`; needs tools/setup.sh release (make release does both)
    tools/release.py --allow-dirty   also with changes that are not committed, to try it

lethe-unlearn-VERSION.spdx.json is an SPDX 2.3 document: what the wheel contains (auditwheel's list of the libraries that
it copied), what it needs at run time, and what built it (the lists in tools/). SHA256SUMS covers all other files:
`sha256sum -c SHA256SUMS`.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
PYTHON = ROOT / ".venv-wheel/bin/python"
ME = "SPDXRef-lethe"
# Tracked files that the source archive leaves out (pyproject.toml, sdist.exclude).
NOT_IN_SDIST = (".ci/", "bench/", "fuzz/corpus/", "tests/")


def version():
    return re.search(r"project\(lethe VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)


def git(*words):
    return subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def entries(name):
    """The packages of a list in tools/, as (name, version); of a Debian package the version that is installed."""
    found = []
    for line in (ROOT / "tools" / name).read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        package, _, pin = line.partition("==")
        if not pin and name.endswith("packages.txt"):
            query = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True)
            pin = query.stdout.strip()
        found.append((package, pin))
    return found


def purl(kind, name, release):
    quoted = release.replace("+", "%2B").replace(":", "%3A")
    return f"pkg:{kind}/{name}" + (f"@{quoted}" if release else "")


class Bill:
    """An SPDX document under construction."""

    def __init__(self, release, created):
        self.release = release
        self.packages, self.relations = {}, []
        self.created = created
        self.add(ME, "lethe-unlearn", release, purl("pypi", "lethe-unlearn", release), licence="Apache-2.0")
        self.relate("SPDXRef-DOCUMENT", "DESCRIBES", ME)

    def add(self, identifier, name, release, address, licence="NOASSERTION"):
        package = {
            "SPDXID": identifier,
            "name": name,
            "downloadLocation": "NOASSERTION",
            "filesAnalyzed": False,
            "licenseConcluded": licence,
            "licenseDeclared": licence,
            "copyrightText": "NOASSERTION",
            "externalRefs": [
                {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": address}
            ],
        }
        if release:
            package["versionInfo"] = release
        self.packages.setdefault(identifier, package)
        return identifier

    def package(self, kind, name, release):
        identifier = "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", f"{kind}-{name}")
        return self.add(identifier, name, release, purl(kind, name, release))

    def relate(self, first, kind, second):
        relation = {"spdxElementId": first, "relationshipType": kind, "relatedSpdxElement": second}
        if relation not in self.relations:
            self.relations.append(relation)

    def document(self):
        body = {"packages": list(self.packages.values()), "relationships": self.relations}
        mark = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        return {
            "spdxVersion": "SPDX-2.3",
            "dataLicense": "CC0-1.0",
            "SPDXID": "SPDXRef-DOCUMENT",
            "name": f"lethe-unlearn-{self.release}",
            "documentNamespace": f"https://spdx.org/spdxdocs/lethe-unlearn-{self.release}-{mark}",
            "creationInfo": {"created": self.created, "creators": [f"Tool: lethe-release-{self.release}"]},
            **body,
        }


def copied_libraries(wheel):
    """Debian packages of the libraries in a wheel, as (name, version), from the list that auditwheel put into it."""
    with zipfile.ZipFile(wheel) as archive:
        lists = [name for name in archive.namelist() if name.endswith(".dist-info/sboms/auditwheel.cdx.json")]
        if not lists:
            sys.exit(f"release: {wheel.name} holds no list of its libraries (auditwheel 6.5 or newer writes one)")
        components = json.loads(archive.read(lists[0]))["components"]
    return sorted({(one["name"], one["version"]) for one in components if one["purl"].startswith("pkg:deb/")})


def bill_of_materials(wheel, release, created):
    bill = Bill(release, created)
    for name, version_of in copied_libraries(wheel):
        bill.relate(ME, "CONTAINS", bill.package("deb/debian", name, version_of))
    torch = None
    for name, pin in entries("engine.txt"):
        package = bill.package("pypi", name, pin)
        torch = package if name == "torch" else torch
        bill.relate(package, "RUNTIME_DEPENDENCY_OF", ME)
    for name, pin in entries("engine_cuda.txt"):
        bill.relate(bill.package("pypi", name, pin), "OPTIONAL_DEPENDENCY_OF", torch)
    for name, pin in entries("parquet.txt"):
        bill.relate(bill.package("pypi", name, pin), "OPTIONAL_DEPENDENCY_OF", ME)
    for name, pin in entries("packages.txt"):
        kind = "BUILD_DEPENDENCY_OF" if name.endswith("-dev") else "BUILD_TOOL_OF"
        bill.relate(bill.package("deb/debian", name, pin), kind, ME)
    for name, pin in entries("wheel.txt"):
        bill.relate(bill.package("pypi", name, pin), "BUILD_TOOL_OF", ME)
    return bill.document()


def check_sdist(archive, tracked):
    """The source archive holds every tracked file but those left out on purpose, and nothing else but PKG-INFO."""
    with tarfile.open(archive) as tar:
        held = {member.name.partition("/")[2] for member in tar.getmembers() if not member.isdir()}
    wanted = {name for name in tracked if not name.startswith(NOT_IN_SDIST)}
    missing, further = wanted - held, held - wanted - {"PKG-INFO"}
    if missing or further:
        sys.exit(f"release: {archive.name} lacks {sorted(missing)[:20]} and has beyond {sorted(further)[:20]}")


def checksums(folder):
    """The lines of SHA256SUMS for the files of a folder."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    return "".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--allow-dirty", action="store_true", help="also with changes that are not committed")
    options = parser.parse_args()
    changes = git("status", "--porcelain")
    if changes and not options.allow_dirty:
        sys.exit(f"release: commit these changes first, or try it with --allow-dirty:\n{changes[:2000]}")
    os.environ.setdefault("SOURCE_DATE_EPOCH", git("log", "-1", "--format=%ct").strip())
    created = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.UTC)

    subprocess.run([ROOT / "tools/make_wheel.sh"], check=True)  # empties dist/
    wheel = next(DIST.glob("*.whl"))
    build = "import sys; from scikit_build_core.build import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run([PYTHON, "-c", build, DIST], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    if not changes:  # scikit-build-core also takes files that are not tracked
        check_sdist(next(DIST.glob("*.tar.gz")), git("ls-files").splitlines())
    bill = DIST / f"lethe-unlearn-{version()}.spdx.json"
    document = bill_of_materials(wheel, version(), created.strftime("%Y-%m-%dT%H:%M:%SZ"))
    bill.write_text(json.dumps(document, indent=2) + "\n")
    subprocess.run([ROOT / ".venv-release/bin/pyspdxtools", "-i", bill], check=True, stdout=subprocess.DEVNULL)
    (DIST / "SHA256SUMS").write_text(checksums(DIST))
    for path in sorted(DIST.iterdir()):
        print(f"release: {path.relative_to(ROOT)}, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
