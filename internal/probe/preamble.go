// What precedes TLS. A machine of it is lent to a connection like a TLS client, and
// only scans that ask for it have any.

package probe

import (
	"net/netip"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// preamble returns a machine for a connection.
func (cs *connections) preamble(c *connection) *starttls.Machine {
	m := new(starttls.Machine)
	if n := len(cs.talks); n > 0 {
		m, cs.talks = cs.talks[n-1], cs.talks[:n-1]
	}
	m.Reset(cs.o.Preamble, starttls.Identity{ServerName: c.identity().ServerName,
		Local: netip.AddrPortFrom(c.path.Local, c.local), Remote: netip.AddrPortFrom(c.target.Addr, c.target.Port)})
	return m
}

// giveBack takes one back.
func (cs *connections) giveBack(m *starttls.Machine) {
	if m != nil {
		cs.talks = append(cs.talks, m)
	}
}

// preceding reports whether a connection that is open is not at TLS yet.
func (c *connection) preceding() bool {
	return c.session.Preceding() && (c.session.State() >= tcb.Established || c.session.Err() != nil)
}

// waiting is what a connection waits for, after the last message.
func (c *connection) waiting(after string) string {
	if c.preceding() {
		return c.session.Preamble().Waiting()
	}
	return "an answer to " + after
}

// toldPreamble adds what is known of what precedes TLS.
func (c *connection) toldPreamble(f *goal.Facts, p *starttls.Profile) {
	if _, silent := starttls.OfPort(c.target.Port); silent {
		f.Port = c.target.Port
	}
	if c.session.Preamble() == nil {
		return
	}
	f.Agreed = c.greeted && p.Agrees()
	if c.session.Preceding() {
		f.Waiting = c.session.Preamble().Waiting()
	}
}
