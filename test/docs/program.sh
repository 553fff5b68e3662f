#!/bin/sh
# Takes a page's program out of it: all its ```c blocks in order make DIR/program.c; what the page says it
# prints, the indented lines behind the one that ends in "&& ./NAME", is DIR/expected; its ```sh blocks, to be
# run before, are DIR/before. Fails when the page has blocks of other kinds than those and text, yaml and json,
# or a program without saying what it prints.
#     program.sh PAGE.md DIR
set -eu
page=$1 dir=$2

odd=$(awk '/^ *```/ {inside = !inside; if (inside && $0 !~ /^```(c|sh|text|yaml|json)$/) print FILENAME ":" FNR ": " $0}' "$page")
[ -z "$odd" ] || { echo "blocks without a kind that is tested: $odd"; exit 1; }

blocks() { awk -v open="\`\`\`$1" '$0 == open {inside = 1; next} /^```$/ {inside = 0} inside' "$page"; }
blocks c >"$dir/program.c"
blocks sh >"$dir/before"
awk '/&& \.\/[a-z_]+$/ {inside = 1; next} inside && !/^    / {exit} inside {sub(/^    /, ""); print}' \
  "$page" >"$dir/expected"
[ -s "$dir/expected" ] || [ ! -s "$dir/program.c" ] || { echo "$page: what does it print?"; exit 1; }
