// Package stream drives a starttls.Machine over a stream, for who waits for it.
package stream

import (
	"errors"
	"io"

	"github.com/rawshake/rawshake/internal/starttls"
)

// Speak says what precedes TLS until the machine is done or has failed (Machine.Err),
// and returns what it has read behind that. The error is the stream's: a deadline of
// the stream ends the wait.
func Speak(s io.ReadWriter, m *starttls.Machine) (ahead []byte, err error) {
	piece := make([]byte, 4<<10)
	for {
		if err := say(s, m); err != nil {
			return nil, err
		}
		ahead = ahead[m.Receive(ahead):]
		if err := say(s, m); err != nil {
			return nil, err
		}
		if m.Done() || m.Err() != nil {
			m.Behind(ahead)
			return ahead, nil
		}
		n, err := s.Read(piece)
		ahead = append(ahead, piece[:n]...)
		switch {
		case errors.Is(err, io.EOF):
			ahead = ahead[m.Receive(ahead):]
			m.EOF()
		case err != nil:
			return nil, err
		}
	}
}

// say sends what the machine has to say.
func say(s io.Writer, m *starttls.Machine) error {
	for out := m.Output(); len(out) > 0; out = m.Output() {
		n, err := s.Write(out)
		m.Sent(n)
		if err != nil {
			return err
		}
	}
	return nil
}
