#!/bin/sh
# Builds the Go node and runs the live cluster. Exit status 77 (skipped) if Go or its groupcache is not
# installed (Debian: golang-go, golang-github-golang-groupcache-dev).
#     live_test.sh LIVE_PROGRAM NODE_PROGRAM
set -eu
gopath=${GOPATH:-/usr/share/gocode}
source=$(cd "$(dirname "$0")" && pwd)/gonode
if ! command -v go >/dev/null; then
  echo "skipped: no Go (Debian: golang-go)"
  exit 77
fi
if [ ! -d "$gopath/src/github.com/golang/groupcache" ]; then
  echo "skipped: no golang/groupcache in $gopath (Debian: golang-github-golang-groupcache-dev)"
  exit 77
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
(cd "$source" &&
  GO111MODULE=off GOPATH=$gopath GOFLAGS= GOCACHE=${GOCACHE:-$dir/cache} go build -o "$dir/gonode" .)
rc=0
"$1" "$2" "$dir/gonode" 2>"$dir/log" || rc=$?
echo "requests to the Go nodes: $(grep -c ' from ' "$dir/log" || true); some of them:"
grep -v Go-http-client "$dir/log" | head -n 3 || true
grep Go-http-client "$dir/log" | head -n 2 || true
exit $rc
