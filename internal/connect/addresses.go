// Tries the addresses of a name in turn, until one answers.

package connect

import (
	"context"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/rawtcp"
)

// remotes are the addresses to try, in order.
func (o *Options) remotes() []netip.AddrPort {
	return append([]netip.AddrPort{o.Remote}, o.Others...)
}

// establish opens a connection to the first address that answers (RFC 1123,
// section 2.3). With only one address it does not wait. Each address gets an
// equal share of the remaining time, so that a silent one does not keep the
// others from their turn.
func (r *run) establish(ctx context.Context) error {
	remotes := r.remotes()
	if len(remotes) == 1 {
		r.last = true
		return r.open(ctx)
	}
	deadline := time.Now().Add(r.Timeout)
	var failed rawtcp.AddressesError
	telling := r.story
	for i, remote := range remotes {
		r.last = i+1 == len(remotes)
		r.Remote, r.within = remote, time.Until(deadline)/time.Duration(len(remotes)-i)
		sent, err := r.attempt(ctx)
		if err == nil {
			r.within = time.Until(deadline)
			return nil
		}
		if !unreached(r.Goal, err) {
			return err
		}
		if failed.Add(remote, err, sent) {
			telling = r.story
		}
		if i+1 < len(remotes) {
			r.next(failed.Next(remotes[i+1]))
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.story = telling
	return &failed
}

// attempt opens a connection and waits for the SYN-ACK. Sent tells whether a
// SYN was sent.
func (r *run) attempt(ctx context.Context) (sent bool, err error) {
	if err := r.open(ctx); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.within)
	defer cancel()
	var failure error
	err = r.conn.Wait(ctx, func() bool {
		failure = r.machine.Err()
		return failure != nil || r.established()
	})
	switch {
	case err != nil:
		err = r.gaveUp(ctx, err)
	case failure != nil:
		err = r.explain(failure)
	default:
		return true, nil
	}
	r.conn.Abort()
	return true, err
}

// next notes which address failed and which is tried now. What was recorded
// stays; the recorder and the diagnosis begin anew.
func (r *run) next(text string) {
	r.note("link", "next_address", text)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Recorder.Restart()
	r.story = goal.NewStory(false)
	if r.Tell != nil {
		r.Tell(text)
	}
}

// unreached reports whether an error says that an address cannot be reached,
// rather than how a connection ended or what this machine forbids.
func unreached(g goal.Goal, err error) bool {
	switch goal.Outcome(g, err) {
	case goal.Closed, goal.Unreachable, goal.Timeout:
		return true
	}
	return false
}
