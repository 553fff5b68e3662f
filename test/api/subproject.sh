#!/bin/sh
# An application with gcache in its subprojects/ needs one line, and builds the library alone.
#     subproject.sh SOURCE_ROOT
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

mkdir "$dir/subprojects"
ln -s "$1" "$dir/subprojects/gcache"
cp "$(dirname "$0")/version.c" "$dir"
cat >"$dir/meson.build" <<'END'
project('application', 'c')
executable('application', 'version.c', dependencies: dependency('gcache'))
END
meson setup "$dir/build" "$dir" --force-fallback-for=gcache --default-library=static >"$dir/log" || {
  cat "$dir/log"
  exit 1
}
targets=$(ninja -C "$dir/build" -t targets all | grep -cE '(test|bench|docs)/.*\.o: ') || true
[ "$targets" = 0 ] || { echo "$targets objects of tests and examples"; exit 1; }
ninja -C "$dir/build" -j2 application >"$dir/log" || {
  cat "$dir/log"
  exit 1
}
"$dir/build/application"
