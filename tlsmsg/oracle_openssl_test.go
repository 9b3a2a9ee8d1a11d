package tlsmsg_test

import (
	"errors"
	"flag"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

var record = flag.Bool("record-openssl", false, "record testdata/openssl anew, over loopback")

// Each recording is a conversation of openssl s_client with openssl s_server.
var opensslRecordings = []struct{ name, server, client string }{
	{"ecdhe-rsa", "-cert rsa.pem -key rsa.key -tls1_2", "-curves X25519 -servername rawshake.test -alpn h2,http/1.1"},
	{"ecdhe-ecdsa", "-cert ecdsa.pem -key ecdsa.key -tls1_2 -alpn http/1.1", "-curves P-256 -servername rawshake.test -alpn h2,http/1.1"},
	{"ed25519", "-cert ed25519.pem -key ed25519.key -tls1_2", "-curves P-384"},
	{"rsa-key-exchange", "-cert rsa.pem -key rsa.key -tls1_2 -cipher AES128-GCM-SHA256", ""},
	{"dhe-rsa", "-cert rsa.pem -key rsa.key -tls1_2 -cipher DHE-RSA-AES128-GCM-SHA256", ""},
	{"client-auth-rsa", "-cert rsa.pem -key rsa.key -tls1_2 -CAfile ecdsa.pem -Verify 1", "-cert rsa.pem -key rsa.key"},
	{"client-auth-ecdsa", "-cert ecdsa.pem -key ecdsa.key -tls1_2 -CAfile rsa.pem -Verify 1", "-cert ecdsa.pem -key ecdsa.key"},
	{"client-auth-none", "-cert ecdsa.pem -key ecdsa.key -tls1_2 -verify 1", ""},
	{"status-request", "-cert ecdsa.pem -key ecdsa.key -tls1_2 -status_file ocsp.der", "-status"},
	{"no-ticket", "-cert ecdsa.pem -key ecdsa.key -tls1_2 -no_ticket", ""},
	{"resumed", "-cert ecdsa.pem -key ecdsa.key -tls1_2", "-reconnect"},
	{"tls10", "-cert rsa.pem -key rsa.key -tls1 -Verify 1 -cipher ALL:@SECLEVEL=0", "-tls1 -cert rsa.pem -key rsa.key -cipher ALL:@SECLEVEL=0"},
	{"no-shared-cipher", "-cert rsa.pem -key rsa.key -tls1_2 -cipher AES128-GCM-SHA256", "-cipher ECDHE-ECDSA-AES128-GCM-SHA256"},
	{"tls13-only", "-cert ecdsa.pem -key ecdsa.key -tls1_3", "-tls1_2"},
	{"tls13", "-cert ecdsa.pem -key ecdsa.key -tls1_3", ""},
	{"many-fragments", "-cert rsa.pem -key rsa.key -tls1_2 -split_send_frag 512 -max_send_frag 512", "-max_send_frag 512"},
}

// TestRecordOpenSSL makes testdata/openssl: go test -run RecordOpenSSL -record-openssl.
func TestRecordOpenSSL(t *testing.T) {
	if !*record {
		t.Skip("recordings are made only on demand, with -record-openssl")
	}
	dir := t.TempDir()
	for _, key := range []string{"rsa -newkey rsa:2048", "ecdsa -newkey ec -pkeyopt ec_paramgen_curve:P-256", "ed25519 -newkey ed25519"} {
		name, options, _ := strings.Cut(key, " ")
		openssl(t, dir, "req -x509 -nodes -days 3650 -subj /CN=rawshake.test "+options+" -keyout "+name+".key -out "+name+".pem")
	}
	openssl(t, dir, "ocsp -issuer ecdsa.pem -cert ecdsa.pem -reqout request.der")
	must(t, os.WriteFile(filepath.Join(dir, "index.txt"), nil, 0o600))
	openssl(t, dir, "ocsp -index index.txt -CA ecdsa.pem -rsigner ecdsa.pem -rkey ecdsa.key -reqin request.der -respout ocsp.der")
	for _, r := range opensslRecordings {
		t.Run(r.name, func(t *testing.T) {
			flows := recordOpenSSL(t, dir, r.server, r.client)
			must(t, os.WriteFile("testdata/openssl/"+r.name+".txt", dumpTranscript(flows), 0o644))
		})
	}
}

func openssl(t *testing.T, dir, args string) {
	t.Helper()
	cmd := exec.Command("openssl", strings.Fields(args)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", args, err, out)
	}
}

// recordOpenSSL runs one client against one server, with a relay in between
// that keeps what passes. Of a reconnecting client it keeps the second
// connection.
func recordOpenSSL(t *testing.T, dir, serverArgs, clientArgs string) []flow {
	t.Helper()
	port := freePort(t)
	server := exec.Command("openssl", strings.Fields("s_server -quiet -accept 127.0.0.1:"+port+" "+serverArgs)...)
	server.Dir = dir
	must(t, server.Start())
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()

	relay, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer relay.Close()
	client := exec.Command("openssl", strings.Fields("s_client -connect "+relay.Addr().String()+" "+clientArgs)...)
	client.Dir = dir
	client.Stdin = strings.NewReader("Q\n")
	must(t, client.Start())
	defer func() { _ = client.Wait() }()

	connections := 1
	if strings.Contains(clientArgs, "-reconnect") {
		connections = 2
	}
	var flows []flow
	for range connections {
		near, err := relay.Accept()
		must(t, err)
		flows = relayOne(near, dial(t, port))
	}
	if connections > 1 {
		_ = client.Process.Kill()
	}
	return flows
}

// relayOne passes bytes between a client and a server until both have closed.
func relayOne(near, far net.Conn) (flows []flow) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	pass := func(fromClient bool, from, to net.Conn) {
		buf := make([]byte, 1<<16)
		for {
			n, err := from.Read(buf)
			mu.Lock()
			if k := len(flows); n > 0 && (k == 0 || flows[k-1].fromClient != fromClient) {
				flows = append(flows, flow{fromClient: fromClient})
			}
			if n > 0 {
				flows[len(flows)-1].data = append(flows[len(flows)-1].data, buf[:n]...)
			}
			_, _ = to.Write(buf[:n])
			mu.Unlock()
			if err != nil {
				_ = to.(*net.TCPConn).CloseWrite()
				if !errors.Is(err, io.EOF) {
					_ = to.Close()
				}
				return
			}
		}
	}
	wg.Go(func() { pass(true, near, far) })
	wg.Go(func() { pass(false, far, near) })
	wg.Wait()
	_ = near.Close()
	_ = far.Close()
	return flows
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	must(t, err)
	return port
}

// dial waits until the server, which says nothing, listens.
func dial(t *testing.T, port string) net.Conn {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			return conn
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
