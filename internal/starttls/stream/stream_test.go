package stream

import (
	"errors"
	"io"
	"net"
	"testing"

	"github.com/rawshake/rawshake/internal/starttls"
)

func smtp(t *testing.T) *starttls.Machine {
	t.Helper()
	p, err := starttls.NewProfile(starttls.Config{Protocol: "smtp"})
	if err != nil {
		t.Fatal(err)
	}
	return starttls.NewMachine(p, starttls.Identity{ServerName: "mail.test"})
}

// A server that says everything at once, without waiting to be asked, has said no more
// than what is waited for; what stands behind the agreement is an injection, and a
// stream that ends or fails says so in its own way.
func TestSpeak(t *testing.T) {
	const before = "220 x\r\n250-x\r\n250 STARTTLS\r\n"
	lost := errors.New("lost")
	for name, tc := range map[string]struct {
		says string
		then error // of the stream
		kind starttls.Kind
		err  error
	}{
		"agreed":   {before + "220 go\r\n", io.EOF, "", nil},
		"injected": {before + "220 go\r\n250 more\r\n", io.EOF, starttls.Injected, nil},
		"ended":    {before, io.EOF, starttls.Closed, nil},
		"failed":   {before, lost, "", lost},
	} {
		m := smtp(t)
		ours, theirs := net.Pipe()
		go io.Copy(io.Discard, theirs)
		_, err := Speak(struct {
			io.Reader
			io.Writer
		}{&ending{tc.says, tc.then}, ours}, m)
		ours.Close()
		var why *starttls.Error
		if errors.As(m.Err(), &why); err != tc.err || (why == nil) != (tc.kind == "") || why != nil && why.Kind != tc.kind {
			t.Errorf("%s: %v, and the stream's %v", name, m.Err(), err)
		}
	}
}

// ending gives what it holds, and then an error.
type ending struct {
	left string
	err  error
}

func (e *ending) Read(p []byte) (int, error) {
	if e.left == "" {
		return 0, e.err
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}
