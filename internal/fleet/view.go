// What a worker sees of the others.

package fleet

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Member is what a worker says of itself, with every heartbeat.
type Member struct {
	Name     string   `json:"name"`
	Instance string   `json:"instance"` // differs each time that it is started
	Beat     uint64   `json:"beat"`
	Working  bool     `json:"working"` // it wants a part of the rate
	Host     string   `json:"host"`
	Version  string   `json:"version"`
	Sources  []string `json:"sources,omitempty"` // addresses that its packets leave from
	Shard    *uint64  `json:"shard,omitempty"`   // that it does
	Rate     float64  `json:"rate"`              // packets a second that it may send now
	Packets  uint64   `json:"packets"`           // sent since it was started
	Results  uint64   `json:"results"`
	Excluded uint64   `json:"excluded"`       // targets left out by what was excluded later
	Note     string   `json:"note,omitempty"` // what it waits for, or what went wrong
}

// A view is what the bucket says, kept up to date by the server. Silence is counted
// only as far as the view is live, which our own heartbeats show: what we do not hear is
// not what others do not say. Moments are of the server's clock and of ours, and never
// of another worker's.
type view struct {
	mu       sync.Mutex
	state    string
	exclude  []string
	grants   grants
	revision uint64 // of the grants
	members  map[string]sighting
	self     string
	echo     moment // of our own last heartbeat,
	echoed   uint64 // which was this
	changed  chan struct{}
}

// A sighting is a worker's last heartbeat.
type sighting struct {
	Member
	at moment
}

// A moment is on two clocks.
type moment struct{ server, ours time.Time }

// since is the lesser of what the two clocks say.
func (m moment) since(before moment) time.Duration {
	return min(m.server.Sub(before.server), m.ours.Sub(before.ours))
}

// watch begins a view, with all that is there already. It ends with ctx.
func (s *Scan) watch(ctx context.Context, self string) (*view, error) {
	v := &view{state: Running, self: self, grants: make(grants), members: make(map[string]sighting), changed: make(chan struct{}, 1)}
	w, err := s.kv.WatchFiltered(ctx, []string{"state", "exclude", "grants", memberKey("*")})
	if err != nil {
		return nil, explain(err)
	}
	ready := make(chan struct{})
	go func() {
		defer w.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case e, ok := <-w.Updates():
				switch {
				case !ok:
					return
				case e == nil:
					close(ready)
				default:
					v.take(e)
				}
			}
		}
	}()
	select {
	case <-ready:
		return v, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func memberKey(name string) string { return "worker." + name }

// take notes a change. What cannot be read is as if it had not come.
func (v *view) take(e jetstream.KeyValueEntry) {
	v.mu.Lock()
	defer v.mu.Unlock()
	name, member := strings.CutPrefix(e.Key(), memberKey(""))
	switch {
	case e.Operation() != jetstream.KeyValuePut:
		if member {
			delete(v.members, name)
		}
	case member:
		now := moment{e.Created(), time.Now()}
		var m Member
		if json.Unmarshal(e.Value(), &m) == nil {
			v.members[name] = sighting{m, now}
		}
		if name == v.self {
			v.echo, v.echoed = now, m.Beat
		}
	case e.Key() == "state":
		json.Unmarshal(e.Value(), &v.state)
	case e.Key() == "exclude":
		json.Unmarshal(e.Value(), &v.exclude)
	case e.Key() == "grants":
		all := make(grants)
		if json.Unmarshal(e.Value(), &all) == nil {
			v.grants, v.revision = all, e.Revision()
		}
	}
	select {
	case v.changed <- struct{}{}:
	default:
	}
}

// gone reports whether a worker has said nothing for a lease's time. It has stopped
// sending long before that.
func (v *view) gone(name string) bool {
	m, known := v.members[name]
	return !known || v.echo.since(m.at) > Lease
}

// State is the scan's.
func (v *view) State() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.state
}

// Excluded is what is left out.
func (v *view) Excluded() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.exclude
}

// Echoed is our last heartbeat that came back to us, and as which instance of ours: up
// to it we know what all others have said.
func (v *view) Echoed() (beat uint64, instance string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.echoed, v.members[v.self].Instance
}

// Grants are those that stand, and their revision; how many workers want a part, we
// among them; and which of the grants are of workers that are gone.
func (v *view) Grants() (all grants, revision uint64, wanting int, gone []string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for name := range v.grants {
		if name != v.self && v.gone(name) {
			gone = append(gone, name)
		}
	}
	wanting = 1
	for name, m := range v.members {
		if name != v.self && m.Working && !v.gone(name) {
			wanting++
		}
	}
	return maps.Clone(v.grants), v.revision, wanting, gone
}
