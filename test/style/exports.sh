#!/bin/sh
# The shared library exports every function that the public headers declare, and nothing else. Names that
# begin with an underscore are the tool chain's; the absolute one is the version's. Prints every violation; exit
# status 1 if there is one.
#     exports.sh LIBRARY HEADER...
set -eu
library=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

nm -D --defined-only "$library" | awk '$2 != "A" && $3 !~ /^_/ {sub(/@.*/, "", $3); print $3}' | sort -u >"$dir/shown"
# A declaration runs from GCACHE_EXTERN to the next semicolon; its name is the first before a bracket.
awk -v RS=';' '{
  at = 0
  while (match(substr($0, at + 1), /GCACHE_EXTERN/)) at += RSTART
  text = substr($0, at + 1)
  if (at && match(text, /gcache_[a-z0-9_]+\(/)) print substr(text, RSTART, RLENGTH - 1)
}' "$@" | sort -u >"$dir/declared"

[ -s "$dir/declared" ]
comm -13 "$dir/shown" "$dir/declared" | sed "s/^/declared, not exported: /" >"$dir/breaches"
comm -23 "$dir/shown" "$dir/declared" | sed "s/^/exported, not declared: /" >>"$dir/breaches"
cat "$dir/breaches"
[ ! -s "$dir/breaches" ]
