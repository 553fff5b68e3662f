#!/bin/sh
# The man pages name every public header, every option of node --help and every command and option of
# gcache-bench; if scdoc and man are installed, the pages can be built and formatted without a warning.
#     man.sh ROOT [NODE] [GCACHE_BENCH]
set -euf
root=$1
shift
missing=0

names() { # PAGE WORD...
  page=$1
  shift
  for word; do
    grep -qF -e "$word" "$root/docs/man/$page.scd" || { echo "$page does not name $word"; missing=1; }
  done
}

names gcache.3 $(cd "$root/include" && find gcache -name "*.h")
for tool; do
  case $tool in
  *node) names gcache-node.1 $("$tool" --help | grep -oE -e '^ *--[a-z-]+' | sort -u) ;;
  *) names gcache-bench.1 $("$tool" 2>&1 | sed -n 's/^  \([a-z0-9][a-z0-9]*\)  .*/*\1*/p; s/[][]/ /g' | sort -u) \
      $("$tool" 2>&1 | grep -oE -e '--[a-z]+' | sort -u) ;;
  esac
done

if command -v scdoc >/dev/null && command -v man >/dev/null; then
  dir=$(mktemp -d)
  trap 'rm -rf "$dir"' EXIT
  for page in $(find "$root/docs/man" -name "*.scd"); do
    name=$(basename "$page" .scd)
    scdoc <"$page" >"$dir/$name"
    warnings=$(MANROFFSEQ='' MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -E UTF-8 -l -Tutf8 -Z "$dir/$name" 2>&1 >/dev/null)
    [ -z "$warnings" ] || { echo "$name: $warnings"; missing=1; }
  done
fi
exit $missing
