// A kubelet as far as `kubectl port-forward` needs one: the API server leads /portForward/<namespace>/<pod> here over SPDY, and each port asked for is the
// same one on this machine's loopback, as it would be in the pod. The protocol is spoken by the library that Kubernetes itself uses.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"k8s.io/streaming/pkg/httpstream"
	"k8s.io/streaming/pkg/httpstream/spdy"
)

const protocol = "portforward.k8s.io"

func main() {
	certificate, err := selfSigned()
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/portForward/", portForward)
	server := &http.Server{
		Addr:      os.Args[1],
		Handler:   mux,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate}},
		// SPDY takes over an HTTP/1.1 connection.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
	}
	log.Fatal(server.ListenAndServeTLS("", ""))
}

func portForward(w http.ResponseWriter, r *http.Request) {
	if _, err := httpstream.Handshake(r, w, []string{protocol}); err != nil {
		log.Print(err)
		return
	}
	var lock sync.Mutex
	errors := map[string]httpstream.Stream{}
	connection := spdy.NewResponseUpgrader().UpgradeResponse(w, r, func(stream httpstream.Stream, replySent <-chan struct{}) error {
		id := stream.Headers().Get("requestID")
		lock.Lock()
		defer lock.Unlock()
		if stream.Headers().Get("streamType") == "error" {
			errors[id] = stream
			return nil
		}
		failure := errors[id]
		delete(errors, id)
		go func() {
			<-replySent
			copyBoth(stream, failure, stream.Headers().Get("port"))
		}()
		return nil
	})
	if connection == nil {
		return
	}
	defer connection.Close()
	<-connection.CloseChan()
}

func copyBoth(data, failure httpstream.Stream, port string) {
	defer data.Close()
	if failure != nil {
		defer failure.Close()
	}
	pod, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		if failure != nil {
			fmt.Fprintf(failure, "cannot reach port %s: %v", port, err)
		}
		return
	}
	defer pod.Close()
	done := make(chan struct{}, 2)
	go func() {
		io.Copy(pod, data)
		pod.(*net.TCPConn).CloseWrite()
		done <- struct{}{}
	}()
	go func() {
		io.Copy(data, pod)
		done <- struct{}{}
	}()
	<-done
}

// The API server does not check a kubelet's certificate unless told to.
func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}
