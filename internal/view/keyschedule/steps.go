// The steps from the pre-master secret to keys, nonces and verify_data.

package keyschedule

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// A Step is one computation: what goes in, what comes out, and why.
type Step struct {
	Title   string
	Text    string
	Formula string
	Values  []Value // the last one is the outcome
	Source  string
	Record  bool // whether it is about one record, rather than the whole connection

	Moment Moment         // when it is computed
	Dir    transcript.Dir // of a Record
	Offset int64          // where that record begins in its direction's stream
}

// A Moment is when in a handshake something is computed.
type Moment uint8

// The moments, in the order of TLS 1.3.
const (
	MomentAgreed         Moment = iota // once both halves of the key exchange are known
	MomentServerFinished               // for the server's Finished
	MomentMain                         // in TLS 1.3, after it
	MomentClientFinished               // for the client's
	MomentRecord                       // for each record
)

// at says when steps are computed.
func at(m Moment, steps ...Step) []Step {
	for i := range steps {
		steps[i].Moment = m
	}
	return steps
}

// A Value is a string of bytes with a name.
type Value struct {
	Name string
	Hex  string
	Note string // where it came from, or what it proves
	// Command makes it anew from values above it, in a shell with openssl (3.0) and
	// python3. Empty: it is given, or not made of values that stand here.
	Command string
}

func value(name string, b []byte, note string) Value {
	return Value{Name: name, Hex: hex.EncodeToString(b), Note: note}
}

// The first maxWhole records of each direction are shown completely, and the
// others only with their nonce, up to maxRecords in all.
const (
	maxWhole   = 2
	maxRecords = 200
)

// Steps shows how the keys of a connection were derived, and the nonce of each
// of the first records. The error says what is missing for that.
func Steps(t *transcript.Transcript) ([]Step, error) {
	f, err := gather(t)
	if err != nil {
		return nil, err
	}
	if f.version >= tlsmsg.VersionTLS13 {
		return f.steps13()
	}
	steps := at(MomentAgreed, f.preMaster(), f.masterSecret(), f.keyBlock())
	steps = append(steps, f.finished()...)
	return append(steps, at(MomentRecord, f.nonces()...)...), nil
}

func (f *facts) preMaster() Step {
	s := Step{Title: "The pre-master secret", Source: "RFC 5246, section 8.1; RFC 8422, section 5.10"}
	switch f.suite.KeyExchange {
	case tlsmsg.KeyExchangeRSA:
		s.Text = "The client chose it at random, and sent it encrypted to the key of the server's certificate."
		s.Formula = "client_version + 46 random bytes"
	case tlsmsg.KeyExchangeDHE:
		s.Text = "Each side raised the other's public value to its own secret power. Both arrive at the same number, which was never sent."
		s.Formula = "dh_Ys ^ (client's secret) mod dh_p = dh_Yc ^ (server's secret) mod dh_p"
	default:
		s.Text = "Each side multiplied the other's public point by its own secret number. Both arrive at the same point, which was never sent: this is its x coordinate."
		s.Formula = "client's secret × server's public = server's secret × client's public"
	}
	switch {
	case f.firstExchanged == 0:
		s.Text, s.Formula = "An earlier session was resumed: there was no key exchange, and the master secret is that session's.", ""
	case f.pre == nil:
		s.Text += " It is not known here: a key log holds the master secret only, and nobody can compute back from that."
	default:
		s.Values = []Value{value("pre_master_secret", f.pre, "")}
	}
	return s
}

func (f *facts) masterSecret() Step {
	s := Step{Title: "The master secret", Source: "RFC 5246, section 8.1"}
	s.Text = "The pre-master secret and both randoms, mixed by the pseudorandom function. The randoms make it new each time."
	s.Formula = `PRF(pre_master_secret, "master secret", ClientHello.random + ServerHello.random)[0..47]`
	s.Values = []Value{value("ClientHello.random", f.client.Random[:], ""), value("ServerHello.random", f.server.Random[:], "")}
	if f.extended {
		s.Text = "The pre-master secret and a hash of every message up to ClientKeyExchange, mixed by the pseudorandom function. The hash ties the secret to this one handshake."
		s.Formula = `PRF(pre_master_secret, "extended master secret", session_hash)[0..47]`
		s.Source = "RFC 7627, section 4"
		s.Values = nil
		if f.firstExchanged > 0 {
			s.Values = []Value{value("session_hash", f.hash(f.firstExchanged), fmt.Sprintf("of %d messages", f.firstExchanged)).makes(f.hashing(f.firstExchanged))}
		}
	}
	note := ""
	if f.pre != nil && f.firstExchanged > 0 {
		note = verdict(bytes.Equal(f.remade(), f.master), "computed again here: the same", "computed again here: NOT the same")
	} else if f.firstExchanged == 0 {
		s.Text, s.Formula, s.Values = "That of the earlier session.", "", nil
	}
	s.Values = append(s.Values, value("master_secret", f.master, note).makes(f.mastering()))
	return s
}

// remade computes the master secret from the pre-master secret again.
func (f *facts) remade() []byte {
	if f.extended {
		m := f.suite.ExtendedMasterSecret(f.pre, f.hash(f.firstExchanged))
		return m[:]
	}
	m := f.suite.MasterSecret(f.pre, &f.client.Random, &f.server.Random)
	return m[:]
}

// hashing is the command for the hash of the first n messages.
func (f *facts) hashing(n int) string {
	messages := make([][]byte, n)
	for i := range messages {
		messages[i] = f.counted(f.shaken[i])
	}
	return hashCommand(f.suite.Hash, messages, f.retried)
}

// mastering is the command for the master secret.
func (f *facts) mastering() string {
	switch {
	case f.pre == nil || f.firstExchanged == 0:
		return ""
	case f.extended:
		return prfCommand(f.suite.Hash, f.pre, "extended master secret", f.hash(f.firstExchanged), len(f.master))
	}
	return prfCommand(f.suite.Hash, f.pre, "master secret", append(bytes.Clone(f.client.Random[:]), f.server.Random[:]...), len(f.master))
}

func verdict(good bool, yes, no string) string {
	if good {
		return yes
	}
	return no
}

func (f *facts) keyBlock() Step {
	s := Step{Title: "The key block", Source: "RFC 5246, section 6.3"}
	s.Text = "As many bytes as both directions need, cut into pieces. Each direction has a key of its own, so that nobody can send a record back to its sender."
	s.Formula = `PRF(master_secret, "key expansion", ServerHello.random + ClientHello.random)`
	client, server := f.suite.Keys(f.master, &f.client.Random, &f.server.Random)
	block := slices.Concat(client.MACKey, server.MACKey, client.Key, server.Key, client.IV, server.IV)
	whole := prfCommand(f.suite.Hash, f.master, "key expansion", append(bytes.Clone(f.server.Random[:]), f.client.Random[:]...), len(block))
	s.Values = []Value{value("key_block", block, fmt.Sprintf("%d bytes", len(block))).makes(whole)}
	at := 0
	for _, piece := range []struct {
		name string
		b    []byte
	}{
		{"client_write_MAC_key", client.MACKey}, {"server_write_MAC_key", server.MACKey},
		{"client_write_key", client.Key}, {"server_write_key", server.Key},
		{"client_write_IV", client.IV}, {"server_write_IV", server.IV},
	} {
		if len(piece.b) > 0 {
			next := at + len(piece.b)
			s.Values = append(s.Values, value(piece.name, piece.b, fmt.Sprintf("bytes %d to %d", at, next-1)).makes(cutCommand(block, at, next)))
			at = next
		}
	}
	return s
}

// finished are the two messages that prove that both sides saw the same
// handshake.
func (f *facts) finished() (steps []Step) {
	for i, m := range f.shaken {
		if m.Type != tlsmsg.TypeFinished || len(m.Raw) != tlsmsg.HeaderLen+suite.VerifyDataLen {
			continue
		}
		// Try which side it fits: in a resumed handshake the server's comes
		// first.
		hash := f.hash(i)
		who, want, moment := "client", f.suite.VerifyData(f.master, true, hash), MomentClientFinished
		if server := f.suite.VerifyData(f.master, false, hash); bytes.Equal(server[:], m.Raw[tlsmsg.HeaderLen:]) {
			who, want, moment = "server", server, MomentServerFinished
		}
		same := bytes.Equal(want[:], m.Raw[tlsmsg.HeaderLen:])
		steps = append(steps, Step{
			Title: "The " + who + "'s verify_data", Source: "RFC 5246, section 7.4.9", Moment: moment,
			Text:    fmt.Sprintf("A hash of all %d messages before it, mixed with the master secret. Only the two that know the secret can make it, and it fits only if both saw the same messages, bit by bit.", i),
			Formula: fmt.Sprintf(`PRF(master_secret, "%s finished", Hash(handshake_messages))[0..11]`, who),
			Values: []Value{value("Hash(handshake_messages)", hash, "").makes(f.hashing(i)),
				value("verify_data", want[:], verdict(same, "the same as in the Finished message", "NOT what the Finished message holds")).
					makes(prfCommand(f.suite.Hash, f.master, who+" finished", hash, len(want)))},
		})
	}
	return steps
}

// nonces are the nonces of the records, in order of arrival.
func (f *facts) nonces() (steps []Step) {
	client, server := f.suite.Keys(f.master, &f.client.Random, &f.server.Random)
	for _, r := range f.records {
		if len(r.Wire) < tlsmsg.RecordHeaderLen {
			continue
		}
		if len(steps) == maxRecords {
			return append(steps, f.untold(len(f.records)-maxRecords))
		}
		who, k := "client", client
		if r.dir != f.clientDir {
			who, k = "server", server
		}
		steps = append(steps, f.nonce(r, who, k))
	}
	return steps
}

// untold stands for the records that are left out.
func (f *facts) untold(n int) Step {
	return Step{Title: fmt.Sprintf("%d more records", n), Text: "Their nonces are made in the same way.", Source: "RFC 5246, section 6.2.3", Record: true}
}

func (f *facts) nonce(r sealed, who string, k suite.DirectionKeys) Step {
	s := Step{Title: fmt.Sprintf("Record %d from the %s (%s)", r.seq, who, r.Type.Heading()), Record: true, Dir: r.dir, Offset: r.Offset}
	var seq [8]byte
	binary.BigEndian.PutUint64(seq[:], r.seq)
	number := value("sequence number", seq[:], "counted by both sides, never sent")
	c := field.Record("fragment", r.Wire[tlsmsg.RecordHeaderLen:])
	f.suite.DecodeFragment(&c, f.etm)
	part := func(path ...string) []byte {
		n := c.Tree().Find(path...)
		if n == nil {
			return nil
		}
		return r.Wire[tlsmsg.RecordHeaderLen+n.Offset:][:n.Length]
	}
	explicit := part("GenericAEADCipher", "nonce_explicit")
	tag := part("GenericAEADCipher", "tag")
	var nonce []byte
	switch {
	case tag != nil && explicit != nil:
		s.Source = "RFC 5288, section 3"
		s.Text = "The nonce must never come twice with one key: a part from the key block, which stays secret, and a part that goes with the record."
		s.Formula = who + "_write_IV + nonce_explicit"
		s.Values = []Value{number, value(who+"_write_IV", k.IV, ""), value("nonce_explicit", explicit, explicitNote(explicit, seq[:]))}
		nonce = append(bytes.Clone(k.IV), explicit...)
		s.Values = append(s.Values, value("nonce", nonce, "").makes(joinCommand(k.IV, explicit)))
	case tag != nil:
		s.Source = "RFC 7905, section 2"
		s.Text = "The nonce must never come twice with one key: the IV from the key block, with the record's number mixed in. Nothing of it is sent."
		s.Formula = who + "_write_IV XOR sequence number"
		nonce = bytes.Clone(k.IV)
		for i, b := range seq {
			nonce[len(nonce)-8+i] ^= b
		}
		s.Values = []Value{number, value(who+"_write_IV", k.IV, ""), value("nonce", nonce, "").makes(xorCommand(k.IV, r.seq))}
	default:
		s.Source = "RFC 5246, section 6.2.3"
		s.Text = "Protected by a MAC and a cipher of its own. The MAC covers the record's number, so that none can be left out or come twice."
		s.Values = []Value{number}
		if iv := part("GenericBlockCipher", "IV"); iv != nil {
			s.Text += " Each record begins with an IV that nobody can predict."
			s.Values = append(s.Values, value("IV", iv, "as sent"))
		}
	}
	if r.seq >= maxWhole {
		s.Text = "Made like those before it, for the next number."
		return s
	}
	ciphertext := part("GenericAEADCipher", "ciphertext")
	if tag != nil {
		of := binary.BigEndian.AppendUint16(bytes.Clone(r.Wire[:3]), uint16(len(ciphertext)))
		ad := slices.Concat(seq[:], of)
		s.Values = append(s.Values, value("additional data", ad, "number, type, version and length: not encrypted, but protected from change").makes(joinCommand(seq[:], of)))
		s.Values = append(s.Values, value("ciphertext", short(ciphertext), length(ciphertext)), value("tag", tag, ""))
	}
	if r.Plaintext != nil {
		v := value("plaintext", short(r.Plaintext), strings.TrimSpace(length(r.Plaintext)))
		if tag != nil && len(ciphertext) <= maxValue {
			v = v.makes(openCommand(f.suite.ID, k.Key, nonce, ciphertext))
		}
		s.Values = append(s.Values, v)
	}
	return s
}

// explicitNote says how a sender chose the explicit nonce: most count, some
// draw it at random.
func explicitNote(explicit, seq []byte) string {
	if bytes.Equal(explicit, seq) {
		return "as sent: this sender takes the sequence number"
	}
	return "as sent: this sender's own choice"
}

// maxValue bounds what is shown of a long value, in bytes.
const maxValue = 256

func short(b []byte) []byte { return b[:min(len(b), maxValue)] }

func length(b []byte) string {
	if len(b) > maxValue {
		return fmt.Sprintf("the first %d of %d bytes", maxValue, len(b))
	}
	return fmt.Sprintf("%d bytes", len(b))
}
