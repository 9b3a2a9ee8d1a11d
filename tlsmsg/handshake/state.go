// What is known of a connection so far.

package handshake

import (
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A Stage says how far a handshake has come. Stages only rise.
type Stage uint8

// The stages, in their order.
const (
	StageNew                 Stage = iota
	StageHelloSent                 // our ClientHello is made
	StageHelloReceived             // ServerHello accepted
	StageCertificateReceived       // the peer's chain is in State, not judged yet
	StageHelloDone                 // the peer's ServerHelloDone accepted
	StageFinished                  // both Finished exchanged and verified
)

var stageNames = [...]string{"new", "ClientHello sent", "ServerHello received", "Certificate received",
	"ServerHelloDone received", "Finished"}

// String says what was reached: "Certificate received".
func (s Stage) String() string {
	if int(s) < len(stageNames) {
		return stageNames[s]
	}
	return "stage?"
}

// State is what is known of the connection so far. Its slices belong to the
// machine: do not write to them.
type State struct {
	// Version, CipherSuite, SessionID and Extensions are those of a ServerHello
	// that was refused, too: then the stage is below StageHelloReceived.
	Version              tlsmsg.Version // 0 until ServerHello
	CipherSuite          tlsmsg.CipherSuite
	NoSuite              bool                   // of a ServerHello that does not go as far: CipherSuite, which may be 0, says nothing
	Group                tlsmsg.NamedGroup      // of the key exchange
	DH                   suite.DHGroup          // of DHE
	Scheme               tlsmsg.SignatureScheme // of the ServerKeyExchange signature; 0 where none is named
	ClientRandom         [32]byte
	ServerRandom         [32]byte
	SessionID            []byte
	ALPN                 string // chosen by the server; empty: none
	ExtendedMasterSecret bool
	EncryptThenMAC       bool
	SecureRenegotiation  bool                                   // the server knows RFC 5746
	Resumed              bool                                   // an abbreviated handshake
	Judged               bool                                   // whether Chain was judged yet
	RecordSizeLimit      uint16                                 // that the peer set; 0: none
	Warning              tlsmsg.Alert                           // the last that the peer sent and that did not end the connection; Level 0: none
	Compression          tlsmsg.CertificateCompressionAlgorithm // of the peer's Certificate; 0: none
	Extensions           []tlsmsg.Extension                     // of the peer's hello, as on the wire

	Chain        [][]byte          // DER, the leaf first
	Verdict      error             // why it did not verify, once Judged; nil: it did
	OCSPResponse []byte            // DER, from CertificateStatus
	Status       CertificateStatus // that it gives; empty: there is none, or it was not looked at
	SCTs         [][]byte          // from signed_certificate_timestamp, each a SerializedSCT

	CertificateRequested bool     // by the server
	Credential           int      // index in Config.Credentials that was sent, or -1
	TicketReceived       bool     // a NewSessionTicket was seen
	Session              *Session // that can be resumed, once the handshake is done; nil: none
	PSKIdentity          []byte   // of the PSK from outside TLS that was used; nil: none
	EarlyData            EarlyData
	Verbatim             *Verbatim // with Config.Verbatim, where there is any of it
}

// Verbatim is what a server of TLS 1.2 or before sends that only says what it is.
type Verbatim struct {
	Prime, Generator []byte          // of DHE, as on the wire; nil for a prime above suite.MaxDHBits
	Ticket           *ReceivedTicket // nil: none came
}

// verbatim is where it is kept.
func (s *State) verbatim() *Verbatim {
	if s.Verbatim == nil {
		s.Verbatim = new(Verbatim)
	}
	return s.Verbatim
}

// EarlyData says what became of 0-RTT data (RFC 9846, section 2.3).
type EarlyData uint8

// What has become of early data (RFC 9846, section 4.2.10).
const (
	EarlyDataNone    EarlyData = iota // it was not offered
	EarlyDataOffered                  // and not answered yet
	EarlyDataRefused                  // the server has skipped it: the caller may send it again
	EarlyDataAccepted
)

var earlyDataNames = [...]string{"none", "offered", "refused", "accepted"}

// String returns it in a word.
func (e EarlyData) String() string {
	if int(e) < len(earlyDataNames) {
		return earlyDataNames[e]
	}
	return "early data?"
}

// Verified reports whether the chain was judged and verified.
func (s *State) Verified() bool { return s.Judged && s.Verdict == nil }

// lastMessage is the last handshake message, for sentences.
type lastMessage struct {
	any bool
	dir Direction
	typ tlsmsg.HandshakeType
}

func (m lastMessage) String() string {
	switch {
	case !m.any:
		return "nothing"
	case m.dir == Out:
		return "our " + m.typ.Heading()
	}
	return "the peer's " + m.typ.Heading()
}
