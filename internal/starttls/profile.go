// What all connections with the same options say before TLS.

package starttls

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// A Profile is prepared once, and only read afterwards.
type Profile struct {
	steps    []step
	protocol string
	keep     bool
}

// A Config says what precedes TLS, in this order.
type Config struct {
	Header   int    // version of the PROXY protocol's header; 0: none
	Proxy    *Proxy // is asked for the way; nil: none
	Protocol string // in which TLS is asked for, one of Names; empty: none
	Keep     bool   // have Machine.Lines
}

// NewProfile prepares what is said.
func NewProfile(c Config) (*Profile, error) {
	p := &Profile{protocol: c.Protocol, keep: c.Keep}
	switch c.Header {
	case 0:
	case 1:
		p.add(headerParty, []step{{asks: "the PROXY header", say: header1}})
	case 2:
		p.add(headerParty, []step{{asks: "the PROXY header", say: header2}})
	default:
		return nil, fmt.Errorf("there is no version %d of the PROXY protocol, only 1 and 2", c.Header)
	}
	if c.Proxy != nil {
		p.add(c.Proxy.party(), c.Proxy.steps())
	}
	if c.Protocol == "" {
		return p, nil
	}
	d, ok := find(c.Protocol)
	if !ok {
		return nil, fmt.Errorf("%q is not one of %s", c.Protocol, strings.Join(Names(), ", "))
	}
	p.add(&party{name: "the " + d.server + " server", title: d.Title, tls: d.asks}, d.steps)
	return p, nil
}

var headerParty = &party{name: "the peer", proxy: true}

func (p *Profile) add(who *party, steps []step) {
	for _, s := range steps {
		s.who = who
		p.steps = append(p.steps, s)
	}
}

// Agrees reports whether TLS is agreed on in another protocol, rather than begun
// at once behind a proxy.
func (p *Profile) Agrees() bool { return p.protocol != "" }

// A Proxy is asked for the way to the server.
type Proxy struct {
	SOCKS          bool // version 5; otherwise HTTP
	Host           string
	Port           uint16
	User, Password string
	Authenticate   bool // with the two
}

// Default ports of proxies.
const (
	httpProxyPort  = 8080
	socksProxyPort = 1080
)

// ParseProxy reads http://[USER:PASSWORD@]HOST[:PORT] or socks5://…
func ParseProxy(s string) (*Proxy, error) {
	u, err := url.Parse(s)
	if err != nil { // its error would repeat the password
		return nil, fmt.Errorf("it is not http://[USER:PASSWORD@]HOST:PORT or socks5://…")
	}
	p := &Proxy{Host: u.Hostname(), Port: httpProxyPort}
	switch u.Scheme {
	case "http":
	case "socks5", "socks5h":
		p.SOCKS, p.Port = true, socksProxyPort
	case "https":
		return nil, fmt.Errorf("a proxy that is itself reached by TLS is not spoken to: http:// or socks5://")
	default:
		return nil, fmt.Errorf("%q is not http or socks5", u.Scheme)
	}
	if p.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("it is not %s://[USER:PASSWORD@]HOST:PORT", u.Scheme)
	}
	if port := u.Port(); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("%q is no port", port)
		}
		p.Port = uint16(n)
	}
	if u.User != nil {
		p.Authenticate, p.User = true, u.User.Username()
		p.Password, _ = u.User.Password()
	}
	if p.SOCKS && p.Authenticate && (p.User == "" || len(p.User) > 255 || p.Password == "" || len(p.Password) > 255) {
		return nil, fmt.Errorf("SOCKS 5 takes a user and a password of 1 to 255 bytes each (RFC 1929)")
	}
	return p, nil
}

func (p *Proxy) party() *party {
	if p.SOCKS {
		return &party{name: "the SOCKS proxy", title: "SOCKS 5", tls: "the way", proxy: true}
	}
	return &party{name: "the HTTP proxy", title: "HTTP CONNECT", tls: "the way", proxy: true}
}

func (p *Proxy) steps() []step {
	if p.SOCKS {
		return socks5(p)
	}
	return httpConnect(p)
}

// hostPort is HOST:PORT as a proxy is asked for it.
func (id *Identity) hostPort() string {
	host := id.Host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return host + ":" + strconv.Itoa(int(id.Port))
}
