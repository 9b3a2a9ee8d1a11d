// What the answers have shown so far.

package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"slices"

	"github.com/rawshake/rawshake/tlsmsg"
)

// found collects what the answers show.
type found struct {
	walk13                 *step13
	first12                *Answer
	second13, third13      *Answer                  // the first one's session resumed, and once more
	full13, full12, fullID *Answer                  // handshakes to their end, of a walk
	left12                 []tlsmsg.SignatureScheme // of TLS 1.2, not known yet
	curvesKnown            bool                     // all groups of TLS 1.2 are known
	unnamed, triedUnnamed  bool                     // a certificate came without a server name, or was asked for along the way
	protocols              []string                 // of ALPN, not known yet; nil: all are

	versions   map[tlsmsg.Version]*versionFound
	groups     []seen[tlsmsg.NamedGroup]
	groupOrder Preference
	schemes    []seen[tlsmsg.SignatureScheme]
	chains     []chainFound
	chainBytes int
	dh         []dhFound
	bears      map[string]bool
	keys       map[[sha256.Size]byte]bool
	trying     []string
	features   Features
	gaps       []Gap
	failure    error // the first of a connection without an answer
	failed     Outcome
	alert      tlsmsg.Alert // of that one
	agreedOnce bool

	clientDecides   bool        // in TLS 1.2
	later           []func(ask) // asked once TLS 1.2 is known
	renegotiation30 *bool       // secure renegotiation in SSL 3.0: counts where there is nothing newer
}

func (f *found) init() {
	f.versions = make(map[tlsmsg.Version]*versionFound)
	f.left12 = allSchemes
	f.protocols = slices.Clone(alpnProtocols)
	f.bears, f.keys = make(map[string]bool), make(map[[sha256.Size]byte]bool)
}

// versionFound is what is known of one version.
type versionFound struct {
	Preference  Preference
	ChaChaFirst bool

	id      tlsmsg.Version
	offered *bool
	how     string
	suites  []suiteFound
	v2      *ServerHelloV2
}

type suiteFound struct {
	id     tlsmsg.CipherSuite
	group  tlsmsg.NamedGroup
	scheme tlsmsg.SignatureScheme
	bits   int    // of a Diffie-Hellman prime
	leaf   string // its SHA-256
}

// seen is a group or a scheme, and the versions in which it was taken.
type seen[T comparable] struct {
	id       T
	versions []tlsmsg.Version
}

// see adds one to a list.
func see[T comparable](list []seen[T], id T, v tlsmsg.Version) []seen[T] {
	i := slices.IndexFunc(list, func(s seen[T]) bool { return s.id == id })
	if i < 0 {
		return append(list, seen[T]{id, []tlsmsg.Version{v}})
	}
	if !slices.Contains(list[i].versions, v) {
		list[i].versions = append(list[i].versions, v)
	}
	return list
}

type chainFound struct {
	chain          [][]byte
	named, unnamed bool
	verdict        error
	judged         bool
}

type dhFound struct{ p, g []byte }

func (f *found) version(v tlsmsg.Version) *versionFound {
	if f.versions[v] == nil {
		f.versions[v] = &versionFound{id: v}
	}
	return f.versions[v]
}

// judge says whether the version is spoken, by the first answer to it.
func (v *versionFound) judge(agreed bool, answer *Answer) {
	switch {
	case agreed:
		yes := true
		v.offered, v.how = &yes, ""
	case answer == nil || !answer.known() && (answer.Outcome != Strange || answer.turnedAway()):
		v.how = "no answer"
		if answer != nil {
			v.how = answer.Outcome.String()
			if answer.turnedAway() {
				v.how = "turned away"
			}
		}
	default:
		no := false
		v.offered, v.how = &no, describe(answer)
	}
}

// describe says in words what an answer is.
func describe(answer *Answer) string {
	switch {
	case answer.Outcome == Refused:
		return "alert " + answer.Alert.Description.String()
	case answer.agreed() && answer.Hello != nil:
		return "answered with " + answer.Version().String()
	}
	return answer.Outcome.String()
}

func (v *versionFound) speaks() bool { return v != nil && v.offered != nil && *v.offered }

func (v *versionFound) ids() (list []tlsmsg.CipherSuite) {
	for _, s := range v.suites {
		list = append(list, s.id)
	}
	return list
}

func (v *versionFound) add(id tlsmsg.CipherSuite, answer *Answer) *suiteFound {
	s := suiteFound{id: id}
	if answer != nil && len(answer.Chain) > 0 {
		s.leaf = sha256Hex(answer.Chain[0])
	}
	v.suites = append(v.suites, s)
	return &v.suites[len(v.suites)-1]
}

// best is the highest version of TLS up to a limit that the server speaks, or nil.
func (f *found) best(limit tlsmsg.Version) *versionFound {
	return f.highest(limit, tlsmsg.VersionTLS10)
}

// highest is the same with a limit below, too.
func (f *found) highest(limit, least tlsmsg.Version) *versionFound {
	for v := limit; v >= least; v-- {
		if f.versions[v].speaks() {
			return f.versions[v]
		}
	}
	return nil
}

// finishedOld takes what a handshake to the end shows, or one that came as far as
// a suite.
func (f *found) finishedOld(v *versionFound, answer *Answer) {
	state := answer.State
	s := v.add(state.CipherSuite, &Answer{Chain: state.Chain})
	s.group, s.scheme, s.bits = state.Group, state.Scheme, state.DH.Bits
	if state.Group != 0 && state.DH.Bits == 0 {
		f.group(state.Group, v.id)
	}
	if state.Scheme != 0 {
		f.scheme(state.Scheme, v.id)
	}
}

// old takes what an answer of TLS 1.2 or before shows.
func (f *found) old(v *versionFound, hello *Hello, answer *Answer) {
	s := v.add(answer.Hello.CipherSuite, answer)
	if kx := answer.KeyExchange; kx != nil {
		s.group, s.scheme = kx.Group, kx.Scheme
		if kx.Group != 0 {
			f.group(kx.Group, v.id)
		}
		if kx.Scheme != 0 {
			f.scheme(kx.Scheme, v.id)
		}
		if len(kx.DHPrime) > 0 {
			s.bits = bitLen(kx.DHPrime)
		}
	}
	f.chain(answer.Chain, hello.ServerName != "")
	f.extensions(v, hello, answer)
}

// exchanged takes the server's key of any answer, and its group: to see whether
// a key comes again.
func (f *found) exchanged(answer *Answer) {
	key := string(answer.Share)
	if answer.Hello != nil && answer.Version() >= tlsmsg.VersionTLS13 {
		key = string(shareOf(answer.Hello).KeyExchange)
	}
	if kx := answer.KeyExchange; kx != nil {
		key = string(kx.PublicKey) + string(kx.DHPublic)
		if len(kx.DHPrime) > 0 {
			f.prime(kx.DHPrime, kx.DHGenerator)
		}
	}
	if key == "" {
		return
	}
	sum := sha256.Sum256([]byte(key))
	once(&f.features.KeyReuse, f.keys[sum])
	f.keys[sum] = true
}

func (f *found) group(g tlsmsg.NamedGroup, v tlsmsg.Version) { f.groups = see(f.groups, g, v) }

func (f *found) scheme(s tlsmsg.SignatureScheme, v tlsmsg.Version) {
	if v == tlsmsg.VersionTLS12 {
		f.left12 = without(f.left12, s)
	}
	f.schemes = see(f.schemes, s, v)
}

// maxPrimes bounds the groups that are looked at: a test of one takes time.
const maxPrimes = 8

func (f *found) prime(p, g []byte) {
	same := func(d dhFound) bool { return bytes.Equal(d.p, p) && bytes.Equal(d.g, g) }
	if !slices.ContainsFunc(f.dh, same) && len(f.dh) < maxPrimes {
		f.dh = append(f.dh, dhFound{bytes.Clone(p), bytes.Clone(g)})
	}
}

// maxChains bounds the certificates that are kept of one server, and maxChainBytes
// their size: a server may send others with each answer.
const (
	maxChains     = 32
	maxChainBytes = 512 << 10
)

func (f *found) chain(chain [][]byte, named bool) *chainFound {
	if len(chain) == 0 {
		return nil
	}
	for i := range f.chains {
		if c := &f.chains[i]; bytes.Equal(c.chain[0], chain[0]) {
			c.named, c.unnamed = c.named || named, c.unnamed || !named
			return c
		}
	}
	size := 0
	for _, der := range chain {
		size += len(der) + 24 // and what a slice takes: it may be empty
	}
	if len(f.chains) == maxChains || f.chainBytes+size > maxChainBytes {
		return nil
	}
	f.chainBytes += size
	f.chains = append(f.chains, chainFound{chain: chain, named: named, unnamed: !named})
	return &f.chains[len(f.chains)-1]
}

func (f *found) gap(what, why string) {
	g := Gap{What: what, Why: why}
	if !slices.Contains(f.gaps, g) {
		f.gaps = append(f.gaps, g)
	}
}

// answered notes what any answer shows.
func (f *found) answered(q *Question, answer *Answer) {
	f.exchanged(answer)
	switch {
	case answer.agreed():
		f.agreedOnce = true
	case f.failed == NotAsked:
		f.failure, f.failed, f.alert = answer.Err, answer.Outcome, answer.Alert
	}
}

func bitLen(b []byte) int { return new(big.Int).SetBytes(b).BitLen() }

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
