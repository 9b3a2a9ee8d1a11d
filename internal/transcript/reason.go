// Why a connection ended, as views are told.

package transcript

// A Reason is one cause of how a connection ended. Package goal finds them, and
// every view shows them in the same words: those of client and server, since
// the connection may be somebody else's.
type Reason struct {
	Code   string   // for programs, in snake_case: "certificate_expired"
	Layer  Layer    // where it happened
	What   string   // what happened, after which packet or message; may hold text from the network
	Means  string   // what that means, a sentence; "": nothing further
	Sure   Sureness // how sure Means is
	Frames []int    // the numbers of the frames that show it
	Remedy string   // what to do about it, sentences; "": nothing is known that would help
}

// Sureness says how far a meaning can be relied on.
type Sureness uint8

const (
	Certain Sureness = iota // it follows from what went by
	Likely                  // it usually means this
	Guess                   // it may mean this, or something else
)

// String is the sureness in a word, as in JSON.
func (s Sureness) String() string { return name(s, "certain", "likely", "guess") }
