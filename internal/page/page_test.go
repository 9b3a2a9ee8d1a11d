package page_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/live"
	"github.com/rawshake/rawshake/internal/page"
	"github.com/rawshake/rawshake/internal/transcript"
)

func TestMain(m *testing.M) { os.Exit(lab.RunTests(all{m})) }

// all runs the tests, and then ends what they share.
type all struct{ m *testing.M }

func (a all) Run() int {
	defer endBrowser()
	return a.m.Run()
}

// maxOrdinary is what the page of an ordinary handshake may take, in bytes.
const maxOrdinary = 1 << 20

func render(t testing.TB, tr *transcript.Transcript) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := page.Write(&b, tr, page.Options{Title: lab.ServerName}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
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
