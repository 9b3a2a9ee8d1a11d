// What a machine did or decided, as values for an observer.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// An Event is something that the machine did or decided. Events are plain
// values, passed to Config.Events while the machine runs.
type Event interface{ event() }

// Direction says whose bytes an event is about.
type Direction uint8

const (
	Out Direction = iota // to the peer
	In                   // from the peer
)

// An Epoch says which of a connection's keys are meant.
type Epoch uint8

const (
	EpochInitial     Epoch = iota // no keys
	EpochEarly                    // of 0-RTT data
	EpochHandshake                // of the handshake messages of TLS 1.3
	EpochApplication              // of all that comes after ChangeCipherSpec, or in TLS 1.3 Finished; key updates do not end it
)

// RecordEvent says that a TLS record arrived or was made. The byte slices are
// fresh copies that the listener may keep.
type RecordEvent struct {
	Dir       Direction
	Type      tlsmsg.ContentType
	Version   tlsmsg.Version
	Offset    int64  // of its first byte in that direction's TLS byte stream
	Wire      []byte // as on the wire, header included
	Encrypted bool   // whether it was protected
	Epoch     Epoch  // by which keys
	// Inner is the type of what it holds, which in TLS 1.3 is protected with it
	// while Type says application_data; 0: it could not be opened.
	Inner     tlsmsg.ContentType
	Plaintext []byte // the fragment after decryption, or before encryption; of TLS 1.3 without type and padding
	Padding   int    // bytes of zeros after the type of TLS 1.3
}

// MessageEvent says that a whole message arrived or was made: a handshake
// message, or the content of a ChangeCipherSpec, Alert or application-data
// record. It follows the RecordEvents that carried it (In), or the RecordEvent
// that carries its last byte (Out).
type MessageEvent struct {
	Dir       Direction
	Content   tlsmsg.ContentType
	Type      tlsmsg.HandshakeType // of a handshake message
	Raw       []byte               // header included, decrypted; a copy that the listener may keep
	Encrypted bool
	Offset    int64          // in that direction's TLS byte stream: first byte of the first record that carries it
	End       int64          // after the last byte of the last record that carries it
	Context   tlsmsg.Context // what decoding it depends on
	// MeansNothing says that a ChangeCipherSpec changes no keys: in TLS 1.3, or
	// as an observer has found out.
	MeansNothing bool
	// Inner is the ClientHello that a client has encrypted in this one (RFC 9849), whole;
	// nil: none. It is the one that counts if the decision ech_accepted follows.
	Inner []byte
}

// AlertEvent says that an alert was sent or received, and why. The alert's
// MessageEvent comes too.
type AlertEvent struct {
	Dir         Direction
	Level       tlsmsg.AlertLevel
	Description tlsmsg.AlertDescription
	Because     string // for Out: the reason, naming the message and the field
}

// NegotiatedEvent says what the two sides agreed upon, after ServerHello and,
// with Group set, after ServerKeyExchange.
type NegotiatedEvent struct {
	Version              tlsmsg.Version
	CipherSuite          tlsmsg.CipherSuite
	Group                tlsmsg.NamedGroup // 0 until known
	ALPN                 string
	ExtendedMasterSecret bool
	EncryptThenMAC       bool
	Resumed              bool
}

// ChosenEvent says what a ServerHello chose, before it is judged. Zero values
// could not be read.
type ChosenEvent struct {
	Version     tlsmsg.Version
	CipherSuite tlsmsg.CipherSuite
	NoSuite     bool // the ServerHello does not go as far
}

// SessionEvent carries a session that can be resumed, once the handshake is
// done: Config.Session of another Client.
type SessionEvent struct{ Session *Session }

// VerdictEvent says how the peer's certificate chain was judged.
type VerdictEvent struct{ Err error } // nil: verified

// SecretEvent carries what decrypts the connection, in the key log format's
// terms: label CLIENT_RANDOM, the client random, the master secret.
type SecretEvent struct {
	Label                string
	ClientRandom, Secret []byte
}

// PreMasterEvent carries the pre_master_secret that the master secret of the next
// SecretEvent is made of, or what TLS 1.3 calls (EC)DHE. A session that is resumed
// without a key exchange has none.
type PreMasterEvent struct{ Secret []byte }

// DecisionEvent says in a sentence what else was decided and why: "no client
// credential sent: the server's certificate did not verify".
type DecisionEvent struct {
	Name string // snake_case identifier
	Text string
}

// FinishedEvent says that both Finished messages were exchanged and verified.
type FinishedEvent struct{}

func (RecordEvent) event()     {}
func (MessageEvent) event()    {}
func (AlertEvent) event()      {}
func (NegotiatedEvent) event() {}
func (ChosenEvent) event()     {}
func (VerdictEvent) event()    {}
func (SecretEvent) event()     {}
func (PreMasterEvent) event()  {}
func (DecisionEvent) event()   {}
func (FinishedEvent) event()   {}
func (SessionEvent) event()    {}
