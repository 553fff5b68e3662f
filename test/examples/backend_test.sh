#!/bin/sh
# Three members of a service of docs/examples/backends with its real backend, started here on a free port or
# socket in a directory of its own: the responses to clients, and the queries that reached the backend. Exit
# status 77 without the backend.
#     backend_test.sh PROGRAM tags|ratelimit|counter|origin
set -u
program=$1 kind=$2
command -v curl >/dev/null || exit 77
dir=$(mktemp -d)
chmod 755 "$dir"
pids= serving= wrong=0
trap 'for p in $serving $pids; do kill "$p" 2>/dev/null; done; wait; rm -rf "$dir"' EXIT

same() { # WHAT WANTED GOT
  [ "$2" = "$3" ] && return
  wrong=$((wrong + 1))
  echo "not so: $1: wanted '$2', got '$3'"
}

until_so() { # COMMAND...: at most 30 s
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "in vain: $*"; exit 1; }
    sleep 0.1
  done
}

members() { # SOURCE: three of them; $a $b $c are their URLs
  for name in a b c; do
    "$program" --listen 127.0.0.1:0 --source "$1" >"$dir/$name.url" 2>"$dir/$name.err" &
    serving="$serving $!"
    until_so test -s "$dir/$name.url"
  done
  a=$(cat "$dir/a.url") b=$(cat "$dir/b.url") c=$(cat "$dir/c.url")
  for url in $a $b $c; do
    same "PUT /peers at $url" ok "$(curl -s -m 20 -X PUT -d "$a,$b,$c" "$url/peers")"
  done
}

ask_all() { # PATH: 20 times at each member, at once; what they say, each answer once
  rm -f "$dir"/said.*
  asking=
  for url in $a $b $c; do
    curl -s -m 30 -Z --parallel-immediate -o "$dir/said.${url##*:}.#1" "$url$1#[1-20]" 2>/dev/null &
    asking="$asking $!"
  done
  wait $asking
  for said in "$dir"/said.*; do printf '%s\n' "$(cat "$said")"; done | sort -u
}

postgres_there() {
  bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1)
  [ -n "$bin" ] || exit 77
  as=
  if [ "$(id -u)" = 0 ]; then
    id postgres >/dev/null 2>&1 || exit 77
    chown postgres "$dir"
    as='setpriv --reuid=postgres --regid=postgres --clear-groups'
  fi
  (cd "$dir" && $as "$bin/initdb" -D "$dir/db" -A trust -N >"$dir/initdb.log" 2>&1) || { cat "$dir/initdb.log"; exit 1; }
  (cd "$dir" && exec $as "$bin/postgres" -D "$dir/db" -k "$dir" -c listen_addresses= -c fsync=off >"$dir/pg.log" 2>&1) &
  pids="$pids $!"
  sql() { (cd "$dir" && $as "$bin/psql" -h "$dir" -d postgres -Atqc "$1"); }
  until_so sql 'SELECT 1'
}

test_tags() {
  postgres_there
  sql 'CREATE TABLE tags (id serial PRIMARY KEY, name text UNIQUE, upserts int DEFAULT 1)'
  members "host=$dir dbname=postgres user=$([ "$(id -u)" = 0 ] && echo postgres || id -un)"
  same "a new tag, asked 60 times of three members" 1 "$(ask_all /tag/blue)"
  same "its upserts" 1 "$(sql "SELECT upserts FROM tags WHERE name = 'blue'")"
  for i in $(seq 50); do curl -s -m 20 "$a/tag/t$i" >/dev/null; done
  for i in $(seq 50); do curl -s -m 20 "$b/tag/t$i"; echo; done | sort -u | wc -l >"$dir/ids"
  same "50 tags have 50 ids" 50 "$(tr -d ' ' <"$dir/ids")"
  same "upserts of 51 tags" 51 "$(sql 'SELECT sum(upserts) FROM tags')"
  # A row that is sent, and not committed then.
  sql "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE 'refused'; END \$\$;
    CREATE CONSTRAINT TRIGGER late AFTER INSERT ON tags DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.name LIKE 'bad%') EXECUTE FUNCTION refuse()"
  ask_all /tag/bad | grep -v refused >"$dir/bad"
  same "a tag that is not committed" '' "$(cat "$dir/bad")"
  same "tags afterwards" 51 "$(sql 'SELECT count(*) FROM tags')"
  same "the next tag" "$(sql "SELECT id FROM tags WHERE name = 't7'")" "$(curl -s -m 20 "$c/tag/t7")"
  # All connections are cut while answers are owed; the next questions make new ones.
  sql 'BEGIN; LOCK TABLE tags; SELECT pg_sleep(60)' >/dev/null 2>&1 &
  until_so sql "SELECT 1/count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = 'tags'::regclass"
  curl -s -m 30 -Z --parallel-immediate -o "$dir/cut.#1" "$a/tag/cut[1-5]" 2>/dev/null &
  cut=$!
  until_so sql "SELECT 1/count(*) FROM pg_locks WHERE NOT granted AND relation = 'tags'::regclass"
  sql "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()" >/dev/null
  wait $cut
  cat "$dir"/cut.* | grep -qi connection || same "who waited is told" "that the connection was lost" "$(cat "$dir"/cut.*)"
  for url in $a $b $c; do until_so sh -c "curl -s -m 20 '$url/tag/after' | grep -qx '[0-9]*'"; done
}

test_ratelimit() {
  command -v redis-server >/dev/null || exit 77
  redis-server --port 0 --unixsocket "$dir/redis" --save '' --daemonize no --dir "$dir" >"$dir/redis.log" 2>&1 &
  pids="$pids $!"
  until_so redis-cli -s "$dir/redis" ping
  cli() { redis-cli -s "$dir/redis" "$@"; }
  cli hset rules ada 1000 >/dev/null
  members "$dir/redis"
  cli config resetstat >/dev/null
  same "60 questions for ada" "" "$(ask_all /allow/ada)"
  same "what redis was asked" 1 "$(cli info commandstats | sed -n 's/^cmdstat_hget:calls=\([0-9]*\).*/\1/p')"
  limit() { curl -s -m 20 -o /dev/null -D - "$1/allow/$2" | tr -d '\r' | sed -n 's/^X-Limit: //p'; }
  same "ada's limit" 1000 "$(limit "$b" ada)"
  same "a stranger's limit" 60 "$(limit "$b" eve)"
  same "a new rule" "in force" "$(curl -s -m 20 -X PUT -d 7 "$c/rule/eve")"
  for url in $a $b $c; do same "eve's limit at $url" 7 "$(limit "$url" eve)"; done
  # 7 a minute, and a new minute may begin meanwhile.
  for i in $(seq 16); do curl -s -m 20 -o /dev/null -w '%{http_code}\n' "$a/allow/eve"; done | sort -u >"$dir/eve"
  same "more visits than two minutes have" "200 429" "$(tr '\n' ' ' <"$dir/eve" | sed 's/ $//')"
  # All connections are cut while answers are owed; the next questions make new ones.
  cli client pause 60000 write >/dev/null
  curl -s -m 30 -X PUT -d 9 "$a/rule/eve" >"$dir/cut" &
  cut=$!
  until_so sh -c "redis-cli -s '$dir/redis' client list | grep -q 'flags=b'"
  cli client kill type normal skipme yes >/dev/null
  wait $cut
  same "a rule that was not written" "not changed" "$(cat "$dir/cut")"
  cli client unpause >/dev/null
  until_so sh -c "curl -s -m 20 -X PUT -d 9 '$a/rule/eve' | grep -q 'in force'"
  for url in $a $b $c; do same "eve's limit at $url" 9 "$(limit "$url" eve)"; done
}

test_counter() {
  command -v sqlite3 >/dev/null && rows() { sqlite3 "$dir/visits" "$1"; }
  members "$dir/visits"
  same "60 visits of one visitor" counted "$(ask_all /visit/home/ada)"
  for who in $(seq 20); do curl -s -m 20 "$b/visit/home/v$who" >/dev/null; done
  for who in $(seq 20); do curl -s -m 20 "$c/visit/home/v$who" >/dev/null; done
  same "visitors" 21 "$(curl -s -m 20 "$a/unique/home")"
  for path in /visit/home/ /visit//ada /visit/home /unique/a/b; do
    same "GET $path" 404 "$(curl -s -m 20 -o /dev/null -w '%{http_code}' "$a$path")"
  done
  command -v sqlite3 >/dev/null || return
  same "inserts" 21 "$(rows 'SELECT sum(asked) FROM visits')"
}

test_origin() {
  python3 - "$dir" <<'P' &
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        open(sys.argv[1] + '/asked', 'a').write(self.path + '\n')
        code, body = (404, b'') if 'missing' in self.path else (500, b'') if 'broken' in self.path else (200, b'page ' + self.path.encode() + b'\n')
        self.send_response(code)
        self.send_header('Cache-Control', 'No-Store' if 'secret' in self.path else 'public, max-age=60')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), H)
open(sys.argv[1] + '/port.new', 'w').write(str(server.server_port))
import os
os.rename(sys.argv[1] + '/port.new', sys.argv[1] + '/port')
server.serve_forever()
P
  pids="$pids $!"
  until_so test -s "$dir/port"
  members "http://127.0.0.1:$(cat "$dir/port")"
  same "60 gets of a page" "page /a" "$(ask_all /a)"
  same "what the origin was asked" 1 "$(grep -c '^/a$' "$dir/asked")"
  same "a page that is missing" 404 "$(curl -s -m 20 -o /dev/null -w '%{http_code}' "$b/missing")"
  same "an origin that fails" "the origin answered 500" "$(curl -s -m 20 "$c/broken")"
  same "a query" "page /a?q=1" "$(curl -s -m 20 "$b/a?q=1")"
  same "a page that is not to be kept" "page /secret" "$(curl -s -m 20 "$a/secret")"
  sleep 2 # it is gone after one
  same "the same again" "page /secret" "$(curl -s -m 20 "$a/secret")"
  [ "$(grep -c '^/secret$' "$dir/asked")" -gt 1 ] || same "what the origin was asked" 2 1
  # A key of a peer's that would lead elsewhere.
  curl -s -m 20 -o /dev/null "$a/_groupcache/origin/$(printf '%%40127.0.0.1%%3A%s%%2Felsewhere' "$(cat "$dir/port")")"
  same "another host" 0 "$(grep -c elsewhere "$dir/asked")"
}

"test_$kind"
kill $serving
for p in $serving; do
  wait "$p"
  same "how a member ends" 0 $?
done
serving=
[ $wrong = 0 ] || { cat "$dir"/*.err; exit 1; }
