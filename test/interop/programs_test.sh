#!/bin/sh
# The node with programs of other projects, on one port each: curl (HTTP/1.1, h2, h2c), nghttp, h2load, openssl
# s_client and, in one cluster over TLS, Go's groupcache. Programs that are not installed are left out and
# reported as such; exit status 77 without curl or openssl.
#     programs_test.sh NODE_PROGRAM
set -u
node=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
source=$(cd "$(dirname "$0")" && pwd)/gonode
gopath=${GOPATH:-/usr/share/gocode}
for program in curl openssl; do
  command -v $program >/dev/null || { echo "skipped: no $program"; exit 77; }
done
dir=$(mktemp -d)
pids= checks=0 wrong=0
trap 'for p in $pids; do kill -9 "$p" 2>/dev/null; done; rm -rf "$dir"' EXIT
cd "$dir"

# same WHAT WANT GOT
same() {
  checks=$((checks + 1))
  [ "$2" = "$3" ] && return
  wrong=$((wrong + 1))
  echo "not so: $1: wanted '$2', got '$3'"
}

# holds WHAT PATTERN FILE: a line of it matches.
holds() {
  checks=$((checks + 1))
  grep -q -- "$2" "$3" && return
  wrong=$((wrong + 1))
  echo "not so: $1: no '$2' in '$(head -c 2000 "$3")'"
}

has() {
  command -v "$1" >/dev/null && return
  echo "left out: $1 is not installed"
  return 1
}

# ------------------------------------------------------------------------------- certificates

# issue NAME SAN DAYS: NAME.pem, NAME.key of the CA.
issue() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
  printf 'subjectAltName=%s\n' "$2" >"$1.ext"
  openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$3" -extfile "$1.ext" -out "$1.pem"
}

make_certificates() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 \
    -subj /CN=ca
  issue node IP:127.0.0.1 2
  issue again IP:127.0.0.1 2
}
make_certificates 2>certificates.log || { cat certificates.log; exit 1; }

# ---------------------------------------------------------------------------------- the nodes

# start NAME PROGRAM options...: sets $url and $pid_NAME once it listens.
start() {
  name=$1
  shift
  : >"$name.out"
  "$@" >>"$name.out" 2>"$name.err" &
  eval "pid_$name=$!"
  pids="$pids $!"
  until url=$(sed -n 's/^listening on //p' "$name.out") && [ -n "$url" ]; do
    kill -0 $! 2>/dev/null || { echo "$name did not start: $(cat "$name.err")"; exit 1; }
  done
}

# ask curl-options...: leaves the body in ./body; prints "STATUS VERSION".
ask() {
  curl -s -m 20 -g --path-as-is --cacert ca.pem -o body -w '%{http_code} %{http_version}' "$@"
}

tls="--tls-cert node.pem --tls-key node.key"
mutual="$tls --tls-ca ca.pem"
me="--cert node.pem --key node.key"

# routes_with WHAT WANTED_VERSION URL curl-options...: the same routes whatever the HTTP.
routes_with() {
  what=$1 version=$2 at=$3
  shift 3
  same "$what: an application's route" "200 $version" "$(ask "$@" "$at/get?group=demo&key=k")"
  same "$what: a value of 3 MB" "200 $version" "$(ask "$@" "$at/get?group=demo&key=big:3000000:$version")"
  same "$what: its length" 3000000 "$(wc -c <body | tr -d ' ')"
  same "$what: a peer's get" "200 $version" "$(ask "$@" "$at/_groupcache/demo/p%2Fq")"
  holds "$what: a peer's get" 'p/q' body
  same "$what: a peer's remove" "200 $version" "$(ask "$@" -X DELETE "$at/_groupcache/demo/p%2Fq")"
  same "$what: not found" "404 $version" "$(ask "$@" "$at/_groupcache/demo/missing:x")"
  same "$what: getter failed" "503 $version" "$(ask "$@" "$at/_groupcache/demo/fail:x")"
  same "$what: HEAD of a route that is for GET" "405 $version" "$(ask "$@" -I "$at/get?group=demo&key=k")"
  same "$what: a set" "200 $version" "$(ask "$@" -X PUT --data-binary new "$at/set?group=demo&key=k")"
  same "$what: a get after it" "200 $version" "$(ask "$@" "$at/get?group=demo&key=k")"
  holds "$what: a get after it" '^new' body
  same "$what: no such route" "404 $version" "$(ask "$@" "$at/none")"
}

start clear "$node" --listen 127.0.0.1:0
clear=$url
routes_with "curl, HTTP/1.1 in the clear" 1.1 "$clear" --http1.1
routes_with "curl, HTTP/2 in the clear" 2 "$clear" --http2-prior-knowledge
start secure "$node" --listen 127.0.0.1:0 $mutual
secure=$url
routes_with "curl, HTTP/1.1 over TLS" 1.1 "$secure" $me --http1.1
routes_with "curl, HTTP/2 over TLS" 2 "$secure" $me --http2
same "a stranger asks a peer's route" "403 2" "$(ask --http2 "$secure/_groupcache/demo/k")"
same "a stranger asks an application's route" "200 2" "$(ask --http2 "$secure/get?group=demo&key=k")"
curl -s -m 5 -o body "$secure/stats"
same "curl, without trusting the CA" 60 $?
start only1 "$node" --listen 127.0.0.1:0 $tls --http 1
same "--http 1 and curl that offers both" "200 1.1" "$(ask --http2 "$url/stats")"
start only2 "$node" --listen 127.0.0.1:0 $tls --http 2
same "--http 2 and curl that offers both" "200 2" "$(ask --http2 "$url/stats")"

# ---------------------------------------------------------------------------- openssl s_client

client() { # options...: what it says of one connection to the secure node, in ./client
  openssl s_client -connect "${secure#https://}" -CAfile ca.pem "$@" >client 2>&1 </dev/null
}
client -alpn h2,http/1.1
holds "ALPN of both" 'ALPN protocol: h2' client
client -alpn http/1.1
holds "ALPN of one" 'ALPN protocol: http/1.1' client
client -alpn nothing
holds "ALPN of none that is spoken" 'no application protocol' client
client -tls1_1
holds "TLS 1.1" 'alert protocol version\|no protocols available\|no ciphers available' client
client -tls1_2 -reconnect
same "sessions of TLS 1.2 taken up again" 5 "$(grep -c '^Reused' client)"
printf 'R\n' | openssl s_client -connect "${secure#https://}" -CAfile ca.pem -tls1_2 -alpn http/1.1 >client 2>&1
holds "renegotiation" 'no renegotiation' client
client -cert ca.pem -key ca.key
same "the node after all these" "200 2" "$(ask --http2 "$secure/stats")"

serial() {
  client
  openssl x509 -noout -serial <client
}
before=$(serial)
kill -HUP "$pid_secure" # with the same files: nothing changes
same "reloaded, unchanged" "$before" "$(serial)"
cp again.pem node.pem && cp again.key node.key
kill -HUP "$pid_secure"
until [ "$(serial)" != "$before" ]; do :; done # the test's own time limit ends it
same "reloaded, renewed" "$(openssl x509 -noout -serial -in again.pem)" "$(serial)"
echo "no certificate" >node.pem
kill -HUP "$pid_secure"
until grep -q 'the old certificate stays' secure.err; do :; done
same "a bad file leaves the old one" "200 2" "$(ask --http2 "$secure/stats")"
cp again.pem node.pem

# ------------------------------------------------------------------------------ nghttp, h2load

if has nghttp; then
  nghttp -v "$clear/get?group=demo&key=k" >nghttp.out 2>&1
  holds "nghttp in the clear" ':status: 200' nghttp.out
  nghttp -v "$secure/get?group=demo&key=k" >nghttp.out 2>&1
  holds "nghttp over TLS" ':status: 200' nghttp.out
fi
if has h2load; then
  for load in "--h1 $clear" "$clear" "--h1 $secure" "$secure"; do
    options=${load% *} at=${load##* }
    [ "$options" = "$at" ] && options=
    h2load -n 20000 -c 4 -m 32 $options "$at/get?group=demo&key=k" >h2load.out 2>&1
    holds "h2load $load" '20000 succeeded, 0 failed, 0 errored' h2load.out
    echo "h2load -n 20000 -c 4 -m 32 ${options:-(h2)} ${at%%:*}: $(sed -n 's/^finished in //p' h2load.out)"
  done
fi

# ------------------------------------------------------------------------------------------ Go

if has go && [ -d "$gopath/src/github.com/golang/groupcache" ]; then
  (cd "$source" && GO111MODULE=off GOPATH=$gopath GOFLAGS= GOCACHE=${GOCACHE:-$dir/cache} go build -o "$dir/gonode" .) || exit 1
  start c0 "$node" --listen 127.0.0.1:0 $mutual --dialect golang
  c0=$url
  start c1 "$node" --listen 127.0.0.1:0 $mutual --dialect golang
  c1=$url
  start g0 "$dir/gonode" -cert node.pem -key node.key -ca ca.pem
  g0=$url
  for at in "$c0" "$c1"; do
    same "peers of $at" "200 2" "$(ask --http2 $me -X PUT --data-binary "$c0 $c1 $g0" "$at/peers")"
  done
  same "peers of $g0" "200 2" "$(ask --http2 $me -X PUT --data-binary "$c0 $c1 $g0" "$g0/peers")"
  i=0
  while [ $i -lt 60 ]; do
    ask $me "$c0/owner?group=demo&key=user:$i" >/dev/null
    owner=$(cat body)
    for at in "$c0" "$c1" "$g0"; do
      ask $me "$at/owner?group=demo&key=user:$i" >/dev/null
      same "owner of user:$i at $at" "$owner" "$(cat body)"
      same "user:$i at $at" "200 2" "$(ask --http2 $me "$at/get?group=demo&key=user:$i")"
      holds "user:$i at $at" "^$owner|user:$i|" body
    done
    i=$((i + 1))
  done
  holds "a gcache node asks Go" 'GET /_groupcache/demo/user.* HTTP/2.0 from' g0.err
  same "a Go node asks gcache: 3 MB" "200 2" "$(ask --http2 $me "$g0/get?group=demo&key=big:3000000:x")"
  same "its length" 3000000 "$(wc -c <body | tr -d ' ')"
fi

echo "$checks checks, $wrong wrong"
[ $wrong = 0 ]
