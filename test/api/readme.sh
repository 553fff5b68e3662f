#!/bin/sh
# The README's program, taken out of the page, built as the page says, run, and what it prints compared
# with what the page says it prints.
#     readme.sh README.md BUILD_DIR CC [FLAGS...]
set -eu
readme=$1 build=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

awk '/^```c$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$readme" >"$dir/quickstart.c"
awk '/quickstart && .\/quickstart$/ {inside = 1; next} inside && !/^    / {exit} inside {sub(/^    /, ""); print}' \
  "$readme" >"$dir/expected"
[ -s "$dir/quickstart.c" ] && [ -s "$dir/expected" ]

PKG_CONFIG_PATH=$build/meson-uninstalled
export PKG_CONFIG_PATH
"$@" -std=gnu11 -Wall -Wextra -Werror "$dir/quickstart.c" $(pkg-config --cflags --libs gcache libuv) -o "$dir/quickstart"
LD_LIBRARY_PATH=$build/lib "$dir/quickstart" >"$dir/printed"
diff -u "$dir/expected" "$dir/printed"
