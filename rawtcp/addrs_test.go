package rawtcp

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An attempted address, and how much of the time it had; 0: no end.
type attempted struct {
	addr   string
	within time.Duration
}

// hosts are what becomes of attempts: how long until an answer, and which. A host
// that swallows SYNs has none, and lasts until its time is over.
type hosts map[string]struct {
	after time.Duration
	err   error
	mute  bool
}

func (h hosts) attempt(seen *[]attempted) func(context.Context, netip.AddrPort) (*Conn, error) {
	return func(ctx context.Context, remote netip.AddrPort) (*Conn, error) {
		a := attempted{addr: remote.Addr().String()}
		if end, ok := ctx.Deadline(); ok {
			a.within = time.Until(end)
		}
		*seen = append(*seen, a)
		host := h[a.addr]
		if host.mute {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		select {
		case <-time.After(host.after):
			return new(Conn), host.err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Each address of a name has an equal share of what is left of the time, in their
// order, so that one that swallows SYNs keeps no other from its turn, and what one
// does not use is the others'. The last has all that is left.
func TestEachAddressHasItsShareOfTheTime(t *testing.T) {
	const a, b, c = "198.18.0.1", "198.18.0.2", "2001:db8::3"
	for name, tc := range map[string]struct {
		hosts  hosts
		within time.Duration // 0: the context has no end
		want   []attempted
		fails  bool
	}{
		"two swallow, the third answers": {hosts{a: {mute: true}, b: {mute: true}, c: {after: 3 * time.Second}}, 12 * time.Second,
			[]attempted{{a, 4 * time.Second}, {b, 4 * time.Second}, {c, 4 * time.Second}}, false},
		"one refuses at once": {hosts{a: {err: ErrRefused}, b: {mute: true}, c: {}}, 12 * time.Second,
			[]attempted{{a, 4 * time.Second}, {b, 6 * time.Second}, {c, 6 * time.Second}}, false},
		"the first answers": {hosts{a: {after: time.Second}}, 12 * time.Second, []attempted{{a, 4 * time.Second}}, false},
		"without an end":    {hosts{a: {mute: true}, b: {mute: true}, c: {after: time.Hour}}, 0, []attempted{{a, attemptTimeout}, {b, attemptTimeout}, {c, 0}}, false},
		"all swallow": {hosts{a: {mute: true}, b: {mute: true}, c: {mute: true}}, 12 * time.Second,
			[]attempted{{a, 4 * time.Second}, {b, 4 * time.Second}, {c, 4 * time.Second}}, true},
		"this machine forbids it": {hosts{a: {err: errors.New("forbidden")}}, 12 * time.Second, []attempted{{a, 4 * time.Second}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				if tc.within > 0 {
					ctx, cancel = context.WithTimeout(t.Context(), tc.within)
				}
				defer cancel()
				var list []netip.AddrPort
				for _, addr := range []string{a, b, c} {
					list = append(list, netip.AddrPortFrom(netip.MustParseAddr(addr), 443))
				}
				var seen []attempted
				var notes []string
				d := Dialer{Notes: func(_, _, text string) { notes = append(notes, text) }}
				_, err := d.dialEach(ctx, "tcp", "name.test", list, tc.hosts.attempt(&seen))
				if !slices.Equal(seen, tc.want) {
					t.Errorf("tried %v, want %v", seen, tc.want)
				}
				if tc.fails != (err != nil) {
					t.Errorf("%v, want a failure: %v", err, tc.fails)
				}
				if len(notes) != len(tc.want)-1 || len(notes) > 0 && (!strings.Contains(notes[0], a) || !strings.Contains(notes[0], b)) {
					t.Errorf("told of the next address: %q", notes)
				}
			})
		})
	}
}
