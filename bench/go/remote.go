// remote is golang/groupcache for gcache-bench remote, which starts it twice.
//
//	remote serve PORT KEYS VALUE_BYTES
//	remote ask PORT KEYS VALUE_BYTES OUTSTANDING SLOW_PCT SECONDS SERVER_PID
//
// The server fills its memory before it listens; keys that begin with "slow" take 50 ms. The client keeps
// nothing, as its group has no memory, sends gets from OUTSTANDING goroutines, and prints one line: answers
// per second, three percentiles of the hits' latencies, and CPU time per answer on both sides, in
// microseconds. Its transport keeps one connection per goroutine; by default Go keeps two and opens new ones
// for the rest.
package main

import (
	"context"
	"fmt"
	"log"
	"math/rand"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/golang/groupcache"
)

func number(i int) float64 {
	n, err := strconv.ParseFloat(os.Args[i], 64)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

func get(group *groupcache.Group, key string, valueBytes int) {
	var value groupcache.ByteView
	if err := group.Get(context.Background(), key, groupcache.ByteViewSink(&value)); err != nil {
		log.Fatal(err)
	}
	if value.Len() != valueBytes {
		log.Fatal("an answer is wrong")
	}
}

func serve(port, keys, valueBytes int) {
	value := make([]byte, valueBytes)
	getter := func(_ context.Context, key string, dest groupcache.Sink) error {
		if strings.HasPrefix(key, "slow") {
			time.Sleep(50 * time.Millisecond)
		}
		return dest.SetBytes(value)
	}
	group := groupcache.NewGroup("bench", int64(keys)*int64(valueBytes+256)*5/4+64<<20, groupcache.GetterFunc(getter))
	address := fmt.Sprintf("127.0.0.1:%d", port)
	groupcache.NewHTTPPool("http://" + address)
	for i := 0; i < keys; i++ {
		get(group, fmt.Sprintf("key:%012d", i), valueBytes)
	}
	log.Fatal(http.ListenAndServe(address, nil))
}

// cpu reads the CPU clock of a process, in nanoseconds; 0 is this process.
func cpu(pid int) int64 {
	var t syscall.Timespec
	clock := uintptr(2) // CLOCK_PROCESS_CPUTIME_ID
	if pid != 0 {
		clock = uintptr(^pid<<3|2) & 0xffffffff
	}
	syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0)
	return t.Nano()
}

const (
	warming = iota
	counting
	over
)

type asker struct {
	latencies []int64 // of hits, counted
	answers   int
}

func (a *asker) run(group *groupcache.Group, phase *int32, slot, outstanding, keys, valueBytes int, slowPct float64) {
	random := rand.New(rand.NewSource(int64(slot)))
	slowNext := time.Now().UnixNano() + int64(slot)<<36
	for atomic.LoadInt32(phase) != over {
		key := fmt.Sprintf("key:%012d", slot+outstanding*random.Intn(keys/outstanding))
		slow := random.Float64()*100 < slowPct
		if slow {
			key = fmt.Sprintf("slow%d", slowNext)
			slowNext++
		}
		start := time.Now()
		get(group, key, valueBytes)
		if atomic.LoadInt32(phase) != counting {
			continue
		}
		a.answers++
		if !slow {
			a.latencies = append(a.latencies, time.Since(start).Nanoseconds())
		}
	}
}

func ask(port, keys, valueBytes, outstanding int, slowPct, seconds float64, server int) {
	transport := &http.Transport{MaxIdleConnsPerHost: outstanding}
	pool := groupcache.NewHTTPPool("http://127.0.0.1:0")
	pool.Transport = func(context.Context) http.RoundTripper { return transport }
	pool.Set(fmt.Sprintf("http://127.0.0.1:%d", port))
	group := groupcache.NewGroup("bench", 0, groupcache.GetterFunc(
		func(context.Context, string, groupcache.Sink) error {
			log.Fatal("the server did not answer")
			return nil
		}))

	var phase int32
	var done sync.WaitGroup
	askers := make([]asker, outstanding)
	for i := range askers {
		done.Add(1)
		go func(i int) {
			askers[i].run(group, &phase, i, outstanding, keys, valueBytes, slowPct)
			done.Done()
		}(i)
	}
	time.Sleep(time.Duration(seconds * 0.2 * 1e9))
	start, own, other := time.Now(), cpu(0), cpu(server)
	atomic.StoreInt32(&phase, counting)
	time.Sleep(time.Duration(seconds * 1e9))
	atomic.StoreInt32(&phase, over)
	ns, own, other := time.Since(start).Nanoseconds(), cpu(0)-own, cpu(server)-other
	done.Wait()
	say(askers, float64(ns), float64(own), float64(other))
}

func say(askers []asker, ns, own, other float64) {
	var all []int64
	answers := 0.0
	for i := range askers {
		all = append(all, askers[i].latencies...)
		answers += float64(askers[i].answers)
	}
	if answers == 0 {
		fmt.Println(0, 0, 0, 0, 0, 0)
		return
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	at := func(share float64) float64 {
		if len(all) == 0 {
			return 0
		}
		return float64(all[int(float64(len(all))*share)]) / 1e3
	}
	fmt.Println(answers*1e9/ns, at(0.5), at(0.99), at(0.999), own/answers/1e3, other/answers/1e3)
}

func main() {
	if os.Args[1] == "serve" {
		serve(int(number(2)), int(number(3)), int(number(4)))
	}
	ask(int(number(2)), int(number(3)), int(number(4)), int(number(5)), number(6), number(7), int(number(8)))
}
