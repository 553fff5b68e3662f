#!/bin/sh
# gcache mounted on another HTTP server, twice, and the node, as one cluster: what each member sees of
# the others' keys, odd keys and large values, hang-ups, the application's routes, the end. Uses free
# ports only. Prints every difference; exit status 1 if there is one, 77 without curl.
#     mount_test.sh MOUNT_PROGRAM NODE_PROGRAM
set -u
mount=$1 node=$2
command -v curl >/dev/null || exit 77
dir=$(mktemp -d)
pids= checks=0 wrong=0 status=
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
  grep -aq -- "$2" "$3" || fail "$1: no '$2' in '$(head -c 400 "$3" | tr -d '\0')'"
}

# ask METHOD URL [curl options]: leaves $status, $dir/head and $dir/body.
ask() {
  method=$1 target=$2
  shift 2
  status=$(curl -s -m 60 -g --path-as-is -X "$method" -D "$dir/head" -o "$dir/body" \
    -w '%{http_code}' "$@" "$target")
}

# counted URL PATTERN: waits until GET /stats there matches.
counted() {
  while ask GET "$1/stats" && ! grep -q "$2" "$dir/body"; do :; done
}

# start NAME PROGRAM options...: sets $url once it listens, $url_NAME and $pid_NAME.
start() {
  name=$1
  shift
  : >"$dir/$name.out"
  "$@" --listen 127.0.0.1:0 >>"$dir/$name.out" 2>"$dir/$name.err" &
  eval "pid_$name=$!"
  pids="$pids $!"
  while ! grep -q '^listening on ' "$dir/$name.out"; do
    kill -0 "$!" 2>/dev/null || { fail "$name did not start: $(cat "$dir/$name.err")"; exit 1; }
  done
  url=$(sed -n 's/^listening on //p' "$dir/$name.out")
  eval "url_$name=$url"
}

# ended NAME PID: waits for it, and it must have ended well.
ended() {
  wait "$2"
  same "exit status of $1" 0 $?
  # Others have ended before it, perhaps.
  same "complaints of $1" '' "$(grep -v ' is down: \| are down$' "$dir/$1.err")"
}

# owned URL PATTERN: sets $key to one that URL owns, escaped: PATTERN with its @ replaced.
owned() {
  i=0
  while [ $i -lt 500 ]; do
    key=$(printf %s "$2" | sed "s|@|$i|")
    ask GET "$url_n/owner?group=demo&key=$key"
    [ "$(cat "$dir/body")" = "$1" ] && return
    i=$((i + 1))
  done
  fail "no key like $2 is owned by $1"
}

# everywhere WHAT WANTED: every member delivers $key with these bytes, file or text.
everywhere() {
  for from in "$url_n/get?group=demo&key=$key" "$url_m/page/$key" "$url_k/page/$key"; do
    ask GET "$from"
    same "$1: status of $from" 200 "$status"
    checks=$((checks + 1))
    cmp -s "$2" "$dir/body" || fail "$1: $from differs"
  done
}

command_line() {
  "$mount" >"$dir/out" 2>"$dir/err"
  same 'mount without --listen' 2 $?
  "$mount" --listen 127.0.0.1:0 --group demo:1 >"$dir/out" 2>"$dir/err"
  same 'mount with too little memory' 1 $?
  "$mount" --listen "${url_m#http://}" >"$dir/out" 2>"$dir/err"
  same 'mount where another listens' 1 $?
}

beside() {
  ask GET "$url_m/hello"
  same 'a route of the application' '200 hello' "$status $(cat "$dir/body")"
  ask GET "$url_m/none"
  same 'an unknown route' 404 "$status"
  ask GET "$url_m/_groupcache/none/x"
  same 'an unknown group' 404 "$status"
  holds 'an unknown group' '^Gcache-Reason: no-group' "$dir/head"
  ask GET "$url_m/_groupcache/demo/%zz"
  same 'a bad escape' 400 "$status"
  ask PUT "$url_m/_groupcache/demo/x" --data-binary 'not protobuf'
  same 'a bad body' 400 "$status"
  ask GET "$url_m/_groupcache/demo/missing:x"
  same 'no such key' 404 "$status"
  ask GET "$url_m/_groupcache/demo/$(printf '%4096s' | sed 's/ /%00/g')"
  same 'the longest key' 200 "$status"
  ask GET "$url_m/_groupcache/demo/$(printf '%4097s' | tr ' ' k)"
  same 'a longer key' 414 "$status"
  head -c 16800000 /dev/zero >"$dir/large"
  ask PUT "$url_m/_groupcache/demo/x" --data-binary "@$dir/large"
  same 'too large a body' 413 "$status"
  ask PUT "$url_m/_groupcache/demo/x" -H 'Transfer-Encoding: chunked' -H Expect: \
    --data-binary "@$dir/large"
  same 'too large a body of no told length' 000 "$status"
  i=0
  while [ $i -lt 70 ]; do echo "X-$i: x"; i=$((i + 1)); done >"$dir/lines"
  ask GET "$url_m/_groupcache/demo/x" -H "@$dir/lines"
  same 'too many header lines' 431 "$status"
}

# A client whose address is neither loopback nor on the list: in a network namespace, where the system allows it.
strangers() {
  home='ip link set lo up && ip address add 192.0.2.1/32 dev lo'
  unshare -rn sh -c "$home" 2>"$dir/err" || return 0
  unshare -rn sh -c "$home"'
    : >"$1"
    "$0" --listen 192.0.2.1:8080 >"$1" &
    until grep -q "^listening on " "$1"; do kill -0 $! || exit; done
    for path in hello _groupcache/demo/k; do
      curl -s -m 60 -o /dev/null -w "%{http_code} " "http://192.0.2.1:8080/$path"
    done
    kill $!' "$mount" "$dir/alone" >"$dir/strangers" 2>"$dir/err"
  same 'a stranger asks a route of the application, and as a peer' '200 403 ' "$(cat "$dir/strangers" "$dir/err")"
}

# One key of each owner: any bytes; gets, sets and removes on every member.
keys() {
  for pattern in 'plain@' 'a%2Fb@' 'a/b@' '%00@' 'a%00b%00@%00' '..' '../@' '../../@/..' './@/.' \
    '//@' '/@//' '%25@%2525' '@%3F%23+%20' '%FF%0D%0A@' '@%2F' ''; do
    for owner in "$url_n" "$url_m" "$url_k"; do
      case $pattern in
      *@*) owned "$owner" "$pattern" ;;
      *) # no room for a number: whoever owns it
        key=$pattern
        ask GET "$url_n/owner?group=demo&key=$key"
        owner=$(cat "$dir/body")
        ;;
      esac
      ask GET "$url_n/get?group=demo&key=$key"
      same "get of '$key'" 200 "$status"
      holds "get of '$key'" "^$owner|" "$dir/body"
      cp "$dir/body" "$dir/first"
      everywhere "get of '$key'" "$dir/first"

      printf 'from the node\000%s' "$key" >"$dir/value"
      ask PUT "$url_n/set?group=demo&key=$key" --data-binary "@$dir/value"
      same "set of '$key' at the node" 200 "$status"
      everywhere "set of '$key' at the node" "$dir/value"
      printf 'from the mount\000%s' "$key" >"$dir/value"
      ask PUT "$url_m/page/$key" --data-binary "@$dir/value"
      same "set of '$key' at the mount" 200 "$status"
      everywhere "set of '$key' at the mount" "$dir/value"

      ask DELETE "$url_m/page/$key"
      same "remove of '$key' at the mount" 200 "$status"
      ask GET "$url_n/get?group=demo&key=$key"
      holds "get of '$key' once removed at the mount" "^$owner|" "$dir/body"
      cp "$dir/body" "$dir/again"
      everywhere "get of '$key' once removed at the mount" "$dir/again"
      ask DELETE "$url_n/remove?group=demo&key=$key"
      same "remove of '$key' at the node" 200 "$status"
      ask GET "$url_k/page/$key"
      holds "get of '$key' once removed at the node" "^$owner|" "$dir/body"
      checks=$((checks + 1))
      ! cmp -s "$dir/again" "$dir/body" || fail "'$key' was not loaded again"
    done
  done
  ask DELETE "$url_n/clear?group=demo"
  same 'a clear of every member' 200 "$status"
}

large() {
  tr '\0' x </dev/zero | head -c 1048576 >"$dir/mib"
  for owner in "$url_n" "$url_m"; do
    owned "$owner" 'big:1048576:@'
    everywhere 'a value of 1 MiB' "$dir/mib"
    owned "$owner" 'set@'
    ask PUT "$url_n/set?group=demo&key=$key" --data-binary "@$dir/mib"
    same 'a set of 1 MiB' 200 "$status"
    everywhere 'a set of 1 MiB' "$dir/mib"
  done
}

# Callers on every member while the one load of the key is under way.
herd() {
  for owner in "$url_n" "$url_m"; do
    owned "$owner" 'slow:300:herd@'
    i=0 callers=
    while [ $i -lt 12 ]; do
      curl -s -m 60 -o "$dir/herd.$i.0" "$url_n/get?group=demo&key=$key" &
      callers="$callers $!"
      curl -s -m 60 -o "$dir/herd.$i.1" "$url_m/page/$key" &
      callers="$callers $!"
      curl -s -m 60 -o "$dir/herd.$i.2" "$url_k/page/$key" &
      callers="$callers $!"
      i=$((i + 1))
    done
    for caller in $callers; do
      wait "$caller"
    done
    holds 'what the herd got' "^$owner|$key|[0-9]*\$" "$dir/herd.0.0"
    for one in "$dir"/herd.*; do
      checks=$((checks + 1))
      cmp "$dir/herd.0.0" "$one" || fail 'one load answers the whole herd'
    done
    same 'answers to the herd' 36 $(ls "$dir" | grep -c '^herd')
    rm "$dir"/herd.*
  done
}

# A client that leaves during a load is noticed at once, and the getter is told: it would take a minute.
hang_up() {
  owned "$url_m" 'slow:60000:gone@'
  for from in "$url_m/page/$key" "$url_m/_groupcache/demo/$key" "$url_n/get?group=demo&key=$key"; do
    curl -s -m 60 -o "$dir/gone" "$from" &
    caller=$!
    counted "$url_m" 'suspended 1 loading 1'
    kill "$caller"
    wait "$caller" 2>/dev/null
    counted "$url_m" 'exchanges 1 suspended 0 loading 0' # the one: this question
  done
  ask GET "$url_m/stats"
  holds 'none of them ran out of its time' 'timeouts 0 ' "$dir/body"
}

goodbye() {
  owned "$url_m" 'slow:400:last@'
  curl -s -m 60 -o "$dir/slow" "$url_n/get?group=demo&key=$key" &
  slow=$!
  counted "$url_m" 'loading 1'
  kill -TERM "$pid_m"
  wait "$slow"
  holds 'a get under way at SIGTERM' "^$url_m|$key|" "$dir/slow"
  ended m "$pid_m"
  same 'nothing but one line was printed' 1 "$(wc -l <"$dir/m.out")"

  owned "$url_k" 'slow:60000:last@'
  curl -s -m 60 -o "$dir/slow" "$url_k/page/$key" &
  slow=$!
  counted "$url_k" 'suspended 1 loading 1'
  kill -TERM "$pid_k"
  while curl -s -m 5 -o "$dir/body" "$url_k/hello"; do :; done # until it listens no more
  kill -INT "$pid_k"
  ended k "$pid_k"
  wait "$slow"
  same 'a get under way at the second signal: an empty reply' 52 $?
  kill -TERM "$pid_n"
  ended n "$pid_n"
}

start n "$node"
start m "$mount"
start k "$mount" --group demo:1000000
for url in "$url_n" "$url_m" "$url_k"; do
  ask PUT "$url/peers" --data-binary "$url_n
$url_m $url_k"
  same "PUT $url/peers" 200 "$status"
done
command_line
beside
strangers
keys
large
herd
hang_up
goodbye
echo "$checks checks, $wrong wrong"
[ "$wrong" = 0 ]
