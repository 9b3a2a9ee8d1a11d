// The steps of TLS 1.3: from the early secret to traffic secrets, keys, nonces and
// verify_data.

package keyschedule

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// schedule13 is what the steps of TLS 1.3 are made from.
type schedule13 struct {
	*facts
	told   map[string]bool   // the hashes whose command has been given
	secret map[string][]byte // by label
	psk    bool              // an earlier session, or a key from outside TLS, is used
	hello  int               // how many messages go up to ServerHello
	server int               // up to the server's Finished; 0: it is missing
	client int               // up to the client's
	hidden bool              // the server answers a ClientHello that is not known here
}

const (
	hkdfSource = "RFC 9846, section 7.1"
	// derives is how each secret follows from the one above it.
	derives = `HKDF-Expand-Label(%s, "%s", Hash(%s), %d)`
)

// steps13 are the steps of a connection of TLS 1.3.
func (f *facts) steps13() ([]Step, error) {
	s := &schedule13{facts: f, secret: map[string][]byte{}, told: map[string]bool{}}
	for _, known := range f.secrets {
		if bytes.Equal(known.ClientRandom, f.client.Random[:]) {
			s.secret[known.Label] = known.Secret
		}
	}
	if s.secret[suite.SecretClientHandshake] == nil && s.secret[suite.SecretServerHandshake] == nil &&
		s.secret[suite.SecretClientApplication] == nil && s.secret[suite.SecretServerApplication] == nil {
		return nil, errNoSecret13
	}
	s.psk = tlsmsg.FindExtension(f.server.Extensions, tlsmsg.ExtensionPreSharedKey) >= 0
	s.places()
	s.hidden = s.hides()
	steps := slices.Concat(
		at(MomentAgreed, s.early()...), at(MomentAgreed, s.agreement()...), at(MomentAgreed, s.confirmation()...),
		at(MomentAgreed, s.sides("handshake", suite.SecretClientHandshake, suite.SecretServerHandshake, "hs", "ClientHello … ServerHello", s.hello)...),
		at(MomentServerFinished, s.finished("server", suite.SecretServerHandshake, s.server)...),
		at(MomentMain, s.main()),
		at(MomentMain, s.sides("application", suite.SecretClientApplication, suite.SecretServerApplication, "ap", "ClientHello … server's Finished", s.server)...),
		at(MomentClientFinished, s.finished("client", suite.SecretClientHandshake, s.client)...))
	if exporter := s.secret[suite.SecretExporter]; exporter != nil {
		steps = append(steps, Step{Title: "The exporter secret", Source: "RFC 9846, section 7.5", Moment: MomentMain,
			Text:    "From it programs above TLS can have keys of their own, which are tied to this connection.",
			Formula: fmt.Sprintf(derives, "main_secret", "exp master", "ClientHello … server's Finished", len(exporter)),
			Values:  []Value{value("exporter_secret", exporter, s.again(suite.SecretExporter)).makes(s.deriving("main", "exp master", s.server, exporter))}})
	}
	return append(steps, at(MomentRecord, s.nonces()...)...), nil
}

// places finds the messages at which the transcript is hashed.
func (s *schedule13) places() {
	for i, m := range s.shaken {
		switch {
		case m.Type == tlsmsg.TypeServerHello:
			s.hello = i + 1
		case s.dark: // messages may be missing
		case m.Type == tlsmsg.TypeFinished && s.server == 0:
			s.server = i + 1
		case m.Type == tlsmsg.TypeFinished && s.client == 0:
			s.client = i + 1
		}
	}
}

// hash13 is that of the first n messages. A HelloRetryRequest has a hash take the
// place of the ClientHello before it.
func (s *schedule13) hash13(n int) []byte { return s.hashWith(n, nil) }

// hashWith is that of the first n messages and another.
func (s *schedule13) hashWith(n int, another []byte) []byte {
	var t suite.Transcript
	for i, m := range s.shaken[:n] {
		if i == 1 && s.retried {
			t.Choose(s.suite.Hash)
			t.ReplaceByHash()
		}
		t.Add(s.counted(m))
	}
	if !s.retried {
		t.Choose(s.suite.Hash)
	}
	if another != nil {
		t.Add(another)
	}
	return bytes.Clone(t.Sum())
}

// remade13 is the secret of a label, computed again from what was agreed on, or nil
// where that is not known.
func (s *schedule13) remade13(label string) []byte {
	if s.pre == nil || s.psk || s.hidden {
		return nil
	}
	k := s.suite.NewSchedule13(nil)
	k.Agreed(s.pre)
	client, server := k.Handshake(s.hash13(s.hello))
	switch label {
	case suite.SecretClientHandshake:
		return client
	case suite.SecretServerHandshake:
		return server
	}
	if s.server == 0 {
		return nil
	}
	k.Main()
	client, server, exporter := k.Application(s.hash13(s.server))
	switch label {
	case suite.SecretClientApplication:
		return client
	case suite.SecretServerApplication:
		return server
	}
	return exporter
}

// again says whether a secret comes out again.
func (s *schedule13) again(label string) string {
	made := s.remade13(label)
	if made == nil {
		return ""
	}
	return verdict(bytes.Equal(made, s.secret[label]), "computed again here: the same", "computed again here: NOT the same")
}

// deriving is the command for a secret of the schedule's, at the hash of the first n
// messages.
func (s *schedule13) deriving(of, label string, n int, secret []byte) string {
	above := s.secretOf(of)
	if above == nil || n == 0 || s.hidden {
		return ""
	}
	return expandCommand(s.suite.Hash, above, label, s.hash13(n), len(secret))
}

// secretOf is one of the three secrets, or nil where it cannot be computed.
func (s *schedule13) secretOf(name string) []byte {
	if s.psk {
		return nil
	}
	k := s.suite.NewSchedule13(nil)
	if name == "early" {
		return k.Secret()
	}
	if s.pre == nil {
		return nil
	}
	if k.Agreed(s.pre); name == "main" {
		k.Main()
	}
	return k.Secret()
}

// extracted is a secret, with the salt that is made of the one before.
func (s *schedule13) extracted(before, name string, material []byte) []Value {
	above, secret := s.secretOf(before), s.secretOf(name)
	if above == nil || secret == nil {
		return nil
	}
	k := s.suite.NewSchedule13(nil)
	if before == "handshake" {
		k.Agreed(s.pre)
	}
	salt := k.DerivedSalt()
	empty := s.suite.Hash.New().Sum(nil)
	return []Value{value("derived", salt, "the salt").makes(expandCommand(s.suite.Hash, above, "derived", empty, len(salt))),
		value(name+"_secret", secret, "").makes(extractCommand(s.suite.Hash, salt, material))}
}

// early is the first of the three secrets.
func (s *schedule13) early() []Step {
	step := Step{Title: "The early secret", Source: hkdfSource, Formula: "HKDF-Extract(0, PSK)",
		Text: "Nothing is known to both sides yet, so a row of zeros stands for the pre-shared key: anybody can compute this one. It is there so that there is one way for all handshakes."}
	if s.psk {
		step.Text = "The key that both sides have from an earlier session, or by other means. It is not known here: a key log does not hold it."
	} else {
		zeros := make([]byte, s.suite.Hash.Size())
		step.Values = []Value{value("PSK", zeros, fmt.Sprintf("%d zeros", len(zeros))),
			value("early_secret", s.secretOf("early"), "").makes(extractCommand(s.suite.Hash, zeros, zeros))}
	}
	steps := []Step{step}
	if secret := s.secret[suite.SecretClientEarly]; secret != nil {
		steps = append(steps, Step{Title: "The client's early traffic secret", Source: hkdfSource,
			Text:    "It protects early data, which the client sends with its ClientHello, before it has heard anything.",
			Formula: fmt.Sprintf(derives, "early_secret", "c e traffic", "ClientHello", len(secret)),
			Values:  []Value{value("client_early_traffic_secret", secret, "")}})
	}
	return steps
}

// agreement is the second.
func (s *schedule13) agreement() []Step {
	shared := Step{Title: "The shared secret", Source: "RFC 9846, section 7.4",
		Text:    "Each side has sent a public key in key_share, and makes the same number of its own secret and the other's public key. The number itself was never sent.",
		Formula: "client's secret × server's public = server's secret × client's public"}
	next := Step{Title: "The handshake secret", Source: hkdfSource,
		Text:    "The shared secret joins the chain. From here on only the two sides can compute it.",
		Formula: `HKDF-Extract(HKDF-Expand-Label(early_secret, "derived", Hash(""), …), (EC)DHE)`}
	if s.pre == nil {
		shared.Text += " It is not known here: a key log holds what follows from it, and nobody can compute back."
		next.Text += " It is not known here either."
		return []Step{shared, next}
	}
	shared.Values = []Value{value("(EC)DHE", s.pre, "")}
	next.Values = s.extracted("early", "handshake", s.pre)
	return []Step{shared, next}
}

// main is the third.
func (s *schedule13) main() Step {
	step := Step{Title: "The main secret", Source: hkdfSource,
		Text:    "Nothing new joins the chain: zeros stand where another secret could. What follows from it is tied to all messages up to the server's Finished.",
		Formula: `HKDF-Extract(HKDF-Expand-Label(handshake_secret, "derived", Hash(""), …), 0)`}
	step.Values = s.extracted("handshake", "main", make([]byte, s.suite.Hash.Size()))
	return step
}

// sides are both sides' traffic secrets of an epoch, with the keys that follow.
func (s *schedule13) sides(epoch, client, server, short, messages string, n int) (steps []Step) {
	for _, side := range []struct{ who, letter, label string }{{"client", "c", client}, {"server", "s", server}} {
		secret := s.secret[side.label]
		if secret == nil || n == 0 {
			continue
		}
		above := map[string]string{"hs": "handshake_secret", "ap": "main_secret"}[short]
		name := fmt.Sprintf("%s_%s_traffic_secret", side.who, epoch)
		if short == "ap" {
			name += "_0"
		}
		keys := s.suite.TrafficKeys(secret)
		steps = append(steps, Step{
			Title: fmt.Sprintf("The %s's %s traffic secret and keys", side.who, epoch), Source: "RFC 9846, sections 7.1 and 7.3",
			Text:    "A hash of all messages so far goes into it, so that it belongs to this handshake alone. Each direction has a secret of its own, and of that a key and an IV.",
			Formula: fmt.Sprintf(derives, above, side.letter+" "+short+" traffic", messages, len(secret)),
			Values: append(s.hashed(messages, n),
				value(name, secret, s.again(side.label)).makes(s.deriving(map[string]string{"hs": "handshake", "ap": "main"}[short], side.letter+" "+short+" traffic", n, secret)),
				value(side.who+"_write_key", keys.Key, fmt.Sprintf(`HKDF-Expand-Label(%s, "key", "", %d)`, name, len(keys.Key))).
					makes(expandCommand(s.suite.Hash, secret, "key", nil, len(keys.Key))),
				value(side.who+"_write_iv", keys.IV, fmt.Sprintf(`HKDF-Expand-Label(%s, "iv", "", %d)`, name, len(keys.IV))).
					makes(expandCommand(s.suite.Hash, secret, "iv", nil, len(keys.IV))),
			)})
	}
	return steps
}

// finished is a side's proof that it saw the same messages.
func (s *schedule13) finished(who, label string, upTo int) []Step {
	secret := s.secret[label]
	if secret == nil || upTo == 0 {
		return nil
	}
	if s.hidden {
		return []Step{{Title: "The " + who + "'s verify_data", Source: "RFC 9846, section 4.5.3", Text: hiddenText}}
	}
	hash := s.hash13(upTo - 1)
	want, sent := s.suite.VerifyData13(secret, hash), s.shaken[upTo-1].Raw[tlsmsg.HeaderLen:]
	key := s.suite.FinishedKey13(secret)
	return []Step{{Title: "The " + who + "'s verify_data", Source: "RFC 9846, section 4.5.3",
		Text:    fmt.Sprintf("A MAC over a hash of all %d messages before it. Only the two that know the secret can make it, and it fits only if both saw the same messages, bit by bit.", upTo-1),
		Formula: fmt.Sprintf(`HMAC(HKDF-Expand-Label(%s_handshake_traffic_secret, "finished", "", %d), Hash(handshake_messages))`, who, len(want)),
		Values: []Value{s.hashValue("Hash(handshake_messages)", upTo-1, ""),
			value("finished_key", key, "").makes(expandCommand(s.suite.Hash, secret, "finished", nil, len(key))),
			value("verify_data", want, verdict(bytes.Equal(want, sent), "the same as in the Finished message", "NOT what the Finished message holds")).
				makes(hmacCommand(s.suite.Hash, key, hash))},
	}}
}

// nonces are those of the records, in the order in which they came.
func (s *schedule13) nonces() (steps []Step) {
	for _, r := range s.records {
		if len(r.Wire) < tlsmsg.RecordHeaderLen || r.Epoch == 0 {
			continue // nobody knows by which keys
		}
		secret := s.trafficOf(&r)
		if secret == nil {
			continue
		}
		if len(steps) == maxRecords {
			return append(steps, s.untold(len(s.records)-maxRecords))
		}
		steps = append(steps, s.nonce13(&r, s.suite.TrafficKeys(secret)))
	}
	return steps
}

// trafficOf is the traffic secret that protects a record, or nil.
func (s *schedule13) trafficOf(r *sealed) []byte {
	client := r.dir == s.clientDir
	label := suite.SecretServerApplication
	switch {
	case r.Epoch == handshake.EpochEarly:
		label = suite.SecretClientEarly
	case r.Epoch == handshake.EpochHandshake && client:
		label = suite.SecretClientHandshake
	case r.Epoch == handshake.EpochHandshake:
		label = suite.SecretServerHandshake
	case client:
		label = suite.SecretClientApplication
	}
	secret := s.secret[label]
	for range r.updates {
		if secret != nil {
			secret = s.suite.NextTraffic(secret)
		}
	}
	return secret
}

var epochNames = [...]string{handshake.EpochEarly: "early", handshake.EpochHandshake: "handshake", handshake.EpochApplication: "application"}

func (s *schedule13) nonce13(r *sealed, k suite.DirectionKeys) Step {
	who := "server"
	if r.dir == s.clientDir {
		who = "client"
	}
	step := Step{Title: fmt.Sprintf("Record %d from the %s (%s, %s keys)", r.seq, who, r.Inner.Heading(), epochNames[r.Epoch]), Record: true, Dir: r.dir, Offset: r.Offset, Source: "RFC 9846, section 5.3"}
	step.Text = "The nonce must never come twice with one key: the IV, with the record's number mixed in. Nothing of it is sent. The count begins anew with each key."
	step.Formula = who + "_write_iv XOR sequence number"
	var seq [8]byte
	binary.BigEndian.PutUint64(seq[:], r.seq)
	nonce := bytes.Clone(k.IV)
	for i, b := range seq {
		nonce[len(nonce)-len(seq)+i] ^= b
	}
	note := ""
	if r.updates > 0 {
		note = fmt.Sprintf("after %d key updates", r.updates)
	}
	step.Values = []Value{value("sequence number", seq[:], "counted by both sides, never sent"), value(who+"_write_iv", k.IV, note), value("nonce", nonce, "").makes(xorCommand(k.IV, r.seq))}
	if r.seq >= maxWhole {
		step.Text = "Made like those before it, for the next number."
		return step
	}
	fragment := r.Wire[tlsmsg.RecordHeaderLen:]
	ciphertext, tag := fragment, []byte(nil)
	if n := len(fragment) - tagLen; n >= 0 {
		ciphertext, tag = fragment[:n], fragment[n:]
	}
	step.Values = append(step.Values, value("additional data", r.Wire[:tlsmsg.RecordHeaderLen], "the record's header: not encrypted, but protected from change"),
		value("ciphertext", short(ciphertext), length(ciphertext)), value("tag", tag, ""))
	if r.Plaintext != nil {
		inner := tlsmsg.InnerPlaintext{Content: r.Plaintext, Type: r.Inner, Zeros: min(r.Padding, tlsmsg.MaxInnerPlaintext)}.Append(nil)
		v := value("plaintext", short(inner), length(inner)+": content, its type, zeros")
		if len(ciphertext) <= maxValue {
			v = v.makes(openCommand(s.suite.ID, k.Key, nonce, ciphertext))
		}
		step.Values = append(step.Values, v)
	}
	return step
}

// tagLen is the length of the tag of each AEAD of TLS 1.3, in bytes.
const tagLen = 16

// retriedBy reports whether a message is a HelloRetryRequest.
func retriedBy(m *transcript.Message) bool {
	var hello tlsmsg.ServerHello
	return m.Type == tlsmsg.TypeServerHello && tlsmsg.ParseInto(&hello, m.Raw, m.Context) == nil && hello.IsHelloRetryRequest()
}
