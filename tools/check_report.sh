#!/bin/sh
# Opens a report in headless Chromium. Fails on any message in its console, on sideways scrolling, and on parts that a
# phone of 390 pixels cuts off. Saves screenshots (light, dark, phone, all sections open, print) in a folder.
#   tools/check_report.sh REPORT.html [FOLDER]
# Debian: apt-get install --no-install-recommends chromium. Without Chromium the check is skipped with a message.
set -eu
report=$(realpath "${1:?usage: tools/check_report.sh REPORT.html [FOLDER]}")
mkdir -p "${2:-report-pictures}"
folder=$(realpath "${2:-report-pictures}")
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
  echo "check_report: skipped, no Chromium here (apt-get install chromium)"
  exit 0
fi
profile=$(mktemp -d)
trap 'rm -rf "$profile"' EXIT
show() {  # show NAME FILE OPTIONS…
  name=$1 file=$2
  shift 2
  "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$profile" --enable-logging=stderr \
    "$@" "file://$file" 2> "$profile/$name.log"
  if grep -E 'CONSOLE|Refused to|Content Security Policy' "$profile/$name.log"; then
    echo "check_report: $name: messages in the console" >&2
    exit 1
  fi
}
sed 's/<details>/<details open>/g' "$report" > "$profile/unfolded.html"
# A copy of the page that puts its own width into its title; only this copy may run a script. A page wider than the
# screen would scroll sideways. On a phone no part within the page (a table, a plot) may be wider than its place either.
sed -e 's/<meta http-equiv="Content-Security-Policy"[^>]*>//' \
    -e 's#</body>#<script>const cut = [...document.querySelectorAll("main *")].filter(e => e.clientWidth > 0 \&\& e.scrollWidth > e.clientWidth + 1 \&\& !e.closest("svg")).length; document.title = document.documentElement.scrollWidth + "<=" + innerWidth + "," + (innerWidth < 600 ? cut : 0)</script></body>#' \
    "$profile/unfolded.html" > "$profile/width.html"

show light "$report" --window-size=1100,2400 --screenshot="$folder/light.png"
show dark "$report" --window-size=1100,2400 --blink-settings=preferredColorScheme=0 --screenshot="$folder/dark.png"
show unfolded "$profile/unfolded.html" --window-size=1100,4000 --screenshot="$folder/unfolded.png"
# Chromium has no windows narrower than 500 pixels, so a frame stands in for the phone.
printf '<!doctype html><meta charset="utf-8"><title>phone</title><iframe src="unfolded.html" width="390" height="4000" style="border:0"></iframe>' \
  > "$profile/phone.html"
show phone "$profile/phone.html" --window-size=500,4000 --screenshot="$folder/phone.png"
show print "$report" --no-pdf-header-footer --print-to-pdf="$folder/print.pdf"
for width in 390 1100; do
  printf '<!doctype html><title>w</title><iframe src="width.html" width="%s" height="800" onload="document.title = frames[0].document.title"></iframe>' "$width" \
    > "$profile/frame.html"
  show "width-$width" "$profile/frame.html" --allow-file-access-from-files --virtual-time-budget=2000 --dump-dom > "$profile/dom"
  found=$(sed -n 's/.*<title>\([0-9]*\)&lt;=\([0-9]*\),\([0-9]*\)<.*/\1 \2 \3/p' "$profile/dom")
  [ -n "$found" ] || { echo "check_report: the width at $width pixels was not measured" >&2; exit 1; }
  set -- $found
  [ "$1" -le "$2" ] || { echo "check_report: $1 pixels wide on a screen of $2" >&2; exit 1; }
  [ "$3" -eq 0 ] || { echo "check_report: $3 parts are cut off on a screen of $2 pixels" >&2; exit 1; }
done
echo "check_report: no message in the console, no sideways scrolling; pictures in $folder"
