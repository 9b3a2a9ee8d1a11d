package explain

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/rawtcp/wire"
)

const (
	out = transcript.Out
	in  = transcript.In
)

// A made capture is one connection, packet by packet, to be spoiled by a test.
type made struct {
	ends    [2]netip.AddrPort
	isn     [2]uint32
	next    [2]uint32 // octets said so far, and a SYN
	id      uint16
	packets [][]byte
	mss     int // 0: 1400
	pause   int // the packet before which nobody says anything for seconds; 0: none
}

func newMade() *made {
	return &made{
		ends: [2]netip.AddrPort{netip.MustParseAddrPort("198.18.0.1:40000"), netip.MustParseAddrPort("198.18.0.2:443")},
		isn:  [2]uint32{100, 5000},
	}
}

// packet makes a packet of the connection, and moves its direction on.
func (m *made) packet(dir transcript.Dir, flags wire.Flags, payload string) []byte {
	src, dst := m.ends[dir], m.ends[1-dir]
	s := wire.Segment{SrcPort: src.Port(), DstPort: dst.Port(), Flags: flags, Window: 1000, Seq: wire.Seq(m.isn[dir] + m.next[dir]), Payload: []byte(payload)}
	if flags.Has(wire.ACK) {
		s.Ack = wire.Seq(m.isn[1-dir] + m.next[1-dir])
	}
	m.next[dir] += uint32(s.Len())
	m.id++
	h := wire.IPv4{TTL: 64, Protocol: wire.ProtocolTCP, Src: src.Addr(), Dst: dst.Addr(), ID: m.id}
	return s.AppendTo(h.AppendTo(nil, s.HeaderLen()+len(payload)), src.Addr(), dst.Addr())
}

func (m *made) put(packets ...[]byte) *made {
	m.packets = append(m.packets, packets...)
	return m
}

func (m *made) open() *made {
	m.put(m.packet(out, wire.SYN, ""), m.packet(in, wire.SYN|wire.ACK, ""))
	return m.put(m.packet(out, wire.ACK, ""))
}

// say sends a payload in segments, and has it acknowledged.
func (m *made) say(dir transcript.Dir, payload string) *made {
	mss := 1400
	if m.mss > 0 {
		mss = m.mss
	}
	for rest := payload; len(rest) > 0; {
		n := min(len(rest), mss)
		m.put(m.packet(dir, wire.ACK|wire.PSH, rest[:n]))
		rest = rest[n:]
	}
	return m.put(m.packet(1-dir, wire.ACK, ""))
}

// talk sends what both sides said, turn by turn.
func (m *made) talk(said []said) *made {
	for _, s := range said {
		m.say(s.dir, s.data)
	}
	return m
}

func (m *made) close() *made {
	m.put(m.packet(out, wire.FIN|wire.ACK, ""), m.packet(in, wire.FIN|wire.ACK, ""))
	return m.put(m.packet(out, wire.ACK, ""))
}

// file writes the capture, with keys where there are.
func (m *made) file(t testing.TB, keys []byte) string {
	t.Helper()
	path := m.noted(t, "")
	if keys != nil {
		if err := os.WriteFile(path+".keys", keys, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// noted writes the capture, with a comment on its last packet.
func (m *made) noted(t testing.TB, note string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.pcapng")
	w, err := capture.Create(path, capture.Info{})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000, 0)
	for i, p := range m.packets {
		at = at.Add(500 * time.Microsecond)
		if m.pause > 0 && i == m.pause {
			at = at.Add(5 * time.Second)
		}
		if err := w.Packet(at, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Note(note); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// pcap is the capture in the classic format, of raw IP packets.
func (m *made) pcap() []byte {
	le := binary.LittleEndian
	b := le.AppendUint32(nil, 0xa1b2c3d4)
	b = le.AppendUint16(le.AppendUint16(b, 2), 4)
	b = le.AppendUint32(append(b, make([]byte, 8)...), 1<<18)
	b = le.AppendUint32(b, uint32(wire.LinkRaw))
	for i, p := range m.packets {
		b = le.AppendUint32(le.AppendUint32(b, 1_700_000_000), uint32(500*i))
		b = append(le.AppendUint32(le.AppendUint32(b, uint32(len(p))), uint32(len(p))), p...)
	}
	return b
}

// spoil makes a packet's TCP checksum wrong, and with it its last byte.
func spoil(p []byte, alsoData bool) []byte {
	p = bytes.Clone(p)
	p[36] ^= 0x5a
	if alsoData {
		p[len(p)-1] ^= 0xff
	}
	return p
}

// said is what one side said in a turn.
type said struct {
	dir  transcript.Dir
	data string
}

// A transcriber keeps what goes over a connection.
type transcriber struct {
	net.Conn
	dir  transcript.Dir
	mu   *sync.Mutex
	said *[]said
}

func (c *transcriber) Write(b []byte) (int, error) {
	c.mu.Lock()
	if n := len(*c.said); n > 0 && (*c.said)[n-1].dir == c.dir {
		(*c.said)[n-1].data += string(b)
	} else {
		*c.said = append(*c.said, said{c.dir, string(b)})
	}
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// shake is a handshake of Go's crypto/tls, with a question and an answer, in
// memory; and its key log.
func shake(t testing.TB, version uint16) ([]said, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"made.example"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	var list []said
	var mu sync.Mutex
	var keys bytes.Buffer
	near, far := net.Pipe()
	client := tls.Client(&transcriber{near, out, &mu, &list}, &tls.Config{ServerName: "made.example", InsecureSkipVerify: true,
		MinVersion: version, MaxVersion: version, KeyLogWriter: &keys})
	server := tls.Server(&transcriber{far, in, &mu, &list}, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}})
	done := make(chan error, 1)
	go func() {
		b := make([]byte, len("question"))
		_, err := io.ReadFull(server, b)
		if err == nil {
			_, err = server.Write([]byte("answer"))
		}
		done <- err
	}()
	if _, err := client.Write([]byte("question")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(client, make([]byte, len("answer"))); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	near.Close()
	return list, keys.Bytes()
}

// events explains a made capture, and gives the entries and its ladder.
func events(t testing.TB, path string, o Options) ([]*transcript.Entry, string, *Report) {
	t.Helper()
	if _, err := os.Stat(path + ".keys"); err == nil {
		o.KeyLog = path + ".keys"
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var text bytes.Buffer
	ladder := view.NewLadder(&text, view.Options{})
	var list []*transcript.Entry
	o.Limit, o.Listener = transcript.KeepNothing, func(e *transcript.Entry) {
		list = append(list, e)
		ladder.Entry(e)
	}
	r, err := Reader(t.Context(), f, o)
	if err != nil {
		t.Fatal(err)
	}
	return list, text.String(), r
}

// named are the decisions of a name.
func named(list []*transcript.Entry, name string) (texts []string) {
	for _, e := range list {
		if e.Decision != nil && e.Decision.Name == name {
			texts = append(texts, e.Decision.Text)
		}
	}
	return texts
}

// read reports whether both sides' data was decrypted.
func readBoth(list []*transcript.Entry) bool {
	var both [2]bool
	for _, e := range list {
		if e.Message != nil && !e.Message.Sealed && (string(e.Message.Raw) == "question" || string(e.Message.Raw) == "answer") {
			both[e.Dir] = true
		}
	}
	return both[0] && both[1]
}
