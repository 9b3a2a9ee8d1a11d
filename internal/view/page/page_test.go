package page_test

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/browser"
	"github.com/rawshake/rawshake/internal/test/live"
	"github.com/rawshake/rawshake/internal/test/netns"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/page"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

func TestMain(m *testing.M) { os.Exit(netns.RunTests(all{m})) }

// all runs the tests, and then ends what they share.
type all struct{ m *testing.M }

func (a all) Run() int {
	defer browser.End()
	return a.m.Run()
}

// maxOrdinary is what the page of an ordinary handshake may take, in bytes.
const maxOrdinary = 1 << 20

func render(t testing.TB, tr *transcript.Transcript) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := page.Write(&b, tr, page.Options{Title: pki.ServerName}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What a peer chose neither turns the reading direction of the page nor hides in
// it, and obeys no limit but ours.
func TestNothingInvisibleIsInThePage(t *testing.T) {
	tr := hostile(t)
	var b bytes.Buffer
	if err := page.Write(&b, tr, page.Options{Title: strings.Join(attacks, "")}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		for i, r := range strings.TrimSuffix(line, "\n") {
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Fatalf("%U at %d of %.200q", r, i, line)
			}
		}
	}
}

func TestAPageHasAnEnd(t *testing.T) {
	name := strings.Repeat("<&>\"", 15<<10)
	hello := &tlsmsg.ClientHello{CipherSuites: make([]tlsmsg.CipherSuite, 30000), CompressionMethods: []tlsmsg.CompressionMethod{0}, HasExtensions: true,
		Extensions: []tlsmsg.Extension{tlsmsg.NewExtension(&tlsmsg.ServerName{Names: []tlsmsg.ServerNameEntry{{Name: []byte(name)}}}, tlsmsg.TypeClientHello)}}
	raw := tlsmsg.Append(nil, hello, tlsmsg.Context{})
	rec := transcript.NewRecorder(0, nil)
	var offsets [2]int64
	for i := range 3000 {
		at := time.Duration(i) * time.Millisecond
		rec.Note(at, transcript.Link, "note", name)
		if i < 20 {
			rec.TLS(at, handshake.MessageEvent{Dir: handshake.In, Content: tlsmsg.ContentHandshake, Type: tlsmsg.TypeClientHello, Raw: raw})
		}
		send(rec, at, transcript.Out, tlsmsg.ContentAlert, []byte{1, 0}, &offsets)
	}
	b := render(t, rec.Transcript())
	if len(b) > maxOrdinary {
		t.Errorf("the page takes %d bytes", len(b))
	}
	if !bytes.Contains(b, []byte("further steps are not in this page")) {
		t.Error("nothing is said of what was left out")
	}
}

func TestPageOfAHandshakeIsSmall(t *testing.T) {
	live.Each(t, func(t *testing.T, tr *transcript.Transcript) {
		b := render(t, tr)
		t.Logf("%d bytes", len(b))
		if len(b) > maxOrdinary {
			t.Errorf("the page takes %d bytes", len(b))
		}
		if dir := os.Getenv("PAGE_OUT"); dir != "" {
			os.WriteFile(dir+"/"+t.Name()[len("TestPageOfAHandshakeIsSmall/"):]+".html", b, 0o644)
		}
	})
}
