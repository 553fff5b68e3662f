#!/bin/sh
# No file in lib/ or include/ has more than 600 lines, no function more than 70, signature included. Relies on
# clang-format: the first and the last line of a function are not indented. Prints every violation; exit status 1
# if there is one.
#     sizes.sh SOURCE_ROOT
set -eu
cd "$1"
awk -v file_max=600 -v function_max=70 '
  function breach(text) { print text; breaches = 1 }
  function end_file() { if (lines > file_max) breach(file ": " lines " lines") }
  FNR == 1 { end_file(); file = FILENAME; start = 0 }
  { lines = FNR }
  /^[A-Za-z_0-9]+:$/ { next } # a label
  /^[A-Za-z_]/ { start = /\(/ ? FNR : 0; name = $0 }
  /^}/ {
    if (start && FNR - start + 1 > function_max)
      breach(FILENAME ":" start ": " FNR - start + 1 " lines: " name)
    start = 0
  }
  END { end_file(); exit breaches }
' include/gcache/*.h lib/*.c lib/*/*.[ch]
