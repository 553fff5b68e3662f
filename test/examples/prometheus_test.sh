#!/bin/sh
# The node's metrics as Prometheus reads them: promtool's lint, then a Prometheus that scrapes two nodes, and its
# answers to queries. Prints every difference; exit status 1 if there is one, 77 without the programs.
#     prometheus_test.sh NODE_PROGRAM
set -u
node=$1
for program in curl promtool prometheus; do command -v "$program" >/dev/null || exit 77; done
dir=$(mktemp -d)
pids= wrong=0
trap 'for p in $pids; do kill -9 "$p" 2>/dev/null; done; rm -rf "$dir"' EXIT

fail() {
  wrong=$((wrong + 1))
  echo "not so: $*"
}

# same WHAT WANTED GOT
same() {
  [ "$2" = "$3" ] || fail "$1: wanted '$2', got '$3'"
}

# start NAME: sets $url once the node listens.
start() {
  : >"$dir/$1.out"
  "$node" --listen 127.0.0.1:0 >>"$dir/$1.out" 2>"$dir/$1.err" &
  pids="$pids $!"
  while ! grep -q '^listening on ' "$dir/$1.out"; do
    kill -0 "$!" 2>/dev/null || { fail "$1 did not start: $(cat "$dir/$1.err")"; exit 1; }
  done
  url=$(sed -n 's/^listening on //p' "$dir/$1.out")
}

start one && one=$url
start two && two=$url
for u in $one $two; do
  printf '%s\n%s\n' "$one" "$two" | curl -s -m 20 -T - -o "$dir/body" "$u/peers"
done
for i in 1 2 3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10 11 12; do
  curl -s -m 20 -o "$dir/body" "$one/get?group=demo&key=k$i"
done
curl -s -m 20 -o "$dir/body" "$one/get?group=demo&key=missing:k"

type=$(curl -s -m 20 -o "$dir/text" -w '%{content_type}' "$one/metrics")
same 'Content-Type' 'text/plain; version=0.0.4; charset=utf-8' "$type"
promtool check metrics <"$dir/text" >"$dir/lint" 2>&1
same 'promtool check metrics' '0 ' "$? $(cat "$dir/lint")"

# ---- scraped

free_port() { # nobody listens there now
  for port in $(shuf -i 20000-60000 -n 50); do
    curl -s -m 2 -o /dev/null "http://127.0.0.1:$port/" 2>/dev/null
    [ $? = 7 ] && return
  done
}

cat >"$dir/prometheus.yml" <<YML
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: gcache
    static_configs: [{targets: ["${one#http://}", "${two#http://}"]}]
YML

# Prometheus cannot say which port it was given: another is tried if this one is taken meanwhile.
begin_scraping() {
  for try in 1 2 3 4 5; do
    free_port
    prom=http://127.0.0.1:$port
    prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data$try" \
      --web.listen-address="127.0.0.1:$port" >"$dir/prometheus.log" 2>&1 &
    pid=$!
    pids="$pids $pid"
    while kill -0 "$pid" 2>/dev/null; do
      curl -s -m 5 -o /dev/null -f "$prom/-/ready" && return
    done
  done
  fail "Prometheus does not run: $(cat "$dir/prometheus.log")"
  exit 1
}
begin_scraping

# asked QUERY: $answer is the value of its one sample, "" where there is none yet.
asked() {
  answer=$(curl -s -m 20 -G --data-urlencode "query=$1" "$prom/api/v1/query" |
    sed -n 's/.*"value":\[[^,]*,"\([^"]*\)"\]}\]}}$/\1/p')
}

# becomes QUERY VALUE: within a minute.
becomes() {
  end=$(($(date +%s) + 60))
  asked "$1"
  while [ "$answer" != "$2" ] && [ "$(date +%s)" -lt "$end" ]; do asked "$1"; done
  same "$1" "$2" "$answer"
}

# Of the node, as it says itself.
says() {
  curl -s -m 20 "$one/metrics" | sed -n "s/^$1 //p"
}

instance="instance=\"${one#http://}\""
becomes 'count(up == 1)' 2
becomes "groupcache_gets_total{group=\"demo\",$instance}" 23
becomes "groupcache_gets_total{group=\"demo\",$instance} - on(group) groupcache_hits_total{group=\"demo\",$instance} - on(group) groupcache_loads_total{group=\"demo\",$instance}" 0
becomes "groupcache_hits_total{group=\"demo\",$instance}" "$(says 'groupcache_hits_total{group="demo"}')"
becomes "groupcache_cache_items{group=\"demo\",type=\"hot\",$instance}" \
  "$(says 'groupcache_cache_items{group="demo",type="hot"}')"
becomes "sum(gcache_getter_seconds_count{group=\"demo\"})" 13
becomes "gcache_peer_up{url=\"$two\",$instance}" 1
becomes "count(gcache_get_seconds_bucket{group=\"demo\",source=\"load\",$instance})" 23
becomes "count(histogram_quantile(0.9, gcache_peer_exchange_seconds_bucket{$instance}) > 0)" 1

[ "$wrong" = 0 ]
