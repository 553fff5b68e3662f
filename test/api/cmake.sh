#!/bin/sh
# find_package(gcache) with the installed files: consumer.c is built in each language of applications, shared
# and static, and runs; a wrong version is refused. Environment: CC, CXX (empty: no C++), FLAGS. Exit status
# 77: no CMake.
#     cmake.sh BUILD_DIR VERSION
set -eu
command -v cmake >/dev/null || exit 77
here=$(dirname "$0") build=$1 version=$2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. "$here/tree.sh"
unset PKG_CONFIG_PATH

mv "$dir/root" "$dir/moved" # it may be
LD_LIBRARY_PATH=$dir/moved${lib#"$dir/root"}
find=$LD_LIBRARY_PATH/cmake/gcache
cp "$here/consumer.c" "$dir/c.c"
cp "$here/consumer.c" "$dir/cxx.cc"
{
  echo "cmake_minimum_required(VERSION 3.13)"
  echo "project(application C ${CXX:+CXX})"
  echo "find_package(gcache $version REQUIRED)"
  echo "include_directories(.)"
  for std in c_99 c_11 ${CXX:+cxx_11 cxx_20}; do
    for kind in gcache static; do
      source=c.c
      [ "${std%_*}" = c ] || source=cxx.cc
      echo "add_executable(${std}_$kind $source)"
      echo "target_compile_features(${std}_$kind PRIVATE ${std%_*}_std_${std#*_})"
      echo "target_link_libraries(${std}_$kind gcache::$kind)"
    done
  done
} >"$dir/CMakeLists.txt"

configure() { # BUILD_DIR
  CFLAGS="$FLAGS" CXXFLAGS="$FLAGS" LDFLAGS="$FLAGS" cmake -G Ninja -S "$dir" -B "$1" -Dgcache_DIR="$find" >"$dir/log" 2>&1
}
configure "$dir/build" || fail "$(cat "$dir/log")"
cmake --build "$dir/build" -j 2 >"$dir/log" 2>&1 || fail "$(cat "$dir/log")"
for program in "$dir"/build/*_gcache "$dir"/build/*_static; do
  [ "$("$program")" = "$version $version" ] || fail "$program: does not run"
done
readelf -d "$dir/build/c_11_gcache" | grep -q 'NEEDED.*libgcache' || fail "shared is not shared"
if readelf -d "$dir/build/c_11_static" | grep -q 'NEEDED.*libgcache'; then fail "static is not static"; fi

for other in "$((${version%%.*} + 1)).0" "${version%.*}.9999"; do
  sed -i "s/^find_package.*/find_package(gcache $other REQUIRED)/" "$dir/CMakeLists.txt"
  if configure "$dir/other"; then fail "$version passes for $other"; fi
done
