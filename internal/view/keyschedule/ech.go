// A ClientHello inside another: which of the two the secrets are made of (RFC 9849).

package keyschedule

import (
	"bytes"
	"fmt"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

const hiddenText = "It covers all messages before it, and not all of them are known here: the server has read the ClientHello that is encrypted in the client's, and only the two of them know it."

// counted is a message as the transcript has it: of two ClientHellos the one that the
// server has answered.
func (f *facts) counted(m *transcript.Message) []byte {
	if f.readsInner() && m.Inner != nil {
		return m.Inner
	}
	return m.Raw
}

// readsInner reports whether the server has read the inner ClientHello, and we know it.
func (f *facts) readsInner() bool { return f.accepted && f.shaken[0].Inner != nil }

// hides reports whether the server answers a ClientHello that is not known: the client's
// has another inside, and the server's Finished does not fit the outer one.
func (s *schedule13) hides() bool {
	var ech tlsmsg.EncryptedClientHello
	secret := s.secret[suite.SecretServerHandshake]
	if found, err := s.facts.client.DecodeExtension(&ech); s.readsInner() || !found || err != nil || ech.Form != tlsmsg.ECHOuter || secret == nil || s.server == 0 {
		return false
	}
	want := s.suite.VerifyData13(secret, s.hash13(s.server-1))
	return !bytes.Equal(want, s.shaken[s.server-1].Raw[tlsmsg.HeaderLen:])
}

// hashed is the hash of the first n messages as a value, where it is known.
func (s *schedule13) hashed(messages string, n int) []Value {
	if s.hidden {
		return nil
	}
	return []Value{s.hashValue("Hash("+messages+")", n, fmt.Sprintf("of %d messages", n))}
}

// hashValue is the hash of the first n messages, with the command for it where it comes
// for the first time.
func (s *schedule13) hashValue(name string, n int, note string) Value {
	hash := s.hash13(n)
	v := value(name, hash, note)
	if !s.told[string(hash)] {
		s.told[string(hash)] = true
		v = v.makes(s.hashing(n))
	}
	return v
}

// confirmation is how the server says that it has read the inner ClientHello.
func (s *schedule13) confirmation() []Step {
	if !s.readsInner() || s.hello == 0 {
		return nil
	}
	first := s.shaken[0]
	var inner tlsmsg.ClientHello
	if tlsmsg.ParseInto(&inner, first.Inner, first.Context) != nil {
		return nil
	}
	blank := s.facts.server
	said := s.facts.server.Random[len(blank.Random)-tlsmsg.ECHConfirmationLen:]
	clear(blank.Random[len(blank.Random)-tlsmsg.ECHConfirmationLen:])
	hash := s.hashWith(s.hello-1, tlsmsg.Append(nil, &blank, s.shaken[s.hello-1].Context))
	made := suite.ECHConfirmation(s.suite.Hash, inner.Random, hash, false)
	messages := make([][]byte, 0, s.hello)
	for _, m := range s.shaken[:s.hello-1] {
		messages = append(messages, s.counted(m))
	}
	messages = append(messages, tlsmsg.Append(nil, &blank, s.shaken[s.hello-1].Context))
	zeros := make([]byte, s.suite.Hash.Size())
	extracted := s.suite.Extract13(inner.Random[:], zeros)
	return []Step{{Title: "The server's sign that it has read the encrypted ClientHello", Source: "RFC 9849, section 7.2",
		Text: "The last eight bytes of ServerHello.random are not random: only who has read the inner ClientHello, and its random, can make them or tell. " +
			"All that follows is made of the inner ClientHello, as if the outer one had not been sent.",
		Formula: `HKDF-Expand-Label(HKDF-Extract(0, ClientHelloInner.random), "ech accept confirmation", Hash(ClientHelloInner … ServerHello with eight zeros), 8)`,
		Values: []Value{
			value("ClientHelloInner.random", inner.Random[:], ""),
			value("HKDF-Extract(0, ClientHelloInner.random)", extracted, "").makes(extractCommand(s.suite.Hash, zeros, inner.Random[:])),
			value("Hash(ClientHelloInner … ServerHello with eight zeros)", hash, "").makes(hashCommand(s.suite.Hash, messages, s.retried)),
			value("accept_confirmation", made, verdict(bytes.Equal(made, said), "the same as in ServerHello.random", "NOT what ServerHello.random holds")).
				makes(expandCommand(s.suite.Hash, extracted, "ech accept confirmation", hash, len(made))),
		},
	}}
}
