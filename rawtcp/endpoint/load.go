// How much an endpoint holds.

package endpoint

// A Load says how much an endpoint holds.
type Load struct {
	Flows   int // connections
	Replies int // resets and SYN cookies waiting to be sent
	Ready   int // connections that may have something to send
}

// Load returns how much the endpoint holds. It may change in any other call.
func (e *Endpoint) Load() Load {
	return Load{Flows: len(e.flows), Replies: len(e.strays), Ready: e.ready.len()}
}
