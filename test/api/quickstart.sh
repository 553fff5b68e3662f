#!/bin/sh
# Takes the README's program out of the page: DIR/quickstart.c, and DIR/expected, what the page says it
# prints.
#     quickstart.sh README.md DIR
set -eu
readme=$1 dir=$2

awk '/^```c$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$readme" >"$dir/quickstart.c"
awk '/quickstart && .\/quickstart$/ {inside = 1; next} inside && !/^    / {exit} inside {sub(/^    /, ""); print}' \
  "$readme" >"$dir/expected"
[ -s "$dir/quickstart.c" ] && [ -s "$dir/expected" ]
