// What precedes TLS: STARTTLS, a proxy, the PROXY protocol.

package connect

import (
	"context"
	"net"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/internal/starttls/stream"
	"github.com/rawshake/rawshake/internal/transcript"
)

// precedingIdentity is what the preamble needs to know of this connection.
func (r *run) precedingIdentity() starttls.Identity {
	addresses := func() (local, remote netip.AddrPort) {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.local, netip.AddrPortFrom(r.Remote.Addr().Unmap(), r.Remote.Port())
	}
	return starttls.Identity{ServerName: r.TLS.ServerName, Host: r.Host, Port: r.Port, Addresses: addresses, Events: r.precedingEvent}
}

func (r *run) precedingEvent(event starttls.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch e := event.(type) {
	case starttls.Said:
		dir := transcript.In
		if e.Sent {
			dir = transcript.Out
		}
		r.Recorder.Preamble(r.now(), dir, e.Raw, e.Offset)
	case starttls.Begins:
		if r.Goal != goal.TCP {
			r.Recorder.Begins(r.now(), e.Ours, e.Theirs, e.Title)
		}
	}
}

// precede says over the kernel's stream what precedes TLS, until it is over or has
// failed. The context bounds that. What stands behind it is read next.
func (k *kernelConn) precede(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = k.tcp.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	ahead, err := stream.Speak(k.stream, k.pre)
	if err != nil {
		return k.interrupted(ctx, err)
	}
	k.stream.ahead = ahead
	return nil
}

// interrupted is why the preamble stopped. A stream that failed is not an
// interruption: Err tells of it.
func (k *kernelConn) interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if k.stream.err.Load() != nil {
		return nil
	}
	return err
}

// preceding reports whether the preamble is not over.
func (k *kernelConn) preceding() bool { return k.pre != nil && !k.pre.Done() }

// addrPort is a kernel's address as ours.
func addrPort(a net.Addr) netip.AddrPort {
	at := a.(*net.TCPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}
