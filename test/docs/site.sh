#!/bin/sh
# The site can be built; every link in it, and every anchor, has a target; every public function has a heading
# in its reference.
#     site.sh PYTHON BUILD_PY ROOT LOWDOWN
set -eu
python=$1 build=$2 root=$3 lowdown=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

PYTHONDONTWRITEBYTECODE=1 "$python" "$build" "$root" "$dir" "$lowdown"
cd "$dir"
dead=0
for page in $(find . -name '*.html'); do
  for link in $(grep -o 'href="[^"]*"' "$page" | sed 's/^href="//; s/"$//' | sort -u); do
    case $link in
    http://* | https://* | mailto:*) continue ;;
    esac
    file=${link%%#*} anchor=${link#"${link%%#*}"}
    target=$page
    [ -z "$file" ] || target=$(dirname "$page")/$file
    if [ ! -e "$target" ] || { [ -n "$anchor" ] && ! grep -q "id=\"${anchor#\#}\"" "$target"; }; then
      echo "$page: dead link: $link"
      dead=1
    fi
  done
done
for name in $(cat "$root"/include/gcache/*.h | awk '/^GCACHE_EXTERN/ {on = 1} on && match($0, /gcache_[a-z0-9_]+\(/) {print substr($0, RSTART, RLENGTH - 1); on = 0}'); do
  grep -qE "<h3.*$name\(\)" include/gcache/*.html || { echo "not in the reference: $name"; dead=1; }
done
exit $dead
