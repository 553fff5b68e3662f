#!/bin/sh
# The shell blocks of a page run, and its program, built as the page says, prints the output that the page
# shows.
#     page.sh PAGE.md BUILD_DIR CC [FLAGS...]
set -eu
page=$1 build=$2 here=$(cd "$(dirname "$0")" && pwd)
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$here/program.sh" "$page" "$dir"
cd "$dir"
sh -eu before >before.log 2>&1 || { cat before.log; exit 1; }
[ -s program.c ] || exit 0
PKG_CONFIG_PATH=$build/meson-uninstalled
export PKG_CONFIG_PATH
"$@" -std=gnu11 -Wall -Wextra -Werror program.c $(pkg-config --cflags --libs gcache libuv) -o program
LD_LIBRARY_PATH=$build/lib ./program >printed
diff -u expected printed
