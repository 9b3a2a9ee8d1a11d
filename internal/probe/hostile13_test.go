package probe

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/schema"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/tlsconn"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// A hostile13 is a server of our own that does something else in place of a message that is
// due, and what the record has to say of it.
type hostile13 struct {
	name   string
	config func(*handshake.ServerConfig)
	// of is the type of the message, and nth counts them from 1; after nothing comes nothing
	// more.
	of      tlsmsg.HandshakeType
	instead func(due handshake.Outgoing, nth int) []handshake.Outgoing

	goal    Goal // 0: certificate
	outcome string
	class   string
	reason  string // the first one's code; empty: it came to its goal
	odd     string
	tickets int
}

var hostiles13 = []hostile13{
	{name: "asks for another ClientHello twice", config: withCookie, of: tlsmsg.TypeServerHello, instead: func(due handshake.Outgoing, nth int) []handshake.Outgoing {
		if nth == 1 {
			return these(due)
		}
		return these(edited(due, func(m *tlsmsg.ServerHello) {
			m.Random = tlsmsg.HelloRetryRequestRandom()
			m.Extensions = []tlsmsg.Extension{tlsmsg.NewExtension(only13, m.Form()), tlsmsg.NewExtension(&tlsmsg.Cookie{Cookie: []byte("again")}, m.Form())}
		}))
	}, outcome: "protocol", class: "unexpected_message", reason: "server_fault"},
	{name: "wants its cookie back, and nothing else", config: withCookie, outcome: "certificate"},
	{name: "asks for a key that it has", config: withCookie, of: tlsmsg.TypeServerHello, instead: editHello(func(m *tlsmsg.ServerHello) {
		m.Extensions = append(m.Extensions, tlsmsg.NewExtension(&tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: tlsmsg.GroupX25519}}}, m.Form()))
	}), outcome: "protocol", class: "illegal_parameter", reason: "server_fault"},
	{name: "asks for a key in a group that was not offered", config: withCookie, of: tlsmsg.TypeServerHello, instead: editHello(func(m *tlsmsg.ServerHello) {
		m.Extensions = append(m.Extensions, tlsmsg.NewExtension(&tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: 0x7777}}}, m.Form()))
	}), outcome: "protocol", class: "illegal_parameter", reason: "server_fault"},
	{name: "asks for nothing", config: withCookie, of: tlsmsg.TypeServerHello, instead: editHello(func(m *tlsmsg.ServerHello) {
		m.Extensions = m.Extensions[:1]
	}), outcome: "protocol", class: "illegal_parameter", reason: "server_fault"},
	{name: "takes a group without a key", of: tlsmsg.TypeServerHello, instead: withShare(tlsmsg.GroupSecp256r1), outcome: "protocol", class: "illegal_parameter", reason: "server_fault"},
	{name: "takes a group that was not offered", of: tlsmsg.TypeServerHello, instead: withShare(0x7777), outcome: "protocol", class: "illegal_parameter", reason: "server_fault"},
	{name: "marks a downgrade", config: func(c *handshake.ServerConfig) { c.MinVersion, c.MaxVersion = tlsmsg.VersionTLS12, tlsmsg.VersionTLS12 },
		of: tlsmsg.TypeServerHello, instead: editHello(func(m *tlsmsg.ServerHello) { copy(m.Random[24:], "DOWNGRD\x01") }),
		outcome: "protocol", class: "illegal_parameter", reason: "downgraded"},
	{name: "floods with ChangeCipherSpec", of: tlsmsg.TypeEncryptedExtensions, instead: flood(handshake.Outgoing{Content: tlsmsg.ContentChangeCipherSpec, Data: []byte{1}}),
		outcome: "protocol", class: "unexpected_message", reason: "server_fault"},
	{name: "floods with empty records of the handshake", of: tlsmsg.TypeEncryptedExtensions, instead: flood(handshake.Outgoing{Content: tlsmsg.ContentHandshake}),
		outcome: "protocol", class: "unexpected_message", reason: "server_fault"},
	{name: "floods with empty records of data", config: withTickets, of: tlsmsg.TypeNewSessionTicket, instead: flood(handshake.Outgoing{Content: tlsmsg.ContentApplicationData}),
		goal: GoalData, outcome: "protocol", class: "unexpected_message", reason: "server_fault"},
	{name: "floods with tickets, and is asked for data", config: withTickets, of: tlsmsg.TypeNewSessionTicket, instead: repeated(5000),
		goal: GoalData, outcome: "protocol", class: "unexpected_message", reason: "server_fault", tickets: 32},
	{name: "floods with tickets", config: withTickets, of: tlsmsg.TypeNewSessionTicket, instead: repeated(5000),
		goal: GoalFinished, outcome: "finished", odd: "endless_data", tickets: 32},
	{name: "gives four tickets", config: withTickets, of: tlsmsg.TypeNewSessionTicket, instead: repeated(4),
		goal: GoalFinished, outcome: "finished", tickets: 4},
	{name: "is silent after its ServerHello", of: tlsmsg.TypeEncryptedExtensions, instead: nothing,
		outcome: "timeout", reason: "stalled"},
	{name: "is silent after its HelloRetryRequest", config: withCookie, of: tlsmsg.TypeServerHello, instead: func(due handshake.Outgoing, nth int) []handshake.Outgoing {
		if nth == 1 {
			return these(due)
		}
		return nil
	}, outcome: "timeout", reason: "stalled"},
	{name: "is silent after its Certificate", of: tlsmsg.TypeCertificateVerify, instead: nothing, goal: GoalFinished,
		outcome: "timeout", reason: "stalled"},
	{name: "misses a certificate", config: func(c *handshake.ServerConfig) { c.ClientAuth = handshake.ClientAuthRequire },
		goal: GoalData, outcome: "alert", reason: "client_certificate_required"},
	{name: "misses a certificate, and is not asked for data", config: func(c *handshake.ServerConfig) { c.ClientAuth = handshake.ClientAuthRequire },
		goal: GoalFinished, outcome: "alert", reason: "client_certificate_required"},
}

var only13 = &tlsmsg.SupportedVersions{Versions: []tlsmsg.Version{tlsmsg.VersionTLS13}}

func withCookie(c *handshake.ServerConfig)  { c.Cookie = []byte("cookie") }
func withTickets(c *handshake.ServerConfig) { c.Tickets = true }

func these(list ...handshake.Outgoing) []handshake.Outgoing { return list }
func nothing(handshake.Outgoing, int) []handshake.Outgoing  { return nil }
func clone(o handshake.Outgoing) handshake.Outgoing         { o.Data = bytes.Clone(o.Data); return o }
func withShare(g tlsmsg.NamedGroup) func(handshake.Outgoing, int) []handshake.Outgoing {
	return editHello(func(m *tlsmsg.ServerHello) {
		i := tlsmsg.FindExtension(m.Extensions, tlsmsg.ExtensionKeyShare)
		m.Extensions[i] = tlsmsg.NewExtension(&tlsmsg.KeyShare{Shares: []tlsmsg.KeyShareEntry{{Group: g, KeyExchange: make([]byte, 65)}}}, m.Form())
	})
}

// flood sends a record some hundred times before the message.
func flood(o handshake.Outgoing) func(handshake.Outgoing, int) []handshake.Outgoing {
	return func(due handshake.Outgoing, _ int) []handshake.Outgoing {
		return append(slices.Repeat(these(o), 500), due)
	}
}

func repeated(n int) func(handshake.Outgoing, int) []handshake.Outgoing {
	return func(due handshake.Outgoing, _ int) []handshake.Outgoing { return slices.Repeat(these(due), n) }
}

// editHello changes the first ServerHello, or HelloRetryRequest.
func editHello(change func(*tlsmsg.ServerHello)) func(handshake.Outgoing, int) []handshake.Outgoing {
	return func(due handshake.Outgoing, _ int) []handshake.Outgoing { return these(edited(due, change)) }
}

func edited(due handshake.Outgoing, change func(*tlsmsg.ServerHello)) handshake.Outgoing {
	var m tlsmsg.ServerHello
	if err := tlsmsg.ParseInto(&m, bytes.Clone(due.Data), tlsmsg.Context{}); err != nil {
		panic(err)
	}
	change(&m)
	due.Data = tlsmsg.Append(nil, &m, tlsmsg.Context{})
	return due
}

// tamper is the server's, for one connection.
func (h *hostile13) tamper() *handshake.Tamper {
	n, silent := 0, false
	return &handshake.Tamper{Messages: func(due handshake.Outgoing) (list []handshake.Outgoing) {
		if typ, ok := due.HandshakeType(); ok && typ == h.of && h.instead != nil && !silent {
			n++
			list = h.instead(clone(due), n)
			silent = list == nil
		} else if !silent {
			list = these(due)
		}
		return list
	}}
}

// serve has the hostile server listen on all addresses of the far host.
func (h *hostile13) serve(t *testing.T, l *lab.Lab, address string) {
	pki, err := pki.New(pki.Options{})
	check(t, err)
	credential, err := worker.NewServerCredential([][]byte{pki.Server.Cert.Raw}, pki.Server.Key)
	check(t, err)
	w := &worker.Worker{Signers: []crypto.Signer{pki.Server.Key}, Sessions: &worker.Sessions{Key: make([]byte, 32)}}
	ln, err := l.Far().Listen("tcp", address)
	check(t, err)
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go h.speak(c, credential, w)
		}
	}()
}

func (h *hostile13) speak(c net.Conn, credential handshake.ServerCredential, w *worker.Worker) {
	defer c.Close()
	cfg := handshake.ServerConfig{MinVersion: tlsmsg.VersionTLS13, MaxVersion: tlsmsg.VersionTLS13, Credentials: []handshake.ServerCredential{credential}}
	rand.Read(cfg.Random[:])
	if h.config != nil {
		h.config(&cfg)
	}
	cfg.Tamper = h.tamper()
	s := tlsconn.New(c, handshake.NewServer(cfg), w)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if s.Handshake(ctx) != nil {
		return
	}
	s.Read(make([]byte, 4096))
	s.Write([]byte("HTTP/1.0 200 OK\r\n\r\nhello"))
	s.Close()
}

// Whatever a server of TLS 1.3 does wrong has a name in the record, ends in time, and
// makes the peer's share no larger than one may be.
func TestHostileServersOfTLS13(t *testing.T) {
	l := newWideLab(t)
	for i := range hostiles13 {
		h := &hostiles13[i]
		port := fmt.Sprint(2000 + i)
		h.serve(t, l, "0.0.0.0:"+port)
		t.Run(h.name, func(t *testing.T) {
			o := options(t, port, "198.19.0.0/29")
			o.Goal, o.Timeout, o.Request = h.goal, 3*time.Second, []byte("GET / HTTP/1.0\r\n\r\n")
			if h.goal == 0 {
				o.Goal = GoalCertificate
			}
			if h.outcome != "timeout" {
				o.Timeout = time.Minute
			}
			o.TLS.MinVersion, o.TLS.MaxVersion = tlsmsg.VersionTLS12, tlsmsg.VersionTLS13
			begun := time.Now()
			out, stats := scan(t, l, o)
			schema.Check(t, out)
			if stats.Results != o.Space.Len() || time.Since(begun) > 30*time.Second {
				t.Errorf("%d results of %d in %v", stats.Results, o.Space.Len(), time.Since(begun))
			}
			for line := range bytes.Lines(out) {
				if wrong := h.wrong(t, line); wrong != "" {
					t.Errorf("%s: %s", wrong, line)
				}
			}
		})
	}
}

func (h *hostile13) wrong(t *testing.T, line []byte) string {
	var r struct {
		Outcome, Class string
		Reasons        []struct{ Code string }
		Odd            []string
		Tickets        []any
		TCP            struct{ Bytes int }
	}
	check(t, json.Unmarshal(line, &r))
	reason := ""
	if len(r.Reasons) > 0 {
		reason = r.Reasons[0].Code
	}
	switch {
	case r.Outcome != h.outcome, r.Class != h.class:
		return "another outcome"
	case reason != h.reason:
		return "another reason"
	case h.odd != "" && !slices.Contains(r.Odd, h.odd), h.odd == "" && r.Odd != nil:
		return "another anomaly"
	case len(r.Tickets) != h.tickets:
		return "another number of tickets"
	case r.TCP.Bytes > maxBytes+1<<16:
		return "more bytes than may be"
	}
	return ""
}
