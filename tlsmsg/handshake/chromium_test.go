package handshake_test

import (
	"bytes"
	"net"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A browser offers brotli, and reads what this side makes of its chain: the page
// comes only if it has decompressed the certificate, and hashed it as it was sent.
func TestChromiumTakesACompressedCertificate(t *testing.T) {
	program := needProgram(t, "chromium")
	a := theAuthority()
	var lock sync.Mutex
	var sent []tlsmsg.HandshakeType // of the last connection that came to its end
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	serve := func(stream net.Conn) {
		defer stream.Close()
		stream.SetDeadline(time.Now().Add(time.Minute))
		cfg, w := a.serverConfig(t, "rsa")
		cfg.MinVersion, cfg.MaxVersion, cfg.CompressCertificates = tlsmsg.VersionTLS13, tlsmsg.VersionTLS13, []tlsmsg.CertificateCompressionAlgorithm{tlsmsg.CompressionBrotli}
		var mine []tlsmsg.HandshakeType
		cfg.Events = func(e handshake.Event) {
			if m, ok := e.(handshake.MessageEvent); ok && m.Dir == handshake.Out && m.Content == tlsmsg.ContentHandshake {
				mine = append(mine, m.Type)
			}
		}
		s := handshake.NewServer(cfg)
		buf := make([]byte, 16<<10)
		for s.Err() == nil && !bytes.Contains(s.Peek(), []byte("\r\n\r\n")) {
			w.Finish(s)
			stream.Write(s.Next())
			n, err := stream.Read(buf)
			if err != nil {
				return
			}
			s.Receive(buf[:n])
		}
		lock.Lock()
		sent = mine
		lock.Unlock()
		s.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<p>decompressed</p>"))
		s.CloseWrite()
		stream.Write(s.Next())
	}
	go func() {
		for {
			stream, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(stream)
		}
	}()
	page, err := exec.CommandContext(t.Context(), program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--user-data-dir="+t.TempDir(),
		"--ignore-certificate-errors", "--dump-dom", "https://"+ln.Addr().String()+"/").Output()
	lock.Lock()
	defer lock.Unlock()
	if !strings.Contains(string(page), "decompressed") || !slices.Contains(sent, tlsmsg.TypeCompressedCertificate) || slices.Contains(sent, tlsmsg.TypeCertificate) {
		t.Errorf("%v, after %v: %s", err, sent, page)
	}
}
