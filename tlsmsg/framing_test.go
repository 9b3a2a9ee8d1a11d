package tlsmsg_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rawshake/rawshake/slab"
	"github.com/rawshake/rawshake/tlsmsg"
)

// drain calls Next until there is nothing more.
func drain(t testing.TB, a *tlsmsg.Assembler) (out [][]byte) {
	t.Helper()
	for {
		raw, err := a.Next()
		if err != nil {
			t.Fatal(err)
		}
		if raw == nil {
			return out
		}
		out = append(out, raw)
	}
}

func TestMessagesComeOutWholeHoweverTheyAreCut(t *testing.T) {
	messages := [][]byte{
		join(14, 0, 0, 0),
		join(11, 0, 1, 44, bytes.Repeat([]byte{7}, 300)),
		join(0, 0, 0, 0),
		join(20, 0, 0, 12, "twelve bytes"),
	}
	stream := bytes.Join(messages, nil)
	for size := 1; size <= len(stream); size++ {
		var a tlsmsg.Assembler
		var got [][]byte
		for rest := stream; len(rest) > 0; {
			n := min(size, len(rest))
			fragment := bytes.Clone(rest[:n])
			a.Write(fragment)
			rest = rest[n:]
			got = append(got, drain(t, &a)...)
			for i := range fragment {
				fragment[i] = 0xEE // the record's buffer is used again
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(messages) {
			t.Fatalf("in fragments of %d bytes:\n% x\nwant\n% x", size, got, messages)
		}
		if a.Pending() {
			t.Fatalf("in fragments of %d bytes: %d bytes left", size, a.Buffered())
		}
	}
}

func TestMessagesAreTheCallersToKeep(t *testing.T) {
	var a tlsmsg.Assembler
	var kept [][]byte
	for i := range 100 {
		a.Write(join(11, 0, 0, 2, i, i, 14))
		kept = append(kept, drain(t, &a)...)
		a.Write(join(0, 0, 0))
		kept = append(kept, drain(t, &a)...)
		kept[len(kept)-1] = append(kept[len(kept)-1], "more"...) // must not reach the next message
	}
	for i := range 100 {
		if want := join(11, 0, 0, 2, i, i); !bytes.Equal(kept[2*i], want) {
			t.Fatalf("message %d is now % x, want % x", i, kept[2*i], want)
		}
	}
}

func TestPendingTellsAPartOfAMessage(t *testing.T) {
	var a tlsmsg.Assembler
	if a.Pending() {
		t.Error("empty assembler pending")
	}
	a.Write([]byte{14})
	if drain(t, &a); !a.Pending() || a.Buffered() != 1 {
		t.Error("one byte of a header not pending")
	}
	a.Write([]byte{0, 0, 0})
	if drain(t, &a); a.Pending() {
		t.Error("pending after the whole message")
	}
}

func TestTooLongAMessageIsRefusedByItsHeader(t *testing.T) {
	for _, tc := range []struct{ max, length int }{{0, 64<<10 + 1}, {100, 101}, {0, 1<<24 - 1}} {
		a := tlsmsg.Assembler{MaxMessage: tc.max}
		a.Write(join(11, tc.length>>16, tc.length>>8, tc.length))
		for range 2 { // it sticks
			raw, err := a.Next()
			var long *tlsmsg.MessageTooLongError
			if !errors.As(err, &long) || raw != nil || long.Length != tc.length || long.Type != tlsmsg.TypeCertificate {
				t.Errorf("length %d: % x, %v", tc.length, raw, err)
			} else if want := fmt.Sprintf("Certificate: length %d in its header, expected at most %d", tc.length, long.Max); err.Error() != want {
				t.Errorf("%v\nwant %s", err, want)
			}
			a.Write([]byte("more"))
			if a.Buffered() != 0 {
				t.Error("keeps bytes after the error")
			}
		}
	}
	a := tlsmsg.Assembler{MaxMessage: 3}
	a.Write(join(11, 0, 0, 3, "abc"))
	if got := drain(t, &a); len(got) != 1 {
		t.Errorf("the longest message: % x", got)
	}
}

func TestAnAssemblerIsBoundedEvenIfNobodyCallsNext(t *testing.T) {
	var a tlsmsg.Assembler
	for range 1000 {
		a.Write(make([]byte, tlsmsg.MaxPlaintext))
	}
	if n := a.Buffered(); n > 1<<17 {
		t.Errorf("holds %d bytes", n)
	}
	if _, err := a.Next(); !errors.Is(err, tlsmsg.ErrUnread) {
		t.Errorf("%v", err)
	}
}

// A peer that sends a long message in records of one byte each makes nobody copy
// what came before once for every record.
func TestAMessageInTinyRecordsIsNotCopiedForEachOfThem(t *testing.T) {
	const length = 64 << 10
	message := make([]byte, tlsmsg.HeaderLen+length)
	message[0], message[1] = byte(tlsmsg.TypeCertificate), length>>16
	allocations := testing.AllocsPerRun(1, func() {
		var a tlsmsg.Assembler
		for i := range message {
			a.Write(message[i : i+1])
			if raw, err := a.Next(); err != nil || (raw != nil) != (i == len(message)-1) {
				t.Fatalf("after %d bytes: %d, %v", i+1, len(raw), err)
			}
		}
	})
	if allocations > 20 {
		t.Errorf("%v allocations for a message of %d bytes, expected about log2 of that", allocations, length)
	}
}

// With a Pool what Next gives out stays until Release, however many slices that
// takes, and then all that is remembered goes back.
func TestMessagesStayUntilTheAssemblerIsReleased(t *testing.T) {
	pool := slab.Pool{Poison: true}
	a := tlsmsg.Assembler{Pool: &pool}
	for range 3 {
		var want, got [][]byte
		for i := range 40 {
			body := bytes.Repeat([]byte{byte(i)}, i*i%700)
			raw := append([]byte{byte(i), 0, byte(len(body) >> 8), byte(len(body))}, body...)
			want = append(want, raw)
			for rest := raw; len(rest) > 0; {
				n := min(len(rest), 1+i%5*90)
				a.Write(rest[:n])
				rest = rest[n:]
				m, err := a.Next()
				if err != nil {
					t.Fatal(err)
				}
				if m != nil {
					got = append(got, m)
				}
			}
		}
		if !slices.EqualFunc(got, want, bytes.Equal) {
			t.Fatal("messages have changed")
		}
		if a.Release(); a.Pending() || pool.Held() == 0 {
			t.Errorf("after Release %d bytes pending, %d in the pool", a.Buffered(), pool.Held())
		}
	}
}
