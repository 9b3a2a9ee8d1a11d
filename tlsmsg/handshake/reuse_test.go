package handshake_test

import (
	"testing"

	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// A Client that was used before, and stopped anywhere, begins as a new one.
func TestAResetClientBeginsAnew(t *testing.T) {
	want := func() []byte {
		c := handshake.NewClient(handshake.Config{ServerName: "one.test", Random: [32]byte{7}})
		c.Start()
		return append([]byte(nil), c.Next()...)
	}()
	used := handshake.NewClient(handshake.Config{ServerName: "another.test", GREASE: true})
	for _, garbage := range []string{"", "\x16\x03\x03\x40\x00\x02", "HTTP/1.1 400 Bad Request\r\n", "\x15\x03\x03\x00\x02\x02\x28"} {
		used.Start()
		used.Receive([]byte(garbage))
		used.Reset(handshake.Config{ServerName: "one.test", Random: [32]byte{7}})
		if used.Err() != nil || used.Stage() != handshake.StageNew || used.Next() != nil {
			t.Fatalf("after %q: %v, %v", garbage, used.Err(), used.Stage())
		}
		used.Start()
		if got := used.Next(); string(got) != string(want) {
			t.Errorf("after %q: another ClientHello than a new client's", garbage)
		}
	}
}
