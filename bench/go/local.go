// local measures a hit of github.com/golang/groupcache for gcache-bench local, which starts it: one
// goroutine, one process, no peers. Arguments: number of keys, bytes of a value, rounds, requests per round.
// Standard input: the requests, each the number of a key as 32 little-endian bits. Output: nanoseconds per
// request, one line per round; a first round is not counted.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/golang/groupcache"
)

func number(arg string) int {
	n, err := strconv.Atoi(arg)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

func get(group *groupcache.Group, key string) {
	var value groupcache.ByteView
	if err := group.Get(context.Background(), key, groupcache.ByteViewSink(&value)); err != nil {
		log.Fatal(err)
	}
}

func main() {
	nKeys, valueBytes, rounds, nAsked := number(os.Args[1]), number(os.Args[2]), number(os.Args[3]), number(os.Args[4])
	getter := func(_ context.Context, _ string, dest groupcache.Sink) error {
		return dest.SetBytes(make([]byte, valueBytes))
	}
	group := groupcache.NewGroup("bench", int64(nKeys)*int64(valueBytes+256)+1<<20, groupcache.GetterFunc(getter))
	asked := make([]uint32, nAsked)
	if err := binary.Read(bufio.NewReaderSize(os.Stdin, 1<<20), binary.LittleEndian, asked); err != nil {
		log.Fatal(err)
	}
	keys := make([]string, nAsked)
	for i, k := range asked {
		keys[i] = fmt.Sprintf("key:%012d", k)
	}
	for i := 0; i < nKeys; i++ {
		get(group, fmt.Sprintf("key:%012d", i))
	}
	for round := 0; round <= rounds; round++ {
		start := time.Now()
		for _, key := range keys {
			get(group, key)
		}
		if round > 0 {
			fmt.Printf("%.2f\n", float64(time.Since(start).Nanoseconds())/float64(nAsked))
		}
	}
}
