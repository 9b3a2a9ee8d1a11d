package interop

import (
	"fmt"
	"net/netip"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/test/badlink"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// networkSpecimens are about what lies beneath TLS: bad links, fragments,
// several connections at once.
var networkSpecimens = []specimen{
	{"loss-and-reordering.pcapng", "OpenSSL over a path of TUN devices that loses and reorders packets, so raw IP; retransmissions, SACK; DSB", func(r *recording) {
		r.path4(badlink.Impairment{Seed: 7, Loss: 0.12, Reorder: 0.25, Duplicate: 0.1, Delay: 2 * time.Millisecond}, 0)
		r.openSSL(r.files(pki.RSA2048), "-tls1_2")
		r.capture(func() { r.sClient("-tls1_2", "-connect", fmt.Sprintf("%v:%d", tunFar4.Addr(), peerPort)) }, "-i", tunName)
		r.inject()
	}},
	{"fragments.pcapng", "OpenSSL over a path of TUN devices that cuts packets into IPv4 fragments of 256 bytes; raw IP; DSB", func(r *recording) {
		r.path4(badlink.Impairment{}, 256)
		r.openSSL(r.files(pki.RSA2048), "-tls1_2")
		r.capture(func() { r.sClient("-tls1_2", "-connect", fmt.Sprintf("%v:%d", tunFar4.Addr(), peerPort)) }, "-i", tunName)
		r.inject()
	}},
	{"fragments-ipv6.pcapng", "the same over IPv6, with a fragment header", func(r *recording) {
		r.path4(badlink.Impairment{}, 256)
		r.openSSL(r.files(pki.RSA2048), "-tls1_2")
		r.capture(func() { r.sClient("-tls1_2", "-connect", fmt.Sprintf("[%v]:%d", tunFar6.Addr(), peerPort)) }, "-i", tunName)
		r.inject()
	}},
	{"many.pcapng", "five connections at the same time, of OpenSSL, GnuTLS and `curl`, over IPv4 and IPv6, to several names; DSB", func(r *recording) {
		startNginx(r.t, r.lab.Far(), r.files(pki.ECDSAP256), false)
		r.openSSL(r.files(pki.RSA2048), "-accept", "[::]:9443", "-tls1_2")
		r.capture(func() {
			var clients sync.WaitGroup
			at := hostPort(r.lab.Far(), peerPort)
			six := netip.AddrPortFrom(r.lab.Far().Addr6(), 9443).String()
			for _, c := range [][]string{
				{"curl", "-sk", "--tls-max", "1.2", "https://" + at},
				{"openssl", "s_client", "-connect", six, "-servername", "six.lab.test", "-ign_eof"},
				{"openssl", "s_client", "-connect", at, "-servername", "one.lab.test", "-ign_eof", "-tls1_2"},
				{"curl", "-sk", "--tls-max", "1.2", "--resolve", "two.lab.test:8443:" + r.lab.Far().Addr().String(), "https://two.lab.test:8443/"},
				{"gnutls-cli", "--insecure", "--sni-hostname", "three.lab.test", "--port", fmt.Sprint(peerPort), "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2", r.lab.Far().Addr().String()},
			} {
				clients.Go(func() {
					if c[0] == "openssl" {
						c = append(c, "-keylogfile", r.keys)
					}
					r.run(request, c[0], c[1:]...)
				})
				time.Sleep(2 * time.Millisecond)
			}
			clients.Wait()
		}, r.veth()...)
		r.inject()
	}},
	{"gap.pcap", "`tls11.pcap` without its frame 11, as if the capturing machine had missed it; key log beside", func(r *recording) {
		r.without("tls11.pcap", "11")
	}},
	{"middle.pcap", "`tls11.pcap` from its frame 9 on: the capture began too late; key log beside", func(r *recording) {
		r.without("tls11.pcap", "1-8")
	}},
	{"shuffled.pcapng", "`tls12-curl-nginx.pcapng` with its frames in the wrong order, as from two taps", func(r *recording) {
		shuffle(r, "tls12-curl-nginx.pcapng")
	}},
}

var (
	tunNear4 = netip.MustParsePrefix("198.19.0.1/24")
	tunFar4  = netip.MustParsePrefix("198.19.0.2/24")
	tunNear6 = netip.MustParsePrefix("2001:db8:19::1/64")
	tunFar6  = netip.MustParsePrefix("2001:db8:19::2/64")
)

const tunName = "path0"

// path4 joins the two nodes by a path of TUN devices, over an impaired link, that
// cuts packets into fragments with at most mtu bytes where it is not 0.
func (r *recording) path4(impairment badlink.Impairment, mtu int) {
	r.t.Helper()
	open := func(n *lab.Node, kernel ...netip.Prefix) (l link.Link) {
		if err := n.Do(func() (err error) {
			tun, err := link.OpenTUN(link.TUNOptions{Name: tunName, Kernel: kernel})
			l = tun
			return err
		}); err != nil {
			r.t.Fatal(err)
		}
		return l
	}
	near := badlink.Wrap(open(r.lab.Near(), tunNear4, tunNear6), impairment)
	far := open(r.lab.Far(), tunFar4, tunFar6)
	r.t.Cleanup(func() { near.Close(); far.Close() })
	go forward(near, far, mtu)
	go forward(far, near, mtu)
}

func forward(from, to link.Link, mtu int) {
	buf := make([]byte, 1<<16)
	for id := uint32(1); ; id++ {
		p, err := from.Receive(buf)
		if err != nil {
			return
		}
		for _, piece := range fragments(p.Data, id, mtu) {
			to.Send(piece)
		}
	}
}

// without leaves frames of another capture out.
func (r *recording) without(from, frames string) {
	r.t.Helper()
	from = filepath.Join(capturesDir, from)
	if out, err := exec.Command("editcap", "-F", "pcap", from, r.path, frames).CombinedOutput(); err != nil {
		r.t.Fatalf("editcap: %v\n%s", err, out)
	}
	r.keys = from + ".keys"
	r.keepKeys()
}
