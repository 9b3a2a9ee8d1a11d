package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
	"github.com/rawshake/rawshake/tlsmsg/handshake/worker"
)

// A plan is a command line of `connect`, understood: everything is read,
// parsed and opened, and the first packet may leave.
type plan struct {
	options connect.Options
	view    view.View
	files   []io.Closer
}

// plan turns the flags into options. Whatever is wrong with them is said here,
// before anything is sent.
func (f *connectFlags) plan(ctx context.Context, arg string) (*plan, error) {
	t, err := parseTarget(arg)
	if err != nil {
		return nil, err
	}
	p := &plan{}
	o := &p.options
	if o.Goal, err = connect.ParseGoal(f.until); err != nil {
		return nil, usageError("--until: %v", err)
	}
	o.Timeout = f.timeout
	if err := f.planDialer(&o.Dialer); err != nil {
		return nil, err
	}
	if err := f.planTLS(o, t); err != nil {
		return nil, err
	}
	if err := t.lookup(ctx, f.resolve); err != nil {
		return nil, err
	}
	o.Remote = t.addrPort()
	o.Request = f.request(t.hostHeader())
	if err := f.planFiles(p); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (f *connectFlags) planDialer(d *rawtcp.Dialer) error {
	d.Interface, d.SourcePort = f.iface, f.sourcePort
	if f.sourceIP != "" {
		a, err := netip.ParseAddr(f.sourceIP)
		if err != nil || !a.Unmap().Is4() {
			return usageError("--source-ip %q is not an IPv4 address", f.sourceIP)
		}
		d.Source = a.Unmap()
	}
	var err error
	if d.Link, err = oneOf("--link", f.link, "auto", "packet", "raw"); err != nil {
		return err
	}
	d.Guard, err = oneOf("--guard", f.guard, "auto", "listener", "nftables", "none")
	return err
}

func oneOf(flag, value string, allowed ...string) (string, error) {
	for _, a := range allowed {
		if value == a {
			return value, nil
		}
	}
	return "", usageError("%s %q is not one of %q", flag, value, allowed)
}

func (f *connectFlags) planTLS(o *connect.Options, t target) error {
	o.TLS.ServerName = f.servername
	if o.TLS.ServerName == "" {
		o.TLS.ServerName = t.host
	}
	o.TLS.ALPN = f.alpn
	o.TLS.AllowUnverified = f.insecure
	o.Worker = &worker.Worker{}
	if f.ca != "" {
		roots, err := loadRoots(f.ca)
		if err != nil {
			return err
		}
		o.Worker.Roots = roots
	}
	if err := parseNames("--ciphers", f.ciphers, tlsmsg.ParseCipherSuite, &o.TLS.CipherSuites); err != nil {
		return err
	}
	if err := parseNames("--groups", f.groups, tlsmsg.ParseNamedGroup, &o.TLS.Groups); err != nil {
		return err
	}
	if err := f.tls.plan(o); err != nil {
		return err
	}
	f.tls.planSession(o, t)
	if f.cert == "" {
		return nil
	}
	chain, key, err := loadCredential(f.cert, f.key)
	if err != nil {
		return err
	}
	credential, err := worker.NewCredential(chain, key)
	if err != nil {
		return usageError("--cert: %v", err)
	}
	o.TLS.Credentials = []handshake.Credential{credential}
	o.Worker.Signers = []crypto.Signer{key}
	return nil
}

// parseNames reads a list of registry names into *to, which keeps its default
// where the list is empty.
func parseNames[T any](flag string, names []string, parse func(string) (T, error), to *[]T) error {
	if len(names) == 0 {
		return nil
	}
	*to = nil
	for _, name := range names {
		v, err := parse(name)
		if err != nil {
			return usageError("%s: %v", flag, err)
		}
		*to = append(*to, v)
	}
	return nil
}

// planFiles opens what is written to.
func (f *connectFlags) planFiles(p *plan) error {
	o := &p.options
	var err error
	o.Output = os.Stdout
	viewOut := os.Stdout
	switch {
	case f.showData:
		o.Output = io.Discard
	case o.Goal == connect.GoalData:
		viewOut = os.Stderr
	}
	if f.output != "" {
		file, err := os.Create(f.output)
		if err != nil {
			return usageError("-o: %v", err)
		}
		p.files = append(p.files, file)
		if o.Goal == connect.GoalData {
			o.Output = file
		} else {
			viewOut = file
		}
	}
	if f.pcap != "" {
		if o.Capture, err = capture.Create(f.pcap, capture.Info{}); err != nil {
			return usageError("--pcap: %v", err)
		}
		p.files = append(p.files, o.Capture)
	}
	keylog := f.keylog
	if keylog == "" {
		keylog = os.Getenv("SSLKEYLOGFILE")
	}
	if keylog != "" {
		if o.KeyLog, err = capture.OpenKeyLog(keylog); err != nil {
			return usageError("--keylog: %v", err)
		}
		p.files = append(p.files, o.KeyLog)
	}
	o.Warn = func(err error) { fmt.Fprintf(os.Stderr, "rawshake: warning: %v; going on without\n", err) }
	if p.view, err = view.New(f.view, viewOut, f.viewOptions(viewOut)); err != nil {
		return usageError("--view: %v", err)
	}
	o.Recorder = transcript.NewRecorder(0, p.view.Entry)
	return nil
}

// close closes the files; the first failure counts. It may be called twice.
func (p *plan) close() error {
	var errs []error
	for _, c := range p.files {
		errs = append(errs, c.Close())
	}
	p.files = nil
	return errors.Join(errs...)
}
