#!/bin/sh
# Checks which layer may use which, and which layers may use foreign libraries: by the includes of lib/, and by
# the undefined symbols of the layers' archives. Prints every violation; exit status 1 if there is one.
#     layers.sh SOURCE_ROOT DIR_OF_ARCHIVES
set -eu
cd "$1/lib"
archives=$2
breaches=0

breach() {
  echo "$*"
  breaches=1
}

# What a layer's files may include, besides their own layer and the public headers.
below() {
  case $1 in
  base) ;;
  store | wire | http | see) echo base ;;
  core) echo store base ;;
  net) echo http base ;;
  door) echo core wire net http base ;;
  find) echo core wire net http base ;;
  gcache.c) echo base store wire http core net door see ;;
  *) return 1 ;;
  esac
}

# Whether FILE may include the foreign or generated HEADER.
may_open() {
  file=$1 header=$2
  case $header in
  ares.h | arpa/nameser.h) [ "$file" = net/srv_cares.c ] ;;
  jansson.h) [ "$file" = wire/remove_keys.c ] || [ "$file" = find/etcd_words.c ] ;;
  openssl/*) case $file in net/tls_openssl* | net/hmac_openssl.c) ;; *) return 1 ;; esac ;;
  llhttp.h | llhttp/*) case $file in http/h1*) ;; *) return 1 ;; esac ;;
  nghttp2/*) case $file in http/h2*) ;; *) return 1 ;; esac ;;
  xxhash.h) [ "$file" = base/hash.c ] ;;
  protobuf-c/* | *.pb-c.h) case $file in wire/*) ;; *) return 1 ;; esac ;;
  gcache/proto.h) case $file in wire/* | door/*) ;; *) return 1 ;; esac ;;
  uv.h | gcache/*) ;;
  sanitizer/*) [ "$file" = base/spare.c ] ;; # where AddressSanitizer is
  # The language, and of the system what neither waits nor talks.
  assert.h | ctype.h | errno.h | inttypes.h | limits.h | stdarg.h | stddef.h | stdint.h) ;;
  stdio.h | stdlib.h | string.h | time.h | sys/types.h | arpa/inet.h) ;;
  fcntl.h | netdb.h | netinet/* | poll.h | signal.h | sys/* | unistd.h)
    case $file in net/* | door/* | find/* | gcache.c) ;; *) return 1 ;; esac
    ;;
  *) return 1 ;;
  esac
}

may_include() {
  file=$1 header=$2 layer=${1%%/*}
  case $header in
  gcache/* | *.pb-c.h) may_open "$file" "$header" ;;
  http/llhttp_rename.h) return 1 ;; # the build's, before everything else
  */*)
    [ "${header%%/*}" = "$layer" ] && return
    for b in $(below "$layer"); do
      [ "${header%%/*}" = "$b" ] && return
    done
    return 1
    ;;
  *) may_open "$file" "$header" ;;
  esac
}

check_includes() {
  quoted='s/^[ 	]*#[ 	]*include[ 	]*"\([^"]*\)".*/\1/p'
  angled='s/^[ 	]*#[ 	]*include[ 	]*<\([^>]*\)>.*/\1/p'
  for file in *.c */*.[ch]; do
    below "${file%%/*}" >/dev/null || breach "lib/$file: a layer that the table does not know"
    for header in $(sed -n "$quoted" "$file"); do
      may_include "$file" "$header" || breach "lib/$file must not include \"$header\""
    done
    for header in $(sed -n "$angled" "$file"); do
      may_open "$file" "$header" || breach "lib/$file must not include <$header>"
    done
  done
}

# Constants of libuv are for all, calls for net and gcache.c.
check_calls() {
  for layer in base store wire http core door find see; do
    undefined=$(nm -u "$archives/libgci_$layer.a") || breach "lib/$layer: no archive to look into"
    calls=$(echo "$undefined" | sed -n 's/^ *U \(uv_[a-z0-9_]*\)$/\1/p' | sort -u)
    [ -z "$calls" ] || breach "lib/$layer must not call" $calls
  done
}

# A good guest (P9): no thread, signal, printing, environment variable, abort or exit of ours. An assert
# aborts under a name of its own; llhttp's sources, where they are compiled in, are not ours.
check_manners() {
  for layer in base store wire http core net door find see; do
    calls=$(nm -u -A "$archives/libgci_$layer.a" | awk '!/llhttp/ {print $NF}' | sort -u |
      grep -xE 'abort|_?_?_?exit|(secure_)?getenv|signal|sigaction|raise|kill|pthread_.*|fork|system|(u|nano)?sleep|(__)?v?f?printf(_chk)?|puts|fputs|putchar|fwrite|perror|std(out|err)') || continue
    breach "lib/$layer must not use" $calls
  done
}

check_includes
check_calls
check_manners
exit $breaches
