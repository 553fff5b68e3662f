// gonode is a small service built on golang/groupcache, as its documentation shows it: an HTTPPool on
// http.DefaultServeMux. Group "demo" answers as the reference node's demo source does. Routes for tests on
// the same port: GET /owner, GET /get, GET /stats, PUT /peers. Requests of peers are logged on stderr.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/golang/groupcache"
)

type node struct {
	self string
	pool *groupcache.HTTPPool
	runs int64

	mu    sync.Mutex
	peers []string // as given last
}

// number finds N in "prefixN:rest".
func number(key, prefix string) (int, bool) {
	if !strings.HasPrefix(key, prefix) {
		return 0, false
	}
	end := strings.IndexByte(key[len(prefix):], ':')
	if end < 0 {
		return 0, false
	}
	n, err := strconv.Atoi(key[len(prefix) : len(prefix)+end])
	return n, err == nil && n >= 0
}

func (n *node) load(_ context.Context, key string, dest groupcache.Sink) error {
	run := atomic.AddInt64(&n.runs, 1)
	if strings.HasPrefix(key, "missing:") {
		return errors.New("the demo has no such key")
	}
	if strings.HasPrefix(key, "fail:") {
		return errors.New("demo failure")
	}
	if size, ok := number(key, "big:"); ok {
		return dest.SetBytes(bytes.Repeat([]byte("x"), size))
	}
	if ms, ok := number(key, "slow:"); ok {
		time.Sleep(time.Duration(ms) * time.Millisecond)
	}
	return dest.SetBytes([]byte(fmt.Sprintf("%s|%s|%d", n.self, key, run)))
}

func (n *node) setPeers(urls []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.peers = urls
	n.pool.Set(urls...)
}

// Every answer states its length: the test's client reads no chunks.
func reply(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}

func (n *node) get(w http.ResponseWriter, r *http.Request) {
	var value []byte
	q := r.URL.Query()
	group := groupcache.GetGroup(q.Get("group"))
	if group == nil {
		reply(w, http.StatusNotFound, []byte("no such group\n"))
		return
	}
	err := group.Get(r.Context(), q.Get("key"), groupcache.AllocatingByteSliceSink(&value))
	if err != nil {
		reply(w, http.StatusInternalServerError, []byte(err.Error()+"\n"))
		return
	}
	reply(w, http.StatusOK, value)
}

// The pool does not say the URL of a peer; a ProtoGetter prints as {transport, base URL}.
func (n *node) owner(w http.ResponseWriter, r *http.Request) {
	peer, ok := n.pool.PickPeer(r.URL.Query().Get("key"))
	if !ok {
		reply(w, http.StatusOK, []byte(n.self))
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	text := fmt.Sprintf("%+v", peer)
	for _, url := range n.peers {
		if strings.Contains(text, url+"/") {
			reply(w, http.StatusOK, []byte(url))
			return
		}
	}
	reply(w, http.StatusInternalServerError, []byte(text))
}

func (n *node) stats(w http.ResponseWriter, _ *http.Request) {
	s := &groupcache.GetGroup("demo").Stats
	body, _ := json.Marshal(map[string]int64{
		"gets": s.Gets.Get(), "hits": s.CacheHits.Get(), "loads": s.Loads.Get(),
		"loads_deduped": s.LoadsDeduped.Get(), "local_loads": s.LocalLoads.Get(),
		"local_load_errs": s.LocalLoadErrs.Get(), "peer_loads": s.PeerLoads.Get(),
		"peer_errors": s.PeerErrors.Get(), "server_requests": s.ServerRequests.Get(),
	})
	reply(w, http.StatusOK, body)
}

func (n *node) putPeers(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if r.Method != http.MethodPut || err != nil {
		reply(w, http.StatusBadRequest, []byte("PUT a list of URLs\n"))
		return
	}
	n.setPeers(strings.Fields(string(body)))
	reply(w, http.StatusOK, []byte("ok\n"))
}

func logPeers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_groupcache/") {
			log.Printf("%s %s %s from %s %v", r.Method, r.RequestURI, r.Proto, r.RemoteAddr, r.Header)
		}
		next.ServeHTTP(w, r)
	})
}

// secureTransport asks with HTTP/2 where the other side can, and shows the certificate.
func secureTransport(ca, cert, key string) http.RoundTripper {
	pem, err := os.ReadFile(ca)
	if err != nil {
		log.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		log.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
		ForceAttemptHTTP2: true,
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	peers := flag.String("peers", "", "URLs of all members, with commas between")
	cert := flag.String("cert", "", "certificate: listen and ask with TLS, HTTP/2 by ALPN")
	key := flag.String("key", "", "its private key")
	ca := flag.String("ca", "", "trust peers by this CA")
	flag.Parse()
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	scheme := "http://"
	if *cert != "" {
		scheme = "https://"
	}
	n := &node{self: scheme + listener.Addr().String()}
	log.SetPrefix("gonode " + n.self + " ")
	n.pool = groupcache.NewHTTPPool(n.self) // registers itself at /_groupcache/
	if *ca != "" {
		transport := secureTransport(*ca, *cert, *key)
		n.pool.Transport = func(context.Context) http.RoundTripper { return transport }
	}
	groupcache.NewGroup("demo", 64<<20, groupcache.GetterFunc(n.load))
	if *peers != "" {
		n.setPeers(strings.Split(*peers, ","))
	}
	http.HandleFunc("/get", n.get)
	http.HandleFunc("/owner", n.owner)
	http.HandleFunc("/stats", n.stats)
	http.HandleFunc("/peers", n.putPeers)
	fmt.Printf("listening on %s\n", n.self)
	if *cert != "" {
		log.Fatal(http.ServeTLS(listener, logPeers(http.DefaultServeMux), *cert, *key))
	}
	log.Fatal(http.Serve(listener, logPeers(http.DefaultServeMux)))
}
