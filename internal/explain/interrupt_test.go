package explain

import (
	"context"
	"crypto/tls"
	"io"
	"os"
	"testing"

	"github.com/rawshake/rawshake/internal/transcript"
)

// An interrupt ends the waiting for a silent pipe, whatever came before, and shows
// what that was.
func TestAnInterruptEndsASilentPipe(t *testing.T) {
	dialogue, keys := shake(t, tls.VersionTLS12)
	whole, err := os.ReadFile(newMade().open().talk(dialogue).close().file(t, keys))
	if err != nil {
		t.Fatal(err)
	}
	for _, sent := range []int{0, 2, 30, len(whole) / 2, len(whole)} {
		from, to := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			to.Write(whole[:sent])
			cancel() // and says nothing more
		}()
		shown := 0
		r, err := Reader(ctx, from, Options{Limit: transcript.KeepNothing, Listener: func(e *transcript.Entry) { shown++ }})
		if err != nil || !r.Interrupted || r.Broken != nil {
			t.Fatalf("%d bytes sent: %v, %+v", sent, err, r)
		}
		if (r.Shown != nil) != (r.Packets > 0) || (shown > 0) != (r.Packets > 0) {
			t.Errorf("%d bytes sent: %d packets, %d entries shown", sent, r.Packets, shown)
		}
		to.Close()
	}
}
