#!/bin/sh
# Every counter of <gcache/stats.h> has a name in lib/see/names.c, so that "all counters" stays true of the text
# made of them. What is no counter of its own is left out: the structs within structs, and what the text says of
# a peer by other means. Says every breach; exit 1 if there is one.
#     counters.sh ROOT
set -eu
cd "$1"

# "ROW member": the row's macro in names.c by the struct that the member is in.
members() {
  tr '\n' ' ' <include/gcache/stats.h | sed 's@/\*[^*]*\**\([^/*][^*]*\*\**\)*/@@g' | tr ';' '\n' | awk '
    BEGIN {
      row["gcache_stats_s"] = "CACHE"; row["gcache_group_stats_s"] = "GROUP"; row["gcache_peer_stats_s"] = "PEER"
      row["gcache_cache_stats_s"] = row["gcache_causes_s"] = "SIDE"; row["gcache_latencies_s"] = "GET"
    }
    match($0, /struct gcache_[a-z_]+ *\{/) {
      here = substr($0, RSTART + 7); sub(/ *\{.*/, "", here); sub(/.*\{/, "")
    }
    /\}/ {here = ""}
    here in row && sub(/^ *(uint64_t|int|const char \*|gcache_histogram_t|gcache_[a-z]+_t) */, "") {
      n = split($0, names, /[ ,]+/)
      for (i = 1; i <= n; i++) if (names[i] != "") print row[here], names[i]
    }'
}

members | grep -vxE 'GROUP (main|hot|main_causes|hot_causes|get)|PEER (url|is_self|state)' | {
  wrong=0 seen=0
  while read -r row member; do
    seen=$((seen + 1))
    grep -qE "^ *$row\($member, " lib/see/names.c && continue
    echo "lib/see/names.c: no $row($member, ...)"
    wrong=1
  done
  [ $seen -gt 60 ] || { echo "only $seen counters were found in the header"; wrong=1; }
  exit $wrong
}
