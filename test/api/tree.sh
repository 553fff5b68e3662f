# Sourced: installs what is in $build into $dir/root, as `meson install` leaves it. Sets lib and include to where
# the libraries and headers are, and makes gcache.pc say so. all.h includes every installed header.
fail() {
  echo "$*"
  exit 1
}

meson install -C "$build" --no-rebuild --quiet --destdir "$dir/root" >"$dir/log" || fail "$(cat "$dir/log")"
pc=$(find "$dir/root" -name gcache.pc)
lib=$(dirname "$(dirname "$pc")")
include=$(dirname "$(find "$dir/root" -type d -path '*/include/gcache')")
sed -i "s|^prefix=|prefix=$dir/root|" "$pc" # a DESTDIR is no place to stay; all else is as it will be found
PKG_CONFIG_PATH=${pc%/*}${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
export PKG_CONFIG_PATH LD_LIBRARY_PATH="$lib"
for header in "$include"/gcache/*.h; do
  echo "#include <gcache/${header##*/}>"
done >"$dir/all.h"
