// The work that only a server asks for. See work.go.

package handshake

import "github.com/rawshake/rawshake/tlsmsg"

// DecryptWork asks for the pre_master_secret of an RSA key exchange, decrypted
// with the private key of ServerConfig.Credentials[Credential]. Result:
// DecryptResult.
//
// The driver must not let anybody learn whether the ciphertext was valid: as
// RFC 5246, section 7.4.7.1, says, it returns 48 random bytes for one that was
// not, and in every case the first two bytes are those of Version.
type DecryptWork struct {
	Credential int
	Version    tlsmsg.Version // ClientHello.client_version
	Ciphertext []byte
}

// DecryptResult is the outcome of DecryptWork.
type DecryptResult struct {
	PreMasterSecret []byte
	Err             error // there is no such key, or it cannot decrypt; never that the ciphertext is bad
}

func (DecryptWork) work()     {}
func (DecryptResult) result() {}

// LookupSessionWork asks for the session that a client offers to resume, by the
// ticket that it was given or by ID: one of the two is set. Result:
// LookupSessionResult.
type LookupSessionWork struct {
	ID, Ticket []byte
	Early      bool // the client sends early data with it, which is to be taken once
}

// LookupSessionResult is the outcome of LookupSessionWork.
type LookupSessionResult struct {
	Session *ServerSession // nil: not known, too old, or not ours
	Renew   bool           // a new ticket is to be given; TLS 1.3 always does
	Age     uint32         // of a session in a ticket, milliseconds
	Once    bool           // of Early: this ticket has not come with early data before
}

// KeepSessionWork asks to keep a session: under ID, or where that is empty, in
// a ticket that nobody else can read or make. Result: KeepSessionResult.
type KeepSessionWork struct {
	ID      []byte
	Session *ServerSession
}

// KeepSessionResult is the outcome of KeepSessionWork. A failure costs the
// client its abbreviated handshake, not this one.
type KeepSessionResult struct {
	Ticket       []byte
	LifetimeHint uint32 // seconds; 0: not said
	Err          error
}

func (LookupSessionWork) work()     {}
func (KeepSessionWork) work()       {}
func (LookupSessionResult) result() {}
func (KeepSessionResult) result()   {}
