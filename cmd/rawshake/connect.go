//go:build linux

// `rawshake connect`: its flags, and one connection from the command line to
// the exit status.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/conn/http1"
	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/goal"
	"github.com/rawshake/rawshake/internal/view"
	"github.com/rawshake/rawshake/internal/view/step"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// connectFlags are the command line of `connect`, before it is judged.
type connectFlags struct {
	viewFlags
	tls           tlsFlags
	tls13         tls13Flags
	preamble      preambleFlags
	until         string
	get           string
	maxTime       time.Duration
	maxSize       string
	servername    string
	ca, cert, key string
	insecure      bool
	alpn          []string
	ciphers       []string
	groups        []string
	iface         string
	sourceIP      string
	sourcePort    uint16
	ecn           string
	link, guard   string
	timeout       time.Duration
	pcap, keylog  string
	noSecrets     bool
	html          string
	step          bool
	ipv4, ipv6    bool
	output        string
	resolve       []string
	input         io.Reader // for the demo, in place of standard input
}

func defaultConnectFlags() connectFlags {
	return connectFlags{viewFlags: viewFlags{view: "ladder"}, link: "auto", guard: "auto", timeout: 10 * time.Second}
}

func newConnect() *cobra.Command {
	f := defaultConnectFlags()
	return connectCommand(&f)
}

func connectCommand(f *connectFlags) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "connect HOST[:PORT]",
		Short: "One connection, from SYN to Finished, shown as it happens",
		Long: `connect opens one TCP connection with our own segments, performs a TLS
handshake over it with our own messages, and shows every step. One ClientHello
offers TLS 1.3 and 1.2, and the handshake goes on with what the server takes;
--max-version 1.2 and --min-version 1.3 choose, and TLS 1.0 and 1.1 are taken
where --min-version says so.

The port is 443 if none is given, or that of --starttls, which first asks for TLS
in another protocol. --proxy and --proxy-protocol come before that. Of a name with several addresses the next one
is tried where one cannot be reached, in equal shares of --timeout. With --get, or with standard input from a
pipe or a file, it goes on to application data: then the reply is on standard
output, and the view on standard error.`,
		Example: `  rawshake connect example.com
  rawshake connect --get / --pcap out.pcapng --keylog keys.txt 198.18.0.2
  rawshake connect --until certificate --json example.com:8443
  rawshake connect -6 [2001:db8::2]:443
  rawshake connect --max-version 1.2 example.com
  rawshake connect --min-version 1.0 --legacy --insecure old.example.com
  rawshake connect --starttls smtp mail.example.com
  rawshake connect --proxy http://proxy.example.com:3128 example.com
  rawshake connect --session-file sessions.json example.com
  printf 'HEAD / HTTP/1.0\r\n\r\n' | rawshake connect localhost:8443 --ca ca.pem`,
		Args: exactlyOneHost,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.complete(cmd); err != nil {
				return err
			}
			return runConnect(cmd.Context(), f, args[0])
		},
	}
	f.register(cmd)
	return cmd
}

func exactlyOneHost(_ *cobra.Command, args []string) error {
	if len(args) != 1 {
		return usageError("connect takes one HOST[:PORT], not %d arguments", len(args))
	}
	return nil
}

func (f *connectFlags) register(cmd *cobra.Command) {
	f.registerView(cmd)
	fl := cmd.Flags()
	fl.StringVar(&f.until, "until", "", "how far to go: tcp, hello, certificate, finished, data (default finished)")
	fl.StringVar(&f.get, "get", "", "send an HTTP GET for this path, and write the reply to standard output")
	fl.DurationVar(&f.maxTime, "max-time", 0, "of --get, the most that the whole reply may take (default 10m)")
	fl.StringVar(&f.maxSize, "max-size", "", "of --get, the most bytes that the reply may have, as in 200M (default 1G)")
	fl.StringVar(&f.servername, "servername", "", "name for server_name and for the certificate (default HOST)")
	fl.StringVar(&f.ca, "ca", "", "trust the certificates in this PEM file, not the system's")
	fl.StringVar(&f.cert, "cert", "", "client certificate chain, a PEM file, for when the server asks, whichever authorities it names")
	fl.StringVar(&f.key, "key", "", "private key of --cert, a PEM file (default: in the file of --cert)")
	fl.BoolVar(&f.insecure, "insecure", false, "go on with a certificate that does not verify")
	fl.StringSliceVar(&f.alpn, "alpn", nil, "protocols to offer, such as http/1.1")
	fl.StringSliceVar(&f.ciphers, "ciphers", nil, "cipher suites to offer, by IANA or OpenSSL name, or any number: 0xC02B")
	fl.StringSliceVar(&f.groups, "groups", nil, "groups to offer: x25519, secp256r1, secp384r1, secp521r1, ffdhe2048, …")
	f.tls.register(cmd)
	f.tls13.register(cmd)
	f.preamble.register(cmd)
	f.preamble.registerProxy(cmd)
	f.registerRoute(cmd)
	registerECN(fl, &f.ecn)
	fl.Uint16Var(&f.sourcePort, "source-port", 0, "our port (default: a free one, at random)")
	fl.DurationVar(&f.timeout, "timeout", f.timeout, "for the handshake, and for each silence after it")
	fl.StringVarP(&f.output, "output", "o", "", "write the reply, or without one the view, to this file")
	f.registerFamily(cmd)
}

// registerRoute adds the flags that say by which route packets go.
func (f *connectFlags) registerRoute(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.StringVarP(&f.iface, "interface", "i", "", "leave by this interface (default: as the route says)")
	fl.StringVar(&f.sourceIP, "source-ip", "", "our address, or a free one of the network on the link, without a guard (default: as the route says)")
	fl.StringVar(&f.link, "link", f.link, "packet I/O: auto, packet (AF_PACKET), raw (raw IP socket); or kernel: our TLS over the kernel's TCP, without CAP_NET_RAW and without segments")
	fl.StringVar(&f.guard, "guard", f.guard, "what keeps the kernel's RSTs away: auto, listener, nftables, tcx (with the packet link), none")
}

// registerFamily adds those that say which addresses a name stands for.
func (f *connectFlags) registerFamily(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.BoolVarP(&f.ipv4, "ipv4", "4", false, "use IPv4 addresses only")
	fl.BoolVarP(&f.ipv6, "ipv6", "6", false, "use IPv6 addresses only (default: IPv4 first where a name has both)")
	fl.StringArrayVar(&f.resolve, "resolve", nil, "HOST:ADDR or HOST:PORT:ADDR, use ADDR for HOST")
}

// registerView adds the flags that say how a connection is shown.
func (f *connectFlags) registerView(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.view, "view", f.view, "how to show it: "+strings.Join(view.Names, ", "))
	fl.StringVar(&f.selector, "select", "", "of --view fields and hex, only these: ClientHello.extensions, cipher_suites[3], certificate_list[1]")
	fl.StringVar(&f.dictionary, "dictionary", "", "explain fields with the .txt files of this folder (see internal/view/dictionary/en)")
	fl.BoolVar(&f.json, "json", false, "the same as --view json")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "show records and every measurement too")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no view, only the reply and errors")
	fl.BoolVar(&f.step, "step", false, "stop before each packet we send and after each that arrives, and ask what to do with it")
	fl.StringVar(&f.pcap, "pcap", "", "write a capture (pcapng) to this file, or - for standard output: packets, decisions as comments, secrets")
	fl.BoolVar(&f.noSecrets, "no-secrets", false, "leave the secrets that decrypt it out of the capture")
	fl.StringVar(&f.html, "html", "", "write a page to this file: every byte explained, in any browser (it holds secrets)")
	fl.StringVar(&f.keylog, "keylog", "", "append the session's secrets to this file (default $SSLKEYLOGFILE)")
}

// requestPath is what may stand in a request line (RFC 9112, section 3.2).
var requestPath = regexp.MustCompile(`^/[!-~\x80-\x{10ffff}]*$`)

// complete fills in what depends on other flags and refuses what does not fit.
func (f *connectFlags) complete(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	if f.json {
		if changed("view") && f.view != "json" {
			return usageError("--json and --view %s contradict each other", f.view)
		}
		f.view = "json"
	}
	if f.quiet && f.json {
		return usageError("--quiet and --json contradict each other")
	}
	if f.quiet {
		f.view = "none"
	}
	if !slices.Contains(view.Names, f.view) {
		return usageError("--view %q is not one of %s", f.view, strings.Join(view.Names, ", "))
	}
	if err := checkSelector(f.selector, f.view); err != nil {
		return err
	}
	if f.timeout <= 0 {
		return usageError("--timeout %v: must be more than 0", f.timeout)
	}
	if err := f.loadDictionary(); err != nil {
		return err
	}
	if f.step {
		switch {
		case f.link == string(connect.LinkKernel):
			return usageError("--step and --link %s contradict each other: those packets are the kernel's", f.link)
		case f.json:
			return usageError("--step and --json contradict each other")
		case f.get == "" && f.until == goal.Data.String():
			return usageError("--step reads answers from standard input: say what to send with --get")
		}
		if !changed("timeout") {
			f.timeout = stepTimeout // people take their time
		}
	}
	if f.key != "" && f.cert == "" {
		return usageError("--key needs --cert")
	}
	if (f.get != "" || changed("get")) && !requestPath.MatchString(f.get) {
		return usageError("--get %q: a path begins with / and holds no spaces or control characters", f.get)
	}
	if f.until == "" {
		f.until = goal.Finished.String()
		if f.get != "" || inputWaits() && !f.step { // with --step it holds the answers
			f.until = goal.Data.String()
		}
	}
	until, err := goal.Parse(f.until)
	if err != nil {
		return usageError("--until: %v", err)
	}
	if f.get != "" && until != goal.Data {
		return usageError("--get and --until %s contradict each other", until)
	}
	return nil
}

// inputWaits reports whether standard input is a pipe or a file, rather than a
// terminal or /dev/null: then it is the request.
func inputWaits() bool {
	info, err := os.Stdin.Stat()
	return err == nil && (info.Mode().IsRegular() && info.Size() > 0 || info.Mode()&os.ModeNamedPipe != 0)
}

func (f *connectFlags) request(host string) io.Reader {
	switch {
	case f.input != nil:
		return f.input
	case f.get == "":
		return os.Stdin
	}
	return bytes.NewReader(http1.Get(f.get, host))
}

func runConnect(ctx context.Context, f *connectFlags, target string) error {
	plan, err := f.plan(ctx, target)
	if err != nil {
		return err
	}
	defer plan.close()
	if f.step {
		var abort context.CancelFunc
		ctx, abort = context.WithCancel(ctx)
		defer abort()
		f.planStep(ctx, plan, abort)
	}
	held.writesLater(f.tls.sessionFile, true)
	plan.options.Opened = func() { held.opened(f.verbose) }
	result, err := connect.Run(ctx, plan.options)
	written := errors.Join(plan.view.Err(), plan.writePage(), plan.close())
	f.saySecrets(plan.options.Capture)
	switch {
	case err == nil && written == nil && f.incomplete(plan):
		return &statusError{exitError, nil} // a warning has said why
	case err == nil && written == nil:
		return nil
	case written == nil && plan.told: // it stands right above
		return &statusError{status(result.Outcome, err), nil}
	}
	err = errors.Join(err, written)
	var output *connect.OutputError
	if errors.As(err, &output) { // not the peer's doing
		result.Reasons = nil
	}
	return &statusError{status(result.Outcome, err), remedied(err, result.Reasons)}
}

// incomplete reports whether a file that was asked for is not whole. A key log
// that only the environment asks for does not count.
func (f *connectFlags) incomplete(p *plan) bool {
	capture, log := p.options.Capture, p.options.KeyLog
	return f.tls.unsaved || capture != nil && capture.Err() != nil || f.keylog != "" && log != nil && log.Err() != nil
}

// saySecrets tells the person what a capture holds that others must not have.
func (f *connectFlags) saySecrets(w *capture.Writer) {
	if w == nil || f.quiet {
		return
	}
	name := plain.Escape(f.pcap)
	if f.pcap == stdio {
		name = "the capture on standard output"
	}
	if f.preamble.credentials() {
		fmt.Fprintf(os.Stderr, "rawshake: %s holds the password of the proxy, as it was sent: in plaintext\n", name)
	}
	if !w.HoldsSecrets() {
		return
	}
	fmt.Fprintf(os.Stderr, "rawshake: %s holds the session's secrets: whoever has it can read the connection. --no-secrets leaves them out, explain --strip-secrets takes them out\n", name)
}

// stepTimeout bounds a connection that somebody steps through.
const stepTimeout = time.Hour

// planStep makes the connection ask a person about each packet.
func (f *connectFlags) planStep(ctx context.Context, p *plan, abort func()) {
	p.options.Gate = func(note func(string)) link.Gatekeeper {
		s := step.New(ctx, os.Stdin, os.Stderr)
		s.Options, s.Note, s.Abort = f.viewOptions(os.Stderr), note, abort
		return s.Keep
	}
}

// status is the exit status of a connection and of the files that it was to
// write.
func status(outcome string, err error) int {
	if code := outcomeStatus(outcome); code != exitError {
		return code
	}
	return kindOf(err, exitError)
}
