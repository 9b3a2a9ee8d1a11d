// Passes what happens to the transcript and the files. The stack calls these
// hooks one at a time; only the driver's own notes can come at the same moment.

package connect

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

func (r *run) frame(f rawtcp.Frame) {
	r.mu.Lock()
	defer r.mu.Unlock()
	dir := transcript.In
	if f.Out || f.KernelSent {
		dir = transcript.Out
	}
	if f.Err != nil {
		r.Recorder.Note(r.now(), transcript.Link, "send_failed", "the packet was not sent: "+f.Err.Error())
		return
	}
	now := r.now()
	if r.Capture != nil { // first, since decisions about the packet are noted beside it
		r.hold(dir)
		r.warn(r.Capture.Packet(r.start.Add(now), f.Packet))
	}
	p := r.Recorder.Packet(now, dir, f.Packet, f.KernelSent)
	if dir == transcript.Out && p.Segment != nil {
		r.local = netip.AddrPortFrom(p.IP.Src, p.Segment.SrcPort)
	}
}

// comment writes a decision into the capture, beside the packet that it is
// about.
func (r *run) comment(e *transcript.Entry) {
	if d := e.Decision; d != nil {
		r.warn(r.Capture.Note(fmt.Sprintf("%v %s: %s", e.Layer, d.Name, d.Text)))
	}
}

func (r *run) dropped(why string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Recorder.Note(r.now(), transcript.Link, "packet_dropped", "packet dropped: "+why)
}

func (r *run) note(layer, name, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := transcript.Link
	switch layer {
	case "guard":
		l = transcript.Guard
	case "tls":
		l = transcript.TLS
	}
	if kind := link.Kind(name); layer == "link" && (kind == link.KindPacket || kind == link.KindRaw || kind == LinkKernel) {
		r.link = name
	}
	r.Recorder.Note(r.now(), l, name, text)
}

func (r *run) tcpEvent(e tcb.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Recorder.TCP(r.now(), e)
}

func (r *run) tlsEvent(e handshake.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Recorder.TLS(r.now(), e)
	if s, ok := e.(handshake.SessionEvent); ok {
		r.kept, r.keptAt = s.Session, time.Now()
	}
	if s, ok := e.(handshake.SecretEvent); ok {
		r.secret(s)
	}
	r.release(e)
}

// hold lets the capture have the secrets of TLS 1.3 before the packets with what
// they decrypt: from the first on that may answer the ClientHello.
func (r *run) hold(dir transcript.Dir) {
	if r.asking && dir == transcript.In {
		r.asking = false
		r.Capture.Hold()
	}
}

// release ends hold, once no more secrets come.
func (r *run) release(e handshake.Event) {
	if r.Capture == nil {
		return
	}
	switch e := e.(type) {
	case handshake.MessageEvent:
		if e.Dir == handshake.Out && e.Type == tlsmsg.TypeClientHello && r.TLS.MaxVersion >= tlsmsg.VersionTLS13 {
			r.asking = true
		}
	case handshake.NegotiatedEvent:
		if e.Version < tlsmsg.VersionTLS13 {
			r.warn(r.Capture.Release())
		}
	case handshake.FinishedEvent, handshake.AlertEvent:
		r.warn(r.Capture.Release())
	}
}

func (r *run) secret(s handshake.SecretEvent) {
	if r.KeyLog != nil {
		r.warn(r.KeyLog.Secret(s.Label, s.ClientRandom, s.Secret))
	}
	if r.Capture != nil {
		r.warn(r.Capture.Secret(s.Label, s.ClientRandom, s.Secret))
	}
}

// warn passes on a file's failure, which each file reports once. The connection
// goes on without the file.
func (r *run) warn(err error) {
	if err != nil && r.Warn != nil {
		r.Warn(err)
	}
}
