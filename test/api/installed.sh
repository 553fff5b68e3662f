#!/bin/sh
# What `meson install` leaves is all that an application needs: files, soname, version, gcache.pc; the
# README's program links with it shared and static, a C++11 program compiles; and the static library
# defines no name that could be an application's. Environment: CC, CXX (empty: no C++), FLAGS.
#     installed.sh README.md BUILD_DIR VERSION DIR_OF_PUBLIC_HEADERS
set -eu
here=$(dirname "$0") readme=$1 build=$2 version=$3 headers=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
  echo "$*"
  exit 1
}

meson install -C "$build" --no-rebuild --quiet --destdir "$dir/root" >"$dir/log" || fail "$(cat "$dir/log")"
pc=$(find "$dir/root" -name gcache.pc)
lib=$(dirname "$(dirname "$pc")")
include=$(dirname "$(find "$dir/root" -type d -path '*/include/gcache')")
for file in "$lib/libgcache.so" "$lib/libgcache.so.0" "$lib/libgcache.so.$version" "$lib/libgcache.a"; do
  [ -f "$file" ] || fail "not installed: $file"
done
[ "$(ls "$include/gcache")" = "$(ls "$headers")" ] || fail "headers: $(ls "$include/gcache")"
readelf -d "$lib/libgcache.so" | grep -q 'SONAME.*\[libgcache\.so\.0\]' || fail "soname"

strangers=$(nm -g --defined-only "$lib/libgcache.a" | awk 'NF == 3 && $3 !~ /^(gcache_|gci_|_)/ {print $3}')
[ -z "$strangers" ] || fail "libgcache.a defines" $strangers

# Where it lies now; everything else in the file is as an application will find it.
prefix=$(sed -n 's/^prefix=//p' "$pc")
sed -i "s|^prefix=.*|prefix=$dir/root$prefix|" "$pc"
PKG_CONFIG_PATH=${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH LD_LIBRARY_PATH="$lib"
[ "$(pkg-config --modversion gcache)" = "$version" ] || fail "gcache.pc has another version"
shared=$(pkg-config --libs gcache libuv)
static=$(pkg-config --static --libs gcache libuv | sed "s|-lgcache|$lib/libgcache.a|")
flags="$FLAGS -Wall -Wextra -Werror $(pkg-config --cflags gcache libuv)"

$CC $flags "$here/version.c" -o "$dir/version" $shared
[ "$("$dir/version")" = "$version $version" ] || fail "versions: $version, $("$dir/version")"

"$here/../docs/program.sh" "$readme" "$dir"
for kind in shared static; do
  eval libs=\$$kind
  $CC -std=gnu11 $flags "$dir/program.c" $libs -o "$dir/$kind"
  "$dir/$kind" >"$dir/printed"
  diff -u "$dir/expected" "$dir/printed"
done
if readelf -d "$dir/static" | grep -q 'NEEDED.*libgcache'; then fail "static is not static"; fi

if [ -n "$CXX" ]; then
  $CXX -std=c++11 -pedantic $flags "$here/headers.cc" $shared -o "$dir/cxx"
  "$dir/cxx"
fi
