// Makes the report of what was found.

package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"github.com/rawshake/rawshake/internal/facts"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/der"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// Report is what was found. The worker judges the chains that no handshake has
// judged; nil: they stay unjudged.
func (a *Audit) Report(w *worker.Worker) *Report {
	f := &a.found
	r := &Report{Time: a.o.Time.UTC(), ServerName: a.o.ServerName, Connections: a.Connections(), TLS: f.agreedOnce, Pauses: a.limiter.pauses, NotAsked: f.gaps,
		GroupOrder: f.groupOrder, Features: f.features,
		Versions: []Version{}, Groups: []Group{}, Schemes: []Scheme{}, Certificates: []Certificate{}, Tolerance: []Tolerance{}, Weaknesses: []Weakness{}}
	if r.Features.ALPN == nil {
		r.Features.ALPN = []string{}
	}
	if !f.agreedOnce {
		r.Cause = f.whyNone()
		if a.why != "" {
			r.Cause = fmt.Errorf("%s, and the server had agreed to nothing by then", a.why)
		}
		r.Error, r.Failure, r.Alert = r.Cause.Error(), f.failed, f.alert
	}
	if r.Features.SecureRenegotiation == nil {
		r.Features.SecureRenegotiation = f.renegotiation30
	}
	f.addVersions(r)
	for _, g := range f.groups {
		r.Groups = append(r.Groups, Group{Name: g.id.String(), ID: uint16(g.id), Versions: names(g.versions), Hybrid: suite.IsHybrid(g.id)})
	}
	for _, s := range f.schemes {
		r.Schemes = append(r.Schemes, Scheme{Name: s.id.String(), ID: uint16(s.id), Versions: names(s.versions)})
	}
	for i := range f.chains {
		f.chains[i].judge(w, &a.o)
		r.Certificates = append(r.Certificates, f.chains[i].describe())
	}
	for _, d := range f.dh {
		r.DH = append(r.DH, d.describe(!a.o.Short))
	}
	for _, v := range variations {
		if ok, known := f.bears[v.name]; known {
			r.Tolerance = append(r.Tolerance, Tolerance{Name: v.name, OK: ok, How: v.how})
		}
	}
	r.Weaknesses = weaknesses(r)
	return r
}

// whyNone says why there is nothing to report.
func (f *found) whyNone() error {
	switch {
	case f.failure != nil:
		return f.failure
	case f.failed == Refused:
		return &handshake.AlertError{Alert: f.alert, After: afterHello}
	}
	return errors.New("the server agreed to no TLS that was offered")
}

// names are those of versions, newest first.
func names(versions []tlsmsg.Version) (list []string) {
	for _, v := range slices.Backward(slices.Sorted(slices.Values(versions))) {
		list = append(list, v.String())
	}
	return list
}

var asked = []tlsmsg.Version{tlsmsg.VersionTLS13, tlsmsg.VersionTLS12, tlsmsg.VersionTLS11, tlsmsg.VersionTLS10, tlsmsg.VersionSSL30, tlsmsg.VersionSSL20}

func (f *found) addVersions(r *Report) {
	for _, id := range asked {
		v := f.versions[id]
		if v == nil {
			continue
		}
		out := Version{Name: id.String(), ID: uint16(id), Offered: v.offered, How: v.how, Preference: v.Preference, ChaChaFirst: v.ChaChaFirst}
		for _, s := range v.suites {
			one := Suite{Name: s.id.String(), ID: uint32(s.id), DHBits: s.bits}
			if s.group != 0 {
				one.Group = s.group.String()
			}
			if s.scheme != 0 {
				one.Scheme = s.scheme.String()
			}
			one.Certificate = s.leaf
			out.Suites = append(out.Suites, one)
		}
		if v.v2 != nil {
			for _, c := range v.v2.Ciphers {
				out.Suites = append(out.Suites, Suite{Name: nameV2(c), ID: c})
			}
		}
		r.Versions = append(r.Versions, out)
	}
}

// judge has a chain verified that no handshake has judged.
func (c *chainFound) judge(w *worker.Worker, o *Options) {
	work := handshake.VerifyChainWork{Chain: c.chain, ServerName: o.ServerName}
	if c.judged || w == nil || o.Short && worker.Long(work) {
		return
	}
	result, ok := w.Do(work).(handshake.VerifyChainResult)
	c.judged = ok
	c.verdict = result.Verdict
}

func (c *chainFound) describe() Certificate {
	leaf := der.Describe(c.chain[0])
	out := Certificate{SHA256: sha256Hex(c.chain[0]), Default: c.unnamed, Named: c.named,
		Subject: leaf.Subject.String(), Issuer: leaf.Issuer.String(), Names: append(leaf.Names("dNSName"), leaf.Names("iPAddress")...),
		Signed: leaf.Signature.Name(), Facts: json.RawMessage(facts.CertificateJSON(c.chain[0]))}
	out.Kind, out.Bits, out.Curve = leaf.Key.Kind, leaf.Key.Bits, leaf.Key.Curve
	if at := leaf.NotBefore.UTC(); !at.IsZero() {
		out.From = &at
	}
	if at := leaf.NotAfter.UTC(); !at.IsZero() {
		out.Until = &at
	}
	if c.judged {
		ok := c.verdict == nil
		out.Verified = &ok
		if !ok {
			out.Error = plain.Escape(c.verdict.Error())
		}
	}
	for _, raw := range c.chain[:min(len(c.chain), maxChains)] {
		d := der.Describe(raw)
		out.Chain = append(out.Chain, ChainEntry{Subject: d.Subject.String(), Issuer: d.Issuer.String(), Kind: d.Key.Kind, Bits: d.Key.Bits,
			Signed: d.Signature.Name(), SHA256: sha256Hex(raw), Self: d.Subject.String() == d.Issuer.String()})
	}
	return out
}

// describe says what a Diffie-Hellman group is.
func (d dhFound) describe(test bool) DH {
	group := suite.DescribeDH(d.p, d.g)
	out := DH{Bits: bitLen(d.p), Name: group.Name, Shared: group.Name != "", SHA256: sha256Hex(d.p), Odd: group.Odd}
	if group.Name == "" && (!test || out.Bits > maxTested) {
		return out
	}
	group, err := suite.CheckDH(d.p, d.g)
	prime := err == nil
	if !prime { // of the modulus or of the generator
		prime, _ = suite.TestPrime(new(big.Int).SetBytes(d.p))
	}
	out.Prime = &prime
	switch safe := group.Odd == ""; {
	case err == nil:
		out.Safe, out.Odd = &safe, group.Odd
	case prime:
		out.Odd = uselessGenerator
	default:
		out.Odd = err.Error()
	}
	return out
}

// uselessGenerator is one that makes no more than two different keys.
const uselessGenerator = "its generator does not lie between 1 and p-1"

// maxTested is the longest prime that is tested.
const maxTested = 4096

func (f *found) authorities(list [][]byte) {
	for _, raw := range list[:min(len(list), maxChains)] {
		if name := der.ParseName(raw).String(); !slices.Contains(f.features.ClientCAs, name) && len(f.features.ClientCAs) < maxChains {
			f.features.ClientCAs = append(f.features.ClientCAs, name)
		}
	}
}
