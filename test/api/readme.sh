#!/bin/sh
# The README's program, taken out of the page, built as the page says, run, and what it prints compared
# with what the page says it prints.
#     readme.sh README.md BUILD_DIR CC [FLAGS...]
set -eu
readme=$1 build=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$(dirname "$0")/quickstart.sh" "$readme" "$dir"
PKG_CONFIG_PATH=$build/meson-uninstalled
export PKG_CONFIG_PATH
"$@" -std=gnu11 -Wall -Wextra -Werror "$dir/quickstart.c" $(pkg-config --cflags --libs gcache libuv) -o "$dir/quickstart"
LD_LIBRARY_PATH=$build/lib "$dir/quickstart" >"$dir/printed"
diff -u "$dir/expected" "$dir/printed"
