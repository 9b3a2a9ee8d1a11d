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
	return []Value{value("Hash("+messages+")", s.hash13(n), fmt.Sprintf("of %d messages", n))}
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
	return []Step{{Title: "The server's sign that it has read the encrypted ClientHello", Source: "RFC 9849, section 7.2",
		Text: "The last eight bytes of ServerHello.random are not random: only who has read the inner ClientHello, and its random, can make them or tell. " +
			"All that follows is made of the inner ClientHello, as if the outer one had not been sent.",
		Formula: `HKDF-Expand-Label(HKDF-Extract(0, ClientHelloInner.random), "ech accept confirmation", Hash(ClientHelloInner … ServerHello with eight zeros), 8)`,
		Values: []Value{
			value("ClientHelloInner.random", inner.Random[:], ""),
			value("Hash(ClientHelloInner … ServerHello with eight zeros)", hash, ""),
			value("accept_confirmation", made, verdict(bytes.Equal(made, said), "the same as in ServerHello.random", "NOT what ServerHello.random holds")),
		},
	}}
}
