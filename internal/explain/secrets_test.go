package explain

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/capture"
)

// secretsOf are the lines of a key log that a capture of testdata holds.
func secretsOf(t *testing.T, file string) (lines []string) {
	t.Helper()
	f, err := os.Open(filepath.Join(captures, file))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := capture.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	r.Secrets = func(label string, random, secret []byte) {
		lines = append(lines, fmt.Sprintf("%s %x %x\n", label, random, secret))
	}
	for p := new(capture.Packet); err == nil; {
		err = r.Next(p)
	}
	return lines
}

// stripped is a copy of a capture without its secrets.
func stripped(t *testing.T, file string) string {
	t.Helper()
	in, err := os.Open(filepath.Join(captures, file))
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(filepath.Join(t.TempDir(), file))
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := capture.StripSecrets(t.Context(), out, in); err != nil {
		t.Fatal(err)
	}
	return out.Name()
}

// A resumed session has the secret of the one that it resumes, and no line of a
// key log of its own.
func TestAResumedSessionIsDecryptedByTheSecretOfTheFirst(t *testing.T) {
	for file, by := range map[string]string{"tls12-resumed-ticket.pcapng": "ticket", "tls12-resumed-id.pcapng": "session ID"} {
		lines := secretsOf(t, file)
		log := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(log, []byte(lines[0]), 0o600); err != nil {
			t.Fatal(err)
		}
		name := stripped(t, file)
		for _, stream := range []bool{false, true} {
			for conn := 1; conn <= 2; conn++ {
				out, r := explained(t, name, "ladder", Options{Filter: Filter{Conn: conn}, KeyLog: log}, stream)
				if r.Shown == nil || !strings.Contains(out, "✔ data") || !strings.Contains(out, "both Finished messages agree") {
					t.Errorf("%s, connection %d: not decrypted:\n%s", file, conn, out)
				}
				says := "connection 1 of the capture, whose session this one resumes by its " + by
				if flat := strings.Join(strings.Fields(out), " "); strings.Contains(flat, says) != (conn == 2) {
					t.Errorf("%s, connection %d: whose secret it is:\n%s", file, conn, out)
				}
			}
		}
		log = filepath.Join(t.TempDir(), "none")
		if err := os.WriteFile(log, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, _ := explained(t, name, "ladder", Options{Filter: Filter{Conn: 2}, KeyLog: log}, false); !strings.Contains(strings.Join(strings.Fields(out), " "), "nor for the earlier session that it resumes") {
			t.Errorf("%s: decrypted without a secret", file)
		}
	}
}

// A key log may be long, and grow: it is read on from where it was.
func TestAKeyLogIsReadOnceAndOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	line := func(i int) string { return fmt.Sprintf("CLIENT_RANDOM %064x %096x\n", i, i) }
	random := func(i int) (n name) { binary.BigEndian.PutUint32(n.random[28:], uint32(i)); return n }
	for i := range 1000 {
		fmt.Fprint(f, line(i))
	}
	l := keyLog{path: path}
	if l.find(random(1000)) != nil || l.find(random(999)) == nil || l.find(random(0)) == nil {
		t.Fatal("what is there is not found, or what is not there is")
	}
	half := len(line(1000)) / 2
	fmt.Fprint(f, line(1000)[:half])
	if l.find(random(1000)) != nil {
		t.Error("half a line is a secret")
	}
	before := l.read
	fmt.Fprint(f, line(1000)[half:])
	if l.find(random(1000)) == nil || l.read <= before {
		t.Error("what has come since is not found")
	}
	os.WriteFile(path, []byte(line(7777)), 0o600) // somebody begins it anew
	if l.find(random(7777)) == nil || l.find(random(1)) == nil {
		t.Error("a key log that begins anew is not read")
	}
	l.secrets = table{}
	for i := range maxSecrets {
		l.secrets[random(i+10000)] = make([]byte, 48)
	}
	l.read, l.tooMany = 0, false
	if len(l.secrets) >= maxSecrets && l.find(random(7777)) == nil {
		t.Error("what there is no room for is not found")
	}
}
