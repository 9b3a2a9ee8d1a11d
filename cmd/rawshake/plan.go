//go:build linux

// Turns the flags of `connect` into options, with every file opened, before the
// first packet leaves.

package main

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/rawtcp"
	"github.com/rawshake/rawshake/rawtcp/route"
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
	page    *lateFile // --html; nil: none
	title   string    // of the page
	show    *viewFlags
	told    bool // whether the view on the terminal says how it ended
}

// plan turns the flags into options. Every mistake in them is reported here,
// before anything is sent.
func (f *connectFlags) plan(ctx context.Context, arg string) (*plan, error) {
	t, err := parseTarget(arg, f.preamble.port())
	if err != nil {
		return nil, err
	}
	p := &plan{}
	o := &p.options
	if o.Goal, err = goal.Parse(f.until); err != nil {
		return nil, usageError("--until: %v", err)
	}
	o.Timeout = f.timeout
	p.title, p.show = arg, &f.viewFlags
	if err := f.planDialer(&o.Dialer); err != nil {
		return nil, err
	}
	if o.ECN, err = parseECN(f.ecn); err != nil {
		return nil, err
	}
	o.Request, o.HTTP = f.request(t.hostHeader()), f.get != ""
	if err := f.planTLS(o, t); err != nil {
		return nil, err
	}
	reach, err := f.planPreamble(o, t)
	if err != nil {
		return nil, err
	}
	family, err := f.family(o.Dialer.Source)
	if err != nil {
		return nil, err
	}
	if err := f.planBounds(o); err != nil {
		return nil, err
	}
	if err := f.planFiles(p); err != nil {
		p.close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	if err := reach.lookup(ctx, f.resolve, family, route.Via{Interface: f.iface}); err != nil {
		return nil, p.fail(err)
	}
	o.Remote, o.Others = reach.addrPort(), reach.otherAddrPorts()
	return p, nil
}

// planBounds reads the bounds on a whole reply.
func (f *connectFlags) planBounds(o *connect.Options) error {
	switch {
	case (f.maxTime != 0 || f.maxSize != "") && f.get == "":
		return usageError("--max-time and --max-size bound the reply to --get, which is not there")
	case f.maxTime < 0:
		return usageError("--max-time %v: must be more than 0", f.maxTime)
	case f.maxSize != "":
		n, err := parseBytes(f.maxSize)
		if err != nil || n == 0 || n > 1<<62 {
			return usageError("--max-size %q is no number of bytes, such as 200M", f.maxSize)
		}
		o.MaxSize = int64(n)
	}
	o.MaxTime = f.maxTime
	return nil
}

// fail ends a plan whose address could not be found. The view says so too.
func (p *plan) fail(err error) error {
	defer p.close()
	var status *statusError
	if errors.As(err, &status) {
		return err
	}
	outcome := goal.Outcome(goal.Finished, err)
	r := transcript.Result{Outcome: outcome, Error: err.Error()}
	status = &statusError{code: outcomeStatus(outcome)}
	var name *goal.NameError
	if errors.As(err, &name) {
		r.Reasons = []transcript.Reason{name.NameReason()}
		if name.Timeout() {
			status.code = exitTimeout
		}
	}
	p.options.Recorder.Result(0, r)
	status.err = remedied(err, r.Reasons)
	return status
}

// planVia reads --interface and --source-ip.
func planVia(iface, sourceIP string) (route.Via, error) {
	via := route.Via{Interface: iface}
	if iface != "" {
		if _, err := net.InterfaceByName(iface); err != nil {
			return via, usageError("--interface: there is no interface %q here (ip link lists them)", iface)
		}
	}
	if sourceIP != "" {
		a, err := netip.ParseAddr(sourceIP)
		if err != nil {
			return via, usageError("--source-ip %q is not an IP address", sourceIP)
		}
		via.Source = a.Unmap()
	}
	return via, nil
}

func (f *connectFlags) planDialer(d *rawtcp.Dialer) error {
	via, err := planVia(f.iface, f.sourceIP)
	if err != nil {
		return err
	}
	d.Interface, d.Source, d.SourcePort = via.Interface, via.Source, f.sourcePort
	if d.Link, err = oneOf("--link", f.link, connectLinks...); err != nil {
		return err
	}
	if d.Link == connect.LinkKernel {
		if err := f.checkKernelLink(); err != nil {
			return err
		}
	}
	d.Guard, err = oneOf("--guard", f.guard, connectGuards...)
	return err
}

// checkKernelLink refuses flags about segments or a guard if TCP is the
// kernel's.
func (f *connectFlags) checkKernelLink() error {
	switch {
	case f.pcap != "":
		return usageError("--pcap writes our segments, and with --link kernel there are none: leave one of them out, or capture with tcpdump")
	case f.ecn != "" && f.ecn != ecnOff: // which audit does not have
		return usageError("--ecn %s is our TCP's, and with --link kernel TCP is the kernel's: leave it out, or set net.ipv4.tcp_ecn", f.ecn)
	case f.guard != "auto" && f.guard != "none":
		return usageError("--guard %s keeps the kernel away from our port, and with --link kernel the port is the kernel's: leave it out", f.guard)
	}
	return nil
}

// family is the IP versions that -4, -6 and our own address allow.
func (f *connectFlags) family(source netip.Addr) (family, error) {
	switch {
	case f.ipv4 && f.ipv6:
		return "", usageError("-4 and -6 contradict each other")
	case source.IsValid() && (f.ipv4 && source.Is6() || f.ipv6 && source.Is4()):
		return "", usageError("--source-ip %v is of another IP version than asked for", source)
	case f.ipv4 || source.Is4():
		return onlyIPv4, nil
	case f.ipv6 || source.Is6():
		return onlyIPv6, nil
	}
	return anyFamily, nil
}

func oneOf[S ~string](flag, value string, allowed ...S) (S, error) {
	if s := S(value); slices.Contains(allowed, s) {
		return s, nil
	}
	return "", usageError("%s %q is not one of %s", flag, value, strings.Join(fixed(allowed)(), ", "))
}

func (f *connectFlags) planTLS(o *connect.Options, t target) error {
	o.TLS.ServerName = f.servername
	if o.TLS.ServerName == "" {
		o.TLS.ServerName, _, _ = strings.Cut(t.host, "%") // a certificate never names our interfaces
	}
	if f.servername != "" {
		if _, err := netip.ParseAddr(f.servername); err != nil {
			if _, err := tlsmsg.NewServerName(strings.TrimSuffix(f.servername, ".")); err != nil {
				return usageError("--servername: %v", err)
			}
		}
	}
	o.TLS.AllowUnverified = f.insecure
	o.Worker = &worker.Worker{}
	if err := planRoots(o.Worker, f.ca, o.Goal >= goal.Certificate); err != nil {
		return err
	}
	if err := planOffer(&o.TLS, f.alpn, f.ciphers, f.groups); err != nil {
		return err
	}
	if err := f.tls.plan(o); err != nil {
		return err
	}
	f.tls.offerBoth(&o.TLS)
	if err := f.tls.planGREASEECH(&o.TLS); err != nil {
		return err
	}
	if err := f.tls13.plan(o); err != nil {
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
	o.TLS.Credentials, o.TLS.AnyAuthority = []handshake.Credential{credential}, true
	o.Worker.Signers = []crypto.Signer{key}
	return nil
}

// parseNames reads a list of registry names into *to, which keeps its default
// where the list is empty.
func parseNames[T comparable](flag string, names []string, parse func(string) (T, error), to *[]T) error {
	if len(names) == 0 {
		return nil
	}
	*to = nil
	for _, name := range names {
		v, err := parse(name)
		if err != nil {
			return usageError("%s: %v", flag, err)
		}
		if !slices.Contains(*to, v) { // said twice is offered once
			*to = append(*to, v)
		}
	}
	return nil
}

// planFiles opens the files to write.
func (f *connectFlags) planFiles(p *plan) error {
	o := &p.options
	var err error
	o.Output = os.Stdout
	var viewOut io.Writer = os.Stdout
	switch {
	case f.showData:
		o.Output = io.Discard
	case o.Goal == goal.Data:
		viewOut = os.Stderr
	}
	if f.output != "" {
		kind := outfile.Secret // a view shows keys, and what they decrypt
		if o.Goal == goal.Data {
			kind = outfile.Private
		}
		file, err := newLateFile(f.output, kind)
		if err != nil {
			return fileError("-o", err)
		}
		p.files = append(p.files, file)
		if o.Goal == goal.Data {
			o.Output = file
		} else {
			viewOut = file
		}
	}
	if err := f.planCapture(p); err != nil {
		return err
	}
	if f.pcap == stdio && viewOut == os.Stdout {
		viewOut = os.Stderr
	}
	if f.html != "" {
		if p.page, err = newLateFile(f.html, outfile.Secret); err != nil {
			return fileError("--html", err)
		}
	}
	if err := f.planKeyLog(p); err != nil {
		return err
	}
	o.Warn = func(err error) { fmt.Fprintf(os.Stderr, "rawshake: warning: %v; going on without\n", err) }
	if file, ok := viewOut.(*os.File); ok {
		p.told = f.view != "json" && f.view != "none" && isTerminal(file) && isTerminal(os.Stderr)
	}
	if !f.quiet && !p.told {
		o.Tell = func(text string) { fmt.Fprintf(os.Stderr, "rawshake: %s\n", plain.Escape(text)) }
	}
	options := f.viewOptions(viewOut)
	options.Transcript = func() *transcript.Transcript { return o.Recorder.Transcript() }
	if p.view, err = view.New(f.view, viewOut, options); err != nil {
		return usageError("--view: %v", err)
	}
	o.Recorder = transcript.NewRecorder(0, p.view.Entry)
	return nil
}

// stdio is the name of standard output, as a file.
const stdio = "-"

// planCapture opens the capture.
func (f *connectFlags) planCapture(p *plan) (err error) {
	o := &p.options
	info := capture.Info{Application: "rawshake " + version(), Interface: f.iface, Secrets: !f.noSecrets, Public: f.noSecrets}
	switch {
	case f.pcap == "":
		if f.noSecrets {
			return usageError("--no-secrets goes with --pcap")
		}
		return nil
	case f.pcap == stdio && o.Output == os.Stdout && o.Goal == goal.Data:
		return usageError("--pcap - and the reply both go to standard output: write one of them to a file, the reply with -o")
	case f.pcap == stdio:
		o.Capture, err = capture.NewWriter(os.Stdout, info)
	default:
		sayReplaced := replacing(f.pcap)
		if o.Capture, err = capture.Create(f.pcap, info); err == nil {
			sayReplaced()
		}
	}
	if err != nil {
		return fileError("--pcap", err)
	}
	p.files = append(p.files, o.Capture)
	sayExposed(o.Capture.Exposed())
	return nil
}

// planKeyLog opens the key log. If only the environment asks for it, a failure
// does not stop the connection.
func (f *connectFlags) planKeyLog(p *plan) error {
	path := cmp.Or(f.keylog, os.Getenv("SSLKEYLOGFILE"))
	if path == "" {
		return nil
	}
	log, err := capture.OpenKeyLog(path)
	switch {
	case err == nil:
		p.options.KeyLog = log
		sayExposed(log.Exposed())
		p.files = append(p.files, log)
	case f.keylog != "":
		return fileError("--keylog", err)
	default:
		fmt.Fprintf(os.Stderr, "rawshake: warning: SSLKEYLOGFILE: %v; going on without\n", err)
	}
	return nil
}

// writePage writes the page of what happened, if it was asked for.
func (p *plan) writePage() error {
	if p.page == nil {
		return nil
	}
	return p.show.writePage(p.page, p.options.Recorder.Transcript(), p.title)
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
