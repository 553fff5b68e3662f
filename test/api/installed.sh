#!/bin/sh
# `meson install` installs everything that an application needs: files, soname, version, gcache.pc. With
# pkg-config, shared and static, the README's program prints what the page says, and consumer.c is built in
# each language of applications, and runs. The static library defines no name that an application could use.
# Environment: CC, CXX (empty: no C++), FLAGS.
#     installed.sh README.md BUILD_DIR VERSION DIR_OF_PUBLIC_HEADERS
set -eu
here=$(dirname "$0") readme=$1 build=$2 version=$3 headers=$4
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. "$here/tree.sh"

soname=libgcache.so.${version%%.*} # docs/packaging/soname.md
for file in libgcache.so "$soname" "libgcache.so.$version" libgcache.a cmake/gcache/gcacheConfig.cmake; do
  [ -f "$lib/$file" ] || fail "not installed: $lib/$file"
done
[ "$(ls "$include/gcache")" = "$(ls "$headers")" ] || fail "headers: $(ls "$include/gcache")"
readelf -d "$lib/libgcache.so" | grep -q "SONAME.*\[$soname\]" || fail "soname is not $soname"
nm -D "$lib/libgcache.so" | grep -q " gcache_open@@GCACHE_${version%%.*}$" || fail "symbols' version"

strangers=$(nm -g --defined-only "$lib/libgcache.a" | awk 'NF == 3 && $3 !~ /^(gcache_|gci_|_)/ {print $3}')
[ -z "$strangers" ] || fail "libgcache.a defines" $strangers

[ "$(pkg-config --modversion gcache)" = "$version" ] || fail "gcache.pc has another version"
shared=$(pkg-config --libs gcache libuv)
static=$(pkg-config --static --libs gcache libuv | sed "s|-lgcache|$lib/libgcache.a|")
flags="$FLAGS -Wall -Wextra -Werror -I$dir $(pkg-config --cflags gcache libuv)"

# compile NAME COMPILER FLAGS...: $dir/NAME-shared and $dir/NAME-static from $dir/NAME
compile() {
  name=$1
  shift
  "$@" $flags -c "$dir/$name" -o "$dir/$name.o"
  "$@" $FLAGS "$dir/$name.o" $shared -o "$dir/$name-shared"
  "$@" $FLAGS "$dir/$name.o" $static -o "$dir/$name-static"
  if readelf -d "$dir/$name-static" | grep -q 'NEEDED.*libgcache'; then fail "static is not static"; fi
}

"$here/../docs/program.sh" "$readme" "$dir" # program.c, expected
compile program.c $CC -std=gnu11
for kind in shared static; do
  "$dir/program.c-$kind" >"$dir/printed"
  diff -u "$dir/expected" "$dir/printed"
done

for std in c99 gnu99 c11 gnu11 ${CXX:+c++11 c++20}; do
  case $std in
  c++*) source=$std.cc compiler=$CXX ;;
  *) source=$std.c compiler=$CC ;;
  esac
  cp "$here/consumer.c" "$dir/$source"
  compile "$source" $compiler -std=$std -pedantic
  for kind in shared static; do
    [ "$("$dir/$source-$kind")" = "$version $version" ] || fail "as $std, $kind: does not run"
  done
done
