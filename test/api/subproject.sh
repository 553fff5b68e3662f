#!/bin/sh
# An application with gcache in its subprojects/ needs one line, and builds only the library: static and
# shared, from C and, if CXX names a compiler, from C++.
#     subproject.sh SOURCE_ROOT
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

mkdir "$dir/subprojects"
ln -s "$1" "$dir/subprojects/gcache"
cp "$(dirname "$0")/version.c" "$dir"
cp "$dir/version.c" "$dir/version.cc"
cat >"$dir/meson.build" <<END
project('application', 'c')
gcache = dependency('gcache', version: '>=0.1')
executable('application', 'version.c', dependencies: gcache)
if '${CXX:-}' != ''
  add_languages('cpp', native: false)
  executable('application_cc', 'version.cc', dependencies: gcache)
endif
END

quietly() { "$@" >"$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }; }

quietly meson setup "$dir/build" "$dir" --force-fallback-for=gcache
for kind in static shared; do
  quietly meson configure "$dir/build" -Dgcache:default_library=$kind
  quietly ninja -C "$dir/build" build.ninja
  targets=$(ninja -C "$dir/build" -t targets all | grep -cE '(test|bench|docs)/.*\.o: ') || true
  [ "$targets" = 0 ] || { echo "$targets objects of tests and examples"; exit 1; }
  programs="application${CXX:+ application_cc}"
  quietly ninja -C "$dir/build" -j2 $programs
  for program in $programs; do
    "$dir/build/$program"
  done
  links=$(readelf -d "$dir/build/application" | grep -c 'NEEDED.*libgcache') || true
  case $kind-$links in static-0 | shared-1) ;; *) echo "$kind: $links libgcache.so"; exit 1 ;; esac
done
