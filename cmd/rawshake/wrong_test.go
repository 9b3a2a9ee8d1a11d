//go:build linux

package main

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goisms are words of Go's and of its libraries, which say nothing to a person
// who does not write Go.
var goisms = regexp.MustCompile(`context (deadline exceeded|canceled)|strconv\.|time: |ParseInt|ParseUint|ParseFloat|ParseBool|ParseAddr|ParsePrefix|invalid syntax|value out of range|` +
	`unknown flag|unknown shorthand|flag needs|invalid argument "|arg\(s\)|\\x0a|0xc[0-9a-f]{9}|&\{|map\[|\[\]string|\[\]byte|<nil>|nil pointer|%!|goroutine |panic|` +
	`\*[a-z]+\.[A-Z]|main\.|encoding/|unexpected EOF|\["[^"]*" "|i/o timeout|json: |asn1: |netlink receive|lookup .* on |no such network interface|bufio\.|use of closed|executable file not found|structure error`)

// said runs one command line and returns its status and what it says on standard
// error.
func said(t *testing.T, args []string) (status int, text string) {
	t.Helper()
	return saidTo(t, os.DevNull, args)
}

// saidTo is said with standard output going to a file.
func saidTo(t *testing.T, output string, args []string) (status int, text string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	to, err := os.OpenFile(output, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	in, out, errs := os.Stdin, os.Stdout, os.Stderr
	os.Stdin, os.Stdout, os.Stderr = null, to, w
	got := make(chan string)
	go func() { b, _ := io.ReadAll(r); got <- string(b) }()
	status = run(context.Background(), args)
	os.Stdin, os.Stdout, os.Stderr = in, out, errs
	w.Close()
	text = <-got
	r.Close()
	null.Close()
	return status, text
}

// Every error in a command line is reported in our own sentences, and before
// anything is sent.
func TestWrongInputsAreToldInOurOwnWords(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty, junk := file("empty", ""), file("junk", "\x00\x01 this is nothing\n")
	badPEM := file("bad.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	badKey := file("bad.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	badYAML := file("bad.yaml", "nodes: [near\n")
	odd := file("odd.yaml", "nodes: 5\n")
	state := file("state", `{"version":"x"}`)
	gone := filepath.Join(dir, "no", "such")
	nul := "x\x00y"
	for _, line := range [][]string{
		{"conect"}, {"--verison"}, {"-Z"}, {"connect"}, {"connect", "a", "b"}, {"connect", ""}, {"connect", ":443"}, {"connect", "a b"},
		{"connect", "198.18.0.1:99999"}, {"connect", "198.18.0.1:-1"}, {"connect", "198.18.0.1:x"}, {"connect", "https://198.18.0.1/"}, {"connect", "198.18.0.300"},
		{"connect", "[2001:db8::1"}, {"connect", "2001:db8::g"}, {"connect", "[198.18.0.1]:443:1"}, {"connect", "a\nb"}, {"connect", nul},
		{"connect", "--timeout", "5", "198.18.0.1"}, {"connect", "--timeout", "", "198.18.0.1"}, {"connect", "--timeout", "-1s", "198.18.0.1"}, {"connect", "--timeout", "9999999999h", "198.18.0.1"},
		{"connect", "--timeout"}, {"connect", "--view", "pretty", "198.18.0.1"}, {"connect", "--view", "", "198.18.0.1"}, {"connect", "--until", "done", "198.18.0.1"},
		{"connect", "--link", "x", "198.18.0.1"}, {"connect", "--guard", "x", "198.18.0.1"}, {"connect", "--min-version", "1.4", "198.18.0.1"}, {"connect", "--max-version", "x\n", "198.18.0.1"},
		{"connect", "--min-version", "1.2", "--max-version", "1.0", "198.18.0.1"}, {"connect", "--min-dh-bits", "x", "198.18.0.1"}, {"connect", "--min-dh-bits", "-1", "198.18.0.1"},
		{"connect", "--min-dh-bits", "99999999999999999999", "198.18.0.1"}, {"connect", "--ciphers", "FOO", "198.18.0.1"}, {"connect", "--ciphers", "0x1ffff", "198.18.0.1"}, {"connect", "--ciphers", `"`, "198.18.0.1"},
		{"connect", "--groups", "curve1", "198.18.0.1"}, {"connect", "--alpn", strings.Repeat("x", 300), "198.18.0.1"}, {"connect", "--extension", "x", "198.18.0.1"},
		{"connect", "--extension", "16:0", "198.18.0.1"}, {"connect", "--extension", "16:zz", "198.18.0.1"}, {"connect", "--extension", "70000:", "198.18.0.1"}, {"connect", "--omit-extension", "nope", "198.18.0.1"},
		{"connect", "--record-size-limit", "1", "198.18.0.1"}, {"connect", "--record-size-limit", "99999", "198.18.0.1"}, {"connect", "--pad-to", "-1", "198.18.0.1"}, {"connect", "--pad-to", "1e3", "198.18.0.1"},
		{"connect", "--key-shares", "curve1", "198.18.0.1"}, {"connect", "--key-shares", "none,x25519", "198.18.0.1"}, {"connect", "--groups", "x25519", "--key-shares", "secp256r1", "198.18.0.1"}, {"connect", "--key-shares", "x25519", "--max-version", "1.2", "198.18.0.1"},
		{"probe", "--key-shares", "curve1", "198.18.0.1"}, {"probe", "--key-shares", "x25519", "--max-version", "1.2", "198.18.0.1"}, {"probe", "--groups", "x25519", "--key-shares", "secp256r1", "198.18.0.1"},
		{"connect", "--psk", "x", "198.18.0.1"}, {"connect", "--psk", ":00112233445566778899aabbccddeeff", "198.18.0.1"}, {"connect", "--psk", "a:zz", "198.18.0.1"}, {"connect", "--psk", "a:00", "198.18.0.1"}, {"connect", "--psk", "a:00112233445566778899aabbccddeeff", "--legacy", "198.18.0.1"},
		{"connect", "--early-data", "198.18.0.1"}, {"connect", "--early-data", "--until", "data", "198.18.0.1"}, {"connect", "--key-update", "--until", "finished", "198.18.0.1"}, {"connect", "--compress-certificate", "lzma", "198.18.0.1"}, {"connect", "--psk-alone", "--max-version", "1.2", "198.18.0.1"},
		{"connect", "--ech-config", "foo!", "198.18.0.1"}, {"connect", "--ech-config", junk, "198.18.0.1"}, {"connect", "--ech-config", empty, "198.18.0.1"}, {"connect", "--ech-config", dir, "198.18.0.1"}, {"connect", "--ech-config", "AAAA", "198.18.0.1"},
		{"connect", "--ech-config", strings.Repeat("A", 5000), "198.18.0.1"}, {"connect", "--ech-config", "AAAA", "--grease-ech", "198.18.0.1"}, {"connect", "--ech-config", "AAAA", "--max-version", "1.2", "198.18.0.1"}, {"connect", "--ech-config", gone, "198.18.0.1"},
		{"connect", "--grease-ech", "--max-version", "1.2", "198.18.0.1"}, {"connect", "--grease-ech", "--extension", "65037:00", "198.18.0.1"}, {"probe", "--grease-ech", "--max-version", "1.2", "198.18.0.1"}, {"lab", "serve", "tls", "--ech-out", junk, "--listen", "127.0.0.1:0"},
		{"connect", "--source-port", "70000", "198.18.0.1"}, {"connect", "--source-port", "-1", "198.18.0.1"}, {"connect", "--source-ip", "x", "198.18.0.1"}, {"connect", "-i", "nowhere0", "198.18.0.1"},
		{"connect", "-4", "-6", "198.18.0.1"}, {"connect", "-6", "198.18.0.1"}, {"connect", "--resolve", "x", "198.18.0.1"}, {"connect", "--resolve", "a:b:c", "198.18.0.1"},
		{"connect", "--ca", gone, "198.18.0.1"}, {"connect", "--ca", dir, "198.18.0.1"}, {"connect", "--ca", empty, "198.18.0.1"}, {"connect", "--ca", badPEM, "198.18.0.1"}, {"connect", "--ca", nul, "198.18.0.1"},
		{"connect", "--cert", gone, "198.18.0.1"}, {"connect", "--cert", junk, "198.18.0.1"}, {"connect", "--cert", badPEM, "--key", badKey, "198.18.0.1"}, {"connect", "--cert", badPEM, "--key", gone, "198.18.0.1"},
		{"connect", "--key", badKey, "198.18.0.1"}, {"connect", "--get", "x", "198.18.0.1"}, {"connect", "--get", "/a b", "198.18.0.1"}, {"connect", "--get", "/", "--until", "tcp", "198.18.0.1"},
		{"connect", "--json", "--view", "hex", "198.18.0.1"}, {"connect", "-q", "--json", "198.18.0.1"}, {"connect", "--select", "a..b", "--view", "hex", "198.18.0.1"}, {"connect", "--select", "a[x]", "--view", "hex", "198.18.0.1"},
		{"connect", "--select", "a", "198.18.0.1"}, {"connect", "--pcap", gone, "198.18.0.1"}, {"connect", "--pcap", dir, "198.18.0.1"}, {"connect", "--html", gone, "198.18.0.1"}, {"connect", "-o", gone, "198.18.0.1"},
		{"connect", "--keylog", gone, "198.18.0.1"}, {"connect", "--no-secrets", "198.18.0.1"}, {"connect", "--dictionary", gone, "198.18.0.1"}, {"connect", "--insecure=maybe", "198.18.0.1"}, {"connect", "--=x", "198.18.0.1"},
		{"connect", "--servername", "a b", "198.18.0.1"}, {"connect", "--link", "kernel", "--pcap", "x", "198.18.0.1"}, {"connect", "--step", "--json", "198.18.0.1"}, {"connect", "-t", "198.18.0.1"},
		{"connect", "--starttls", "gopher", "198.18.0.1"}, {"connect", "--proxy", "ftp://x", "198.18.0.1"}, {"connect", "--proxy", "https://me:secret@x", "198.18.0.1"}, {"connect", "--proxy-protocol", "3", "198.18.0.1"},
		{"probe", "--starttls", "gopher", "198.18.0.1"}, {"probe", "--proxy-protocol", "x", "198.18.0.1"},
		{"probe", "--rate", "fast", "198.18.0.1"}, {"probe", "--rate", "-1", "198.18.0.1"}, {"probe", "--rate", "NaN", "198.18.0.1"}, {"probe", "--max-inflight", "-1", "198.18.0.1"}, {"probe", "--retries", "99", "198.18.0.1"},
		{"probe", "--retries", "x", "198.18.0.1"}, {"probe", "--timeout", "5", "198.18.0.1"}, {"probe", "--timeout", "9000h", "198.18.0.1"}, {"probe", "--loops", "999", "198.18.0.1"}, {"probe", "--max-memory", "lots", "198.18.0.1"},
		{"probe", "--max-memory", "1K", "198.18.0.1"}, {"probe", "--seed", "x", "198.18.0.1"}, {"probe", "--seed", "-1", "198.18.0.1"}, {"probe", "--shard", "x", "198.18.0.1"}, {"probe", "--shard", "3/2", "198.18.0.1"},
		{"probe", "-p", "x", "198.18.0.1"}, {"probe", "-p", "9-1", "198.18.0.1"}, {"probe", "-p", "", "198.18.0.1"}, {"probe", "198.18.0.0/33"}, {"probe", "198.18.0.9-198.18.0.1"}, {"probe", "a b"}, {"probe", "198.18.0.1:x"},
		{"probe", "-f", gone}, {"probe", "--exclude", "x", "198.18.0.1"}, {"probe", "--exclude-file", gone, "198.18.0.1"}, {"probe", "--exclude-file", junk, "198.18.0.1"}, {"probe", "--fields", "nope", "198.18.0.1"},
		{"probe", "--fields", "addr,-port", "198.18.0.1"}, {"probe", "--until", "end", "198.18.0.1"}, {"probe", "--get", "x", "198.18.0.1"}, {"probe", "--send", gone, "198.18.0.1"}, {"probe", "--get", "/", "--send", junk, "198.18.0.1"},
		{"probe", "--checkpoint", state, "198.18.0.1"}, {"probe", "--checkpoint", junk, "198.18.0.1"}, {"probe", "--checkpoint", dir, "198.18.0.1"}, {"probe", "-o", gone, "198.18.0.1"}, {"probe", "--link", "kernel", "198.18.0.1"},
		{"probe", "-i", "nowhere0", "198.18.0.1"}, {"probe", "--source-ip", "x", "198.18.0.1"}, {"probe", "-4", "2001:db8::1"}, {"probe", "--ca", gone, "198.18.0.1"}, {"probe", "--servername", "a b", "198.18.0.1"}, {"probe", "0.0.0.0"},
		{"explain"}, {"explain", "a", "b"}, {"explain", gone}, {"explain", dir}, {"explain", empty}, {"explain", junk}, {"explain", "--conn", "0", junk}, {"explain", "--conn", "x", junk}, {"explain", "--port", "99999", junk},
		{"explain", "--host", "x", junk}, {"explain", "-i", "nowhere0"}, {"explain", "-i", "lo", junk}, {"explain", "--view", "x", junk}, {"explain", "--keylog", gone, junk}, {"explain", "--strip-secrets", "--list", junk}, {"explain", nul},
		{"guard"}, {"guard", "frob"}, {"guard", "up"}, {"guard", "up", "--ports", "x"}, {"guard", "up", "--ports", "9-8"}, {"guard", "up", "--ports", "0"}, {"guard", "up", "--ports", "1-99999"}, {"guard", "up", "--address", "x", "--ports", "1"},
		{"guard", "down", "x"}, {"guard", "down", "--address", "198.18.0.1"}, {"guard", "run"}, {"guard", "run", "--guard", "moat", "--", "true"}, {"guard", "run", "--ports", "x", "--", "true"}, {"guard", "run", "--", "no-such-program"}, {"guard", "status", "x"},
		{"lab"}, {"lab", "frob"}, {"lab", "up", "x"}, {"lab", "up", "--name", "a/b"}, {"lab", "up", "--loss", "x"}, {"lab", "up", "--loss", "101%"}, {"lab", "up", "--latency", "5"}, {"lab", "up", "--rate", "x"}, {"lab", "up", "--seed", "x"},
		{"lab", "up", "--black-hole", "x"}, {"lab", "up", "--topology", "nope"}, {"lab", "up", "--topology", gone}, {"lab", "up", "--topology", badYAML}, {"lab", "up", "--topology", odd}, {"lab", "up", "--topology", junk}, {"lab", "run"},
		{"lab", "run", "--loss", "5", "--", "true"}, {"lab", "exec"}, {"lab", "exec", "--name", "no-such-lab", "true"}, {"lab", "exec", "--name", "a b", "true"}, {"lab", "exec", "--nam", "x", "true"}, {"lab", "down", "--name", ""}, {"lab", "down", "x"},
		{"lab", "status", "--nme", "x"}, {"lab", "up", "--log", gone}, {"lab", "up", "--jitter", "5"}, {"lab", "netem", "--name", "no-such-lab"}, {"lab", "netem", "--name", "a b"}, {"lab", "netem", "--loss", "5"}, {"lab", "netem", "--jitter", "2h"}, {"lab", "netem", "--frob"},
		{"lab", "netem", "--name", "no-such-lab", "near-far", "--clear"}, {"lab", "demo", "nope"}, {"lab", "demo", "a", "b"}, {"lab", "demo", "--view", "x"}, {"lab", "list", "x"}, {"lab", "serve"}, {"lab", "serve", "x"}, {"lab", "serve", "tls", "--listen", "x"},
		{"lab", "serve", "tls", "--listen", "127.0.0.1:99999"}, {"lab", "serve", "tls", "--listen", "127.0.0.1:0", "--key-type", "x"}, {"lab", "serve", "tls", "--fault", "x"}, {"lab", "serve", "tls", "--client-auth", "x"}, {"lab", "serve", "tls", "--misbehave", "x"},
		{"lab", "serve", "tls", "--ciphers", "x"}, {"lab", "serve", "command"}, {"lab", "capture"}, {"lab", "capture", "-i", "nowhere0", "x"}, {"lab", "capture", "-i", "lo", gone}, {"doctor", "x"}, {"doctor", "--jsn"}, {"version", "x"}, {"man"}, {"man", junk + "/x"},
	} {
		status, text := said(t, line)
		if status == exitOK || status > exitUnverified && status != exitNotFound || !strings.Contains(text, "rawshake: ") {
			t.Errorf("%q: status %d, %q", line, status, text)
		}
		if word := goisms.FindString(text); word != "" {
			t.Errorf("%q: speaks of %q:\n\t%s", line, word, text)
		}
	}
}
