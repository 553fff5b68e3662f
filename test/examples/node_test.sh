#!/bin/sh
# The reference node from outside: its command line, every route, every refusal, three nodes together, and
# its end. Uses free ports only. Prints every difference; exit status 1 if there is one, 77 without curl.
#     node_test.sh NODE_PROGRAM
set -u
node=$1
command -v curl >/dev/null || exit 77
dir=$(mktemp -d)
pids= checks=0 wrong=0 url= status=
trap 'for p in $pids; do kill -9 "$p" 2>/dev/null; done; rm -rf "$dir"' EXIT

fail() {
  wrong=$((wrong + 1))
  echo "not so: $*"
}

# same WHAT WANT GOT
same() {
  checks=$((checks + 1))
  [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# holds WHAT PATTERN FILE: a line of the file matches.
holds() {
  checks=$((checks + 1))
  grep -q -- "$2" "$3" || fail "$1: no '$2' in '$(cat "$3")'"
}

# ask METHOD TARGET [curl options]: of $url; leaves $status, $dir/head and $dir/body.
ask() {
  method=$1 target=$2
  shift 2
  status=$(curl -s -m 20 -g --path-as-is -X "$method" -D "$dir/head" -o "$dir/body" \
    -w '%{http_code}' "$@" "$url$target")
}

# get WANTED_STATUS QUERY [PATTERN in the body]
get() {
  ask GET "/get?$2"
  same "GET /get?$2" "$1" "$status"
  [ $# -lt 3 ] || holds "GET /get?$2" "$3" "$dir/body"
}

from() {
  holds "$1" "^X-Gcache-From: $2.\$" "$dir/head"
}

# counted PATTERN: waits until GET /stats matches.
counted() {
  while ask GET /stats && ! grep -q "$1" "$dir/body"; do :; done
}

# start NAME options...: sets $url and $pid_NAME once the node listens.
start() {
  name=$1
  shift
  : >"$dir/$name.out"
  "$node" --listen 127.0.0.1:0 "$@" >>"$dir/$name.out" 2>"$dir/$name.err" &
  eval "pid_$name=$!"
  pids="$pids $!"
  while ! grep -q '^listening on ' "$dir/$name.out"; do
    kill -0 "$!" 2>/dev/null || { fail "$name did not start: $(cat "$dir/$name.err")"; exit 1; }
  done
  url=$(sed -n 's/^listening on //p' "$dir/$name.out")
  eval "url_$name=$url"
}

# stop NAME [SIGNAL]: the node must end with status 0.
stop() {
  eval "pid=\$pid_$1"
  kill "-${2:-TERM}" "$pid"
  wait "$pid"
  same "exit status of $1 after SIG${2:-TERM}" 0 $?
}

# ends WANTED_EXIT PATTERN options...: the node must print PATTERN to stderr and end with that status.
ends() {
  want=$1 pattern=$2
  shift 2
  timeout 20 "$node" "$@" >"$dir/out" 2>"$dir/err"
  same "node $*" "$want" $?
  holds "node $*" "$pattern" "$dir/err"
}

command_line() {
  here=127.0.0.1:0
  ends 2 'listen HOST:PORT is missing'
  ends 2 'unknown option: --bogus' --listen $here --bogus
  ends 2 'needs a value' --listen
  ends 2 'not an option: extra' --listen $here extra
  ends 2 'not HOST:PORT' --listen 127.0.0.1
  ends 2 'not HOST:PORT' --listen 127.0.0.1:x
  ends 2 'not HOST:PORT' --listen 127.0.0.1:65536
  ends 2 'needs brackets' --listen ::1:0
  ends 2 'not NAME:MAX_BYTES' --listen $here --group demo
  ends 2 'not NAME:MAX_BYTES' --listen $here --group :100000
  ends 2 'not NAME:MAX_BYTES' --listen $here --group demo:-1
  ends 2 '^node: ' --listen $here --group demo:1
  ends 2 'already open' --listen $here --group demo:100000 --group demo:100000
  ends 2 'neither demo nor' --listen $here --source file
  ends 2 'neither demo nor' --listen $here --source sqlite:
  ends 2 'unable to open' --listen $here --source "sqlite:$dir/none.db"
  : >"$dir/empty.db"
  ends 2 'no such table: kv' --listen $here --source "sqlite:$dir/empty.db"
  ends 2 'not a number' --listen $here --ttl-ms -1
  ends 2 'not a number' --listen $here --timeout-ms 1s
  ends 2 'not a number' --listen $here --ttl-ms 99999999999999999999
  ends 2 '--not-found-ms: not a number' --listen $here --not-found-ms x
  ends 2 'not one of gcache' --listen $here --dialect ring
  ends 2 'neither on nor off' --listen $here --hot maybe
  ends 1 'not an address or address range: 10.0.0.0/33' --listen $here --allow 10.0.0.0/8,10.0.0.0/33
  ends 2 'not 16 to 256 bytes' --listen $here --secret-file "$dir/empty.db"
  ends 2 'No such file' --listen $here --secret-file "$dir/none"
  ends 2 'no URL' --listen $here --peers ''
  ends 2 'does not contain our own URL' --listen $here --peers http://127.0.0.1:1
  ends 2 '^node: ' --listen $here --self nonsense
  ends 2 'another scheme or port than http://...:80$' --listen $here --peers-dns localhost
  ends 2 'max_bytes: is less than' --listen $here --group small:1
  "$node" --help >"$dir/out" 2>"$dir/err"
  same 'node --help' 0 $?
  holds 'node --help' '--source sqlite:FILE' "$dir/out"
}

one_node() {
  start one --group demo:1000000 --group 'odd name%:1000000' \
    --group "$(printf 'q"\\\001\303\251\377\355\240\200'):1000000"
  ends 1 'address already in use' --listen "${url#http://}"

  ask GET /
  same 'GET /' 200 "$status"
  holds 'GET /' gcache "$dir/body"
  ask GET /nowhere
  same 'an unknown route' 404 "$status"
  ask POST /get
  same 'a wrong method' 405 "$status"
  holds 'a wrong method' '^Allow: GET' "$dir/head"

  get 200 'group=demo&key=a'
  same 'a loaded value' "$url|a|1" "$(cat "$dir/body")"
  from 'a loaded value' load
  get 200 'group=demo&key=a'
  same 'a kept value' "$url|a|1" "$(cat "$dir/body")"
  from 'a kept value' main
  same 'a value without end' '' "$(grep -i expires "$dir/head")"
  get 404 'group=demo&key=missing:x' 'no such key'
  get 503 'group=demo&key=fail:x' '^demo failure$'
  get 504 'group=demo&key=slow:60000:x&timeout_ms=30' 'timed out'
  get 200 'group=demo&key=slow:30:x' "|slow:30:x|"
  get 200 'group=demo&key=big:70000:x'
  same 'a big value' 70000 "$(wc -c <"$dir/body")"
  get 200 'group=demo&key=big:0:x'
  same 'an empty value' 0 "$(wc -c <"$dir/body")"
  get 200 'group=demo&key=' '||'

  get 404 'group=none&key=a' 'no such group'
  get 404 'group=demo%00&key=a' 'no such group'
  get 400 'group=demo' 'key: missing'
  get 400 'key=a' 'group: missing'
  get 400 'group=demo&key=%zz' 'key: a % is not followed'
  get 400 'group=demo&key=a&timeout_ms=soon' 'timeout_ms: not a number'
  get 414 "group=demo&key=$(printf '%5000s' | tr ' ' k)"

  # Any bytes in group and key.
  ask PUT '/set?group=odd%20name%25&key=%00%FF%0d%0a%2f%25+' --data-binary 'a value'
  same 'PUT /set' 200 "$status"
  same 'PUT /set' "[{\"url\":\"$url\",\"status\":0,\"reason\":\"\"}]" "$(cat "$dir/body")"
  get 200 'group=odd%20name%25&key=%00%FF%0d%0a%2f%25%2B'
  same 'what was set' 'a value' "$(cat "$dir/body")"
  ask PUT '/set?group=demo&key=t&ttl_ms=60000' --data-binary v
  get 200 'group=demo&key=t'
  holds 'what was set to expire' '^X-Gcache-Expires-In-Ms: [1-5]*[0-9]\{4\}' "$dir/head"
  ask PUT '/set?group=demo&key=empty'
  same 'PUT /set without a body' 200 "$status"
  get 200 'group=demo&key=empty'
  same 'an empty body' 0 "$(wc -c <"$dir/body")"
  ask PUT '/set?group=demo&key=t&ttl_ms=x' --data-binary v
  same 'a bad ttl_ms' 400 "$status"
  ask PUT '/set?group=none&key=t' --data-binary v
  same 'PUT /set of an unknown group' 404 "$status"
  head -c 17000000 /dev/zero >"$dir/large"
  ask PUT '/set?group=demo&key=t' --expect100-timeout 60 --data-binary "@$dir/large"
  same 'too large a body' 413 "$status"

  ask DELETE '/remove?group=demo&key=a'
  same 'DELETE /remove' 200 "$status"
  holds 'DELETE /remove' '"status":0' "$dir/body"
  get 200 'group=demo&key=a'
  from 'a removed value' load
  ask DELETE '/remove?group=demo'
  same 'DELETE /remove without a key' 400 "$status"
  ask DELETE '/clear?group=demo'
  same 'DELETE /clear' 200 "$status"
  get 200 'group=demo&key=a'
  from 'a cleared value' load
  ask DELETE '/clear?group=none'
  same 'DELETE /clear of an unknown group' 404 "$status"

  curl -s -m 0.2 -o "$dir/body" "$url/get?group=demo&key=slow:60000:gone"
  counted '"cancels":1' # whoever hangs up waits no more, and the getter is told
  counted '"loading":0'

  ask GET '/owner?group=demo&key=a'
  same 'GET /owner, alone' "200 $url" "$status $(cat "$dir/body")"
  ask GET '/owner?group=none&key=a'
  same 'GET /owner of an unknown group' 404 "$status"
  ask GET /stats
  same 'GET /stats' 200 "$status"
  holds 'GET /stats' '"name":"odd name%"' "$dir/body"
  if command -v python3 >/dev/null; then
    python3 -c 'import json, sys; s = json.load(sys.stdin)
g = s["groups"][0]
assert g["name"] == "demo" and g["gets"] == g["hits"] + g["loads"] and g["hot"]["items"] == 0
assert s["groups"][2]["name"] == "q\"\\\x01\u00e9\ufffd\ufffd\ufffd\ufffd"
assert s["peers"] == [] and s["self"].startswith("http://127.0.0.1:")' <"$dir/body"
    same 'what GET /stats says' 0 $?
  fi
  stop one
}

three_nodes() {
  start n1 --ttl-ms 3600000
  start n2 --ttl-ms 3600000
  start n3 --ttl-ms 3600000
  list=$(printf '%s\r\n\n%s\n%s\n' "$url_n1" "$url_n2" "$url_n3")
  for url in "$url_n1" "$url_n2" "$url_n3"; do
    ask PUT /peers --data-binary "$list"
    same 'PUT /peers' 200 "$status"
  done
  url=$url_n1
  ask PUT /peers --data-binary "$url_n2"
  same 'PUT /peers without self' 400 "$status"
  holds 'PUT /peers without self' 'our own URL' "$dir/body"
  ask PUT /peers --data-binary "$url_n1 $url_n1"
  same 'PUT /peers with one twice' 400 "$status"
  holds 'PUT /peers with one twice' 'the same URL is given twice' "$dir/body"
  ask PUT /peers --data-binary "$url_n1 ftp://x"
  same 'PUT /peers with a bad URL' 400 "$status"
  holds 'PUT /peers with a bad URL' 'ftp://x: not http://host:port' "$dir/body"
  printf '%s\0' "$url_n1" >"$dir/nul"
  ask PUT /peers --data-binary "@$dir/nul"
  same 'PUT /peers with a NUL' 400 "$status"

  # A key of n2's: all agree, one load, a copy where it was asked for.
  i=0
  while ask GET "/owner?group=demo&key=k$i" && [ "$(cat "$dir/body")" != "$url_n2" ] && [ $i -lt 500 ]; do
    i=$((i + 1))
  done
  for url in "$url_n2" "$url_n3"; do
    ask GET "/owner?group=demo&key=k$i"
    same 'GET /owner, elsewhere' "$url_n2" "$(cat "$dir/body")"
  done
  url=$url_n1
  get 200 "group=demo&key=k$i"
  same "another's value" "$url_n2|k$i|1" "$(cat "$dir/body")"
  from "another's value" peer
  holds "another's value" '^X-Gcache-Expires-In-Ms: 3[0-9]\{6\}' "$dir/head"
  get 200 "group=demo&key=k$i"
  from "another's value again" hot
  url=$url_n2
  get 200 "group=demo&key=k$i"
  from "the owner's value" main
  url=$url_n3
  ask DELETE "/remove?group=demo&key=k$i"
  same 'DELETE /remove, three nodes' 200 "$status"
  same 'three nodes told' 3 "$(grep -o '"status":0' "$dir/body" | wc -l)"
  url=$url_n1
  get 200 "group=demo&key=k$i"
  same 'removed everywhere' "$url_n2|k$i|2" "$(cat "$dir/body")"

  kill -9 "$pid_n2"
  wait "$pid_n2" 2>/dev/null
  ask PUT "/set?group=demo&key=k$i" --data-binary v
  same 'PUT /set with one node gone' 207 "$status"
  holds 'PUT /set with one node gone' "{\"url\":\"$url_n2\",\"status\":-[0-9]*,\"reason\":\"..*\"}" \
    "$dir/body"
  ask DELETE '/clear?group=demo'
  same 'DELETE /clear with one node gone' 207 "$status"
  get 200 "group=demo&key=k$i" "^\\($url_n1\\|$url_n3\\)|k$i|" # of the next owner
  ask PUT /peers --data-binary ''
  same 'PUT /peers of nobody' 200 "$status"
  ask DELETE '/clear?group=demo'
  same 'DELETE /clear, alone again' 200 "$status"
}

rows() {
  python3 -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE kv(key BLOB PRIMARY KEY, value BLOB, ttl_ms INTEGER)")
db.executemany("INSERT INTO kv VALUES (?, ?, ?)", [
  (b"blob", b"from a blob", None), ("text", "from a text", 60000), (b"\0\xff", b"\1\2", None),
  (b"forever", b"f", 0), (b"null", None, None), (b"bad", b"b", -5), (b"number", 42, None)])
db.commit()' "$1"
}

sqlite() {
  command -v python3 >/dev/null || return
  rows "$dir/kv.db"
  start db --source "sqlite:$dir/kv.db" --ttl-ms 5000
  get 200 'group=demo&key=blob' '^from a blob$'
  holds 'the default life' '^X-Gcache-Expires-In-Ms: [45][0-9]\{3\}.$' "$dir/head"
  get 200 'group=demo&key=text' '^from a text$'
  holds "a row's own life" '^X-Gcache-Expires-In-Ms: [56][0-9]\{4\}.$' "$dir/head"
  get 200 'group=demo&key=%00%FF'
  same 'a binary row' '01 02' "$(od -An -tx1 "$dir/body" | sed 's/^ //')"
  get 200 'group=demo&key=forever'
  same 'a row that lives for ever' '' "$(grep -i expires "$dir/head")"
  get 200 'group=demo&key=null'
  same 'a row without a value' 0 "$(wc -c <"$dir/body")"
  get 200 'group=demo&key=number' '^42$'
  get 503 'group=demo&key=bad' 'negative'
  get 404 'group=demo&key=none' 'no such row'
  stop db
}

freshness() {
  start fresh --ttl-ms 50 --stale-ms 3600000 --error-ms 3600000 --not-found-ms 3600000 \
    --refresh-ahead-ms 0 --hot-max-ms 0
  get 200 'group=demo&key=k' '|k|1$'
  while :; do # until it has expired; each answer comes at once
    ask GET '/get?group=demo&key=k'
    grep -q '^X-Gcache-Stale: [1-9][0-9]*.$' "$dir/head" && break
  done
  same 'a stale value' 200 "$status"
  from 'a stale value' main
  holds 'a stale value' '^X-Gcache-Expires-In-Ms: 0.$' "$dir/head"
  counted '"refreshes":[1-9]'
  get 404 'group=demo&key=missing:x'
  get 404 'group=demo&key=missing:x'
  counted '"absent":1'
  stop fresh
}

# Two that share a secret, and curl, which does not.
strangers() {
  start shut --allow 10.0.0.0/8
  ask GET /_groupcache/demo/k
  same 'a peer from elsewhere' 403 "$status"
  holds 'a peer from elsewhere' 'access.addresses' "$dir/body"
  get 200 'group=demo&key=k' 'k|1'
  counted '"forbidden":1'
  echo 'sixteen bytes and more' >"$dir/secret"
  timeout 20 "$node" --listen "${url#http://}" --secret-file "$dir/secret" 2>"$dir/err"
  stop shut
  grep -q 'built without OpenSSL' "$dir/err" && return

  start s1 --secret-file "$dir/secret"
  start s2 --secret-file "$dir/secret"
  for url in "$url_s1" "$url_s2"; do
    printf '%s\n' "$url_s1" "$url_s2" >"$dir/peers"
    ask PUT /peers --data-binary "@$dir/peers"
    same 'PUT /peers' 200 "$status"
  done
  ask GET /_groupcache/demo/k
  same 'a peer without the secret' 403 "$status"
  holds 'a peer without the secret' 'is not signed' "$dir/body"
  url=$url_s1
  for key in a b c d e f g h; do get 200 "group=demo&key=$key" "|$key|"; done
  ask GET /stats
  same 'gets that failed at s2' '' "$(grep -o '"failures":[1-9]' "$dir/body")"
  stop s1
  stop s2
}

# Two over Unix sockets, one of them in the place of one that was killed.
unix_sockets() {
  ends 1 'must be absolute' --listen unix:here
  ends 1 'at most 107 bytes' --listen "unix:$(printf '/%0107d' 1)"
  ends 2 'no TLS over a Unix socket' --listen unix:/x --tls-cert "$dir/none"
  socks="unix:$dir/0.sock,unix:$dir/1.sock"
  start u0 --listen "unix:$dir/0.sock" --peers "$socks"
  kill -9 "$pid_u0"
  wait "$pid_u0" 2>/dev/null
  start u0 --listen "unix:$dir/0.sock" --peers "$socks"
  same 'its URL' "unix:$dir/0.sock" "$url"
  ends 1 'address already in use' --listen "unix:$dir/0.sock"
  start u1 --listen "unix:$dir/1.sock" --peers "$socks"
  same 'permissions' 600 "$(stat -c %a "$dir/1.sock")"
  url=http://localhost
  for n in 0 1; do
    for key in a b c d e f g h; do
      ask GET "/get?group=demo&key=$key" --unix-socket "$dir/$n.sock"
      same "GET $key" 200 "$status"
      holds 'one load a key' "|$key|" "$dir/body"
      cp "$dir/body" "$dir/$n.$key"
    done
  done
  for key in a b c d e f g h; do cmp -s "$dir/0.$key" "$dir/1.$key" || fail "$key was loaded twice"; done
  ask GET /stats --unix-socket "$dir/0.sock"
  same 'gets that failed at u1' '' "$(grep -o '"failures":[1-9]' "$dir/body")"
  stop u0
  stop u1
  same 'the files have gone' '' "$(ls "$dir" | grep 'sock$')"
}

# Peers that the node finds by itself. The servers that it asks are tested with the library.
found_peers() {
  ends 2 'more than one of --peers' --listen 127.0.0.1:0 --peers http://a:1 --peers-file list
  ends 2 'no URL given' --listen 127.0.0.1:0 --peers-etcd ''
  ends 2 'not http://name:port' --listen 127.0.0.1:0 --peers-dns 'no name'
  : >"$dir/list"
  start f1 --peers-file "$dir/list"
  start f2 --peers-file "$dir/list"
  printf '%s\n%s # this one\n' "$url_f1" "$url_f2" >"$dir/list.new"
  mv "$dir/list.new" "$dir/list"
  counted "$url_f1"
  url=$url_f1
  counted "$url_f2"
  holds 'an empty list' 'peers: no members found; 0 members stay' "$dir/f1.err"
  stop f1
  stop f2
  start d1 --self http://127.0.0.1:9999 --peers-dns localhost:9999
  counted 'http://127.0.0.1:9999'
  stop d1
  same 'nothing is wrong with localhost' '' "$(cat "$dir/d1.err")"
  if "$node" --listen 127.0.0.1:0 --self http://127.0.0.1:9999 --peers-etcd none 2>&1 | grep -q 'not supported by this build'; then
    return # a build without JSON
  fi
  start e1 --peers-etcd http://127.0.0.1:1
  while ! grep -q 'etcd 127.0.0.1:1: connection refused; 0 members stay' "$dir/e1.err"; do :; done
  stop e1
}

goodbye() {
  start last
  curl -s -m 20 -o "$dir/slow" "$url/get?group=demo&key=slow:400:x" &
  slow=$!
  counted '"loading":1'
  kill -TERM "$pid_last"
  wait "$slow"
  same 'a get under way at SIGTERM' 0 $?
  same 'a get under way at SIGTERM' "$url|slow:400:x|1" "$(cat "$dir/slow")"
  wait "$pid_last"
  same 'exit status after SIGTERM' 0 $?

  start hasty
  curl -s -m 20 -o "$dir/slow" "$url/get?group=demo&key=slow:60000:x" &
  slow=$!
  counted '"loading":1'
  kill -TERM "$pid_hasty"
  while curl -s -m 5 -o "$dir/body" "$url/"; do :; done # until it listens no more
  kill -TERM "$pid_hasty"
  wait "$pid_hasty"
  same 'exit status after a second signal' 0 $?
  wait "$slow"

  stop n3
  stop n1 INT # the shell starts its background jobs with SIGINT ignored; the node does not mind
  same 'nothing but one line was printed' 1 "$(wc -l <"$dir/n3.out")"
  same 'there was nothing to complain of, but of a member that was killed' '' \
    "$(cat "$dir/n3.err" "$dir/one.err" "$dir/db.err" 2>&1 | grep -v "peer $url_n2 is down: ")"
}

command_line
one_node
three_nodes
sqlite
freshness
strangers
unix_sockets
found_peers
goodbye
echo "$checks checks, $wrong wrong"
[ "$wrong" = 0 ]
