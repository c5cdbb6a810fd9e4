#!/usr/bin/env python3
"""Writes the hashes of the page's style and script into its Content-Security-Policy (assets/page/compare.html).

  page_hashes.py           after a change of the page
  page_hashes.py --check   fails if a hash is not that of the text
"""
import base64
import hashlib
import pathlib
import re
import sys

PAGE = pathlib.Path(__file__).resolve().parent.parent / "assets" / "page" / "compare.html"


def with_hashes(page):
    for kind in ("style", "script"):
        text = re.search(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        page = re.sub(rf"{kind}-src 'sha256-[^']*'", f"{kind}-src 'sha256-{digest}'", page, count=1)
    return page


def main():
    page = PAGE.read_text(encoding="utf-8")
    wanted = with_hashes(page)
    if sys.argv[1:] == ["--check"]:
        if page != wanted:
            sys.exit(f"{PAGE}: the policy does not hold the hashes of style and script: run tools/page_hashes.py")
        return
    PAGE.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    main()
