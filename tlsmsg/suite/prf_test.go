package suite

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The first vector is the one published on the IETF's TLS list for TLS 1.2's
// PRF; the others were computed with OpenSSL's TLS1-PRF.
func TestPRFGivesThePublishedAndOpenSSLsOutput(t *testing.T) {
	long := hex.EncodeToString([]byte(strings.Repeat("a", 199) + "7")) // a key longer than the hash's block
	for _, tc := range []struct {
		name                      string
		hash                      Hash
		secret, label, seed, want string
	}{
		{"SHA-256", SHA256, "9bbe436ba940f017b17652849a71db35", "test label", "a0ba9f936cda311827a6f796ffd5198c",
			"e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66"},
		{"SHA-384", SHA384, "b80b733d6ceefcdc71566ea48e5567df", "test label", "cd665cf6a8447dd6ff8b27555edb7465",
			"7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d9184259b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee691c8f3a26854308d5eaa3be85e0990703d73e56f"},
		{"SHA-256, long secret and seed", SHA256, long, "x", long, "ea9bdac8a9bbbd661ea57b6a0551b2e88fa69af7c7489a2497223fa176cbf0d075"},
		{"SHA-384, long secret and seed", SHA384, long, "x", long, "e26962e93613fd706a400f1a9b7757b921e45c90703f47d61c381ece76bc74b501b9b8e4ca1c401c6a10fa6606212a1e"},
	} {
		want, seed := unhex(t, tc.want), unhex(t, tc.seed)
		for _, cut := range []int{0, 1, len(seed)} { // the seed's parts make no difference
			got := make([]byte, len(want))
			PRF(tc.hash, got, unhex(t, tc.secret), tc.label, seed[:cut], seed[cut:])
			if !bytes.Equal(got, want) {
				t.Errorf("%s: %x\nwant %x", tc.name, got, want)
			}
		}
		for n := range want { // a shorter output is a prefix
			got := make([]byte, n)
			PRF(tc.hash, got, unhex(t, tc.secret), tc.label, seed)
			if !bytes.Equal(got, want[:n]) {
				t.Errorf("%s, %d bytes: %x", tc.name, n, got)
			}
		}
	}
}

func TestSecretsAreDerivedWithoutAllocating(t *testing.T) {
	var cr, sr [32]byte
	pre, sum := make([]byte, 48), make([]byte, MaxHashSize)
	for _, id := range IDs() {
		s := Lookup(id)
		n := testing.AllocsPerRun(10, func() {
			m := s.MasterSecret(pre, &cr, &sr)
			m = s.ExtendedMasterSecret(m[:], sum)
			s.VerifyData(m[:], true, sum)
		})
		if n != 0 {
			t.Errorf("suite %#x: %v allocations, want 0", uint16(id), n)
		}
	}
}

func TestTheKeyBlockIsCutInTheOrderOfRFC5246(t *testing.T) {
	var cr, sr [32]byte
	cr[0], sr[0] = 1, 2
	master := make([]byte, MasterSecretLen)
	for _, id := range IDs() {
		s := Lookup(id)
		client, server := s.Keys(master, &cr, &sr)
		var got []byte
		for _, part := range [][]byte{client.MACKey, server.MACKey, client.Key, server.Key, client.IV, server.IV} {
			got = append(got, part...)
		}
		want := make([]byte, 2*(s.MACKeyLen+s.KeyLen+s.FixedIVLen))
		PRF(s.Hash, want, master, "key expansion", sr[:], cr[:])
		if !bytes.Equal(got, want) || len(client.Key) != s.KeyLen || len(client.IV) != s.FixedIVLen {
			t.Errorf("suite %#x: %x\nwant %x", uint16(id), got, want)
		}
	}
}

func TestTheTranscriptHashesWhatWasAddedBeforeAndAfterTheChoice(t *testing.T) {
	for _, h := range []Hash{SHA256, SHA384} {
		var tr Transcript
		tr.Drop() // too early: must keep what it cannot hash yet
		tr.Add([]byte("one"))
		if tr.Sum() != nil {
			t.Error("a sum before the hash was chosen")
		}
		tr.Choose(h)
		tr.Add([]byte("two"))
		if got := string(tr.Messages()); got != "onetwo" {
			t.Errorf("messages = %q", got)
		}
		tr.Drop()
		tr.Add([]byte("three"))
		want := h.New()
		want.Write([]byte("onetwothree"))
		if !bytes.Equal(tr.Sum(), want.Sum(nil)) || tr.Messages() != nil {
			t.Errorf("hash %v: sum %x, messages %q", h, tr.Sum(), tr.Messages())
		}
	}
}

// A transcript hashes what it keeps when it is asked for the hash, and each
// message once, wherever the questions come.
func TestTheTranscriptSumsAtAnyTime(t *testing.T) {
	var tr Transcript
	for range 2 { // the second time in the memory of the first
		tr.Add([]byte("a"))
		tr.Choose(SHA256)
		want := SHA256.New()
		want.Write([]byte("a"))
		for _, message := range []string{"b", "c", "", "d", "e"} {
			if message == "" {
				tr.Drop()
			}
			tr.Add([]byte(message))
			want.Write([]byte(message))
			if message == "b" {
				continue // one without a question in between
			}
			for range 2 {
				if got := tr.Sum(); !bytes.Equal(got, want.Sum(nil)) {
					t.Errorf("after %q: %x, want %x", message, got, want.Sum(nil))
				}
			}
		}
		tr.Reset()
		if tr.Sum() != nil || len(tr.Messages()) > 0 {
			t.Error("something is left after Reset")
		}
	}
}
