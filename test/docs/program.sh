#!/bin/sh
# Extracts the program of a page: all its ```c blocks in order become DIR/program.c; the output that the page
# shows, the indented lines after the one that ends in "&& ./NAME", becomes DIR/expected; its ```sh blocks, to
# be run before, become DIR/before. Fails if the page has blocks of kinds other than these and text, yaml and
# json, or a program without its output.
#     program.sh PAGE.md DIR
set -eu
page=$1 dir=$2

odd=$(awk '/^ *```/ {inside = !inside; if (inside && $0 !~ /^```(c|sh|text|yaml|json)$/) print FILENAME ":" FNR ": " $0}' "$page")
[ -z "$odd" ] || { echo "blocks of a kind that is not tested: $odd"; exit 1; }

blocks() { awk -v open="\`\`\`$1" '$0 == open {inside = 1; next} /^```$/ {inside = 0} inside' "$page"; }
blocks c >"$dir/program.c"
blocks sh >"$dir/before"
awk '/&& \.\/[a-z_]+$/ {inside = 1; next} inside && !/^    / {exit} inside {sub(/^    /, ""); print}' \
  "$page" >"$dir/expected"
[ -s "$dir/expected" ] || [ ! -s "$dir/program.c" ] || { echo "$page: the output of the program is missing"; exit 1; }
