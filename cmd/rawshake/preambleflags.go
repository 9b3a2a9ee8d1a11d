//go:build linux

// The flags about what precedes TLS, of all commands that connect.

package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/starttls"
)

type preambleFlags struct {
	starttls, proxy string
	header          int
}

// register adds the flags that every such command has.
func (f *preambleFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVar(&f.starttls, "starttls", "", "ask for TLS in this protocol, whose port is the default: "+strings.Join(starttls.Names(), ", "))
	fl.IntVar(&f.header, "proxy-protocol", 0, "first send the header of the PROXY protocol, in version 1 or 2")
}

// registerProxy adds the flag of those that go through a proxy.
func (f *preambleFlags) registerProxy(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.proxy, "proxy", "", "go through http://[USER:PASSWORD@]HOST:PORT (CONNECT) or socks5://…, which looks up the name of HOST itself")
}

// credentials reports whether a password goes to a proxy.
func (f *preambleFlags) credentials() bool {
	p, err := starttls.ParseProxy(f.proxy)
	return err == nil && p.Authenticate
}

// port is where a target is reached that names no port.
func (f *preambleFlags) port() uint16 {
	if d, ok := starttls.Find(f.starttls); ok {
		return d.Port
	}
	return defaultPort
}

// plan prepares what precedes TLS, or nothing. Without TLS nothing is said but to
// a proxy.
func (f *preambleFlags) plan(g goal.Goal) (*starttls.Config, error) {
	c := &starttls.Config{Header: f.header, Protocol: f.starttls}
	if f.proxy != "" {
		p, err := starttls.ParseProxy(f.proxy)
		if err != nil {
			return nil, usageError("--proxy: %v", err)
		}
		c.Proxy = p
	}
	if _, err := starttls.NewProfile(*c); err != nil {
		flag := "--starttls"
		if _, ok := starttls.Find(f.starttls); ok || f.starttls == "" {
			flag = "--proxy-protocol"
		}
		return nil, usageError("%s: %v", flag, err)
	}
	if g == goal.TCP {
		c.Protocol = ""
		if c.Proxy == nil {
			c.Header = 0
		}
	}
	if *c == (starttls.Config{}) {
		return nil, nil
	}
	return c, nil
}

// profile is the same, prepared for many connections.
func (f *preambleFlags) profile(g goal.Goal) (*starttls.Profile, error) {
	c, err := f.plan(g)
	if err != nil || c == nil {
		return nil, err
	}
	c.Keep = true
	return starttls.NewProfile(*c)
}

// planPreamble has a connection say what precedes TLS. It returns whom our TCP is
// to reach: the target, or a proxy.
func (f *connectFlags) planPreamble(o *connect.Options, t target) (target, error) {
	c, err := f.preamble.plan(o.Goal)
	if err != nil || c == nil {
		return t, err
	}
	if o.Preamble, err = starttls.NewProfile(*c); err != nil {
		return t, err
	}
	o.Host, o.Port = t.host, t.port
	if c.Proxy == nil {
		return t, nil
	}
	if strings.Contains(t.host, "%") {
		return t, usageError("--proxy: the zone of %s means nothing to a proxy", t.host)
	}
	return target{host: c.Proxy.Host, port: c.Proxy.Port}, nil
}
