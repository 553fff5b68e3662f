#!/bin/sh
# Runs every sub-command of gcache-bench that measures between processes and checks its output. Systems
# that are not installed are left out, as in a measurement.
#     smoke.sh GCACHE_BENCH
set -eu
bench=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# each FILE SYSTEM...: the file has a line for each system, whose figures are numbers other than 0.
each() {
  file=$1
  shift
  for system; do
    grep -qE "^\{\"bench\":\"[a-z0-9]+\",\"system\":\"$system\",\"value_bytes\":[1-9][0-9]*,\"outstanding\":[1-9][0-9]*,\"slow_pct\":[0-9.]+,\"per_s\":[1-9][0-9]*,\"per_s_min\":[1-9][0-9]*,\"per_s_max\":[1-9][0-9]*,\"p50_us\":[1-9][0-9.]*" \
      "$file" || { echo "$file: no figures of $system"; cat "$file"; exit 1; }
  done
}

quick='--rounds 1 --seconds 0.05 --json'
"$bench" remote $quick --bytes 100 --outstanding 16 --slow 0 --plot "$dir/remote.svg" >"$dir/remote"
each "$dir/remote" gcache floor
grep -q '</svg>' "$dir/remote.svg"
"$bench" remote $quick --bytes 65536 --outstanding 64 --slow 0 gcache floor nginx >"$dir/large"
each "$dir/large" gcache floor
"$bench" remote $quick --bytes 100 --outstanding 64 --slow 1 gcache floor >"$dir/slow"
each "$dir/slow" gcache
! grep floor "$dir/slow" # it loads nothing
"$bench" remote --one-process --answers 1000 >"$dir/one"
grep -q '^1000 answers' "$dir/one"
"$bench" remote --one-process --unix --answers 1000 >"$dir/one"
grep -q '^1000 answers' "$dir/one"
"$bench" hot $quick --outstanding 16 >"$dir/hot"
each "$dir/hot" gcache
grep -q local_pct "$dir/hot"

"$bench" cores $quick >"$dir/cores"
for n in 1 2 4; do
  for system in threads processes; do
    [ $n = 1 ] && asked='"op":"local"' || asked='"op":"peer","over":"unix" "op":"peer","over":"tcp" "op":"any","over":"unix","hot":"on"'
    for what in $asked; do
      grep -q "^{\"bench\":\"cores\",\"system\":\"$system\",\"cores\":$n,.*$what.*\"per_s\":[1-9]" "$dir/cores" ||
        { echo "cores: no figures of $n $system, $what"; cat "$dir/cores"; exit 1; }
    done
  done
done
"$bench" all --rounds 1 --seconds 0.02 --bytes 100 --outstanding 64 --slow 0 --out "$dir" gcache floor >"$dir/all"
each "$dir/benchmarks/figures.jsonl" gcache floor
grep -q '"bench":"herd".*"loads":1,' "$dir/benchmarks/figures.jsonl"
grep -q "relative to the floor" "$dir/benchmarks.md"
"$bench" all --rounds 1 2>/dev/null && exit 1 # --out is missing
echo passed
