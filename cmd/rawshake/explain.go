// `rawshake explain`: its flags, and where its input comes from and its views
// go.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/internal/explain"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view"
)

// explainFlags are the command line of `explain`, before it is judged.
type explainFlags struct {
	viewFlags
	iface      string
	conn       int
	host       string
	port       uint16
	servername string
	ca         string
	fail       bool
	list       bool
	keylog     string
	checksums  string
	strip      bool
	output     string
	html       string
}

func newExplain() *cobra.Command {
	f := explainFlags{viewFlags: viewFlags{view: "ladder"}}
	cmd := &cobra.Command{
		Use:   "explain FILE|-",
		Short: "The same views of somebody else's connection, from a capture or an interface",
		Long: `explain reads a pcap or pcapng file, from whatever machine, and shows the
connection in it as connect shows its own. Where there are several it lists
them; --conn, --host, --port and --servername say which one is meant.

Every byte is shown as a field, from the link's own header on: Ethernet with
VLAN tags, LLC, MPLS and PPPoE, Linux cooked v1 and v2, netfilter's log, PPP,
Cisco HDLC, 802.11 (in the clear), null and loopback, raw IP; and through
tunnels: VXLAN, Geneve, GRE, ERSPAN, GTP-U, L2TP, IP in IP of either version.
Packets that are not read are named with their number on standard error.

TLS that begins later in a stream is found, behind what STARTTLS, CONNECT, SOCKS
and the like say before it; so is the next record that stands up where a capture
begins in the middle, or lost something. A segment with a wrong checksum is
marked, and counts if its peer acknowledges it.

With the session's secrets, from a key log or in the capture itself, TLS 1.0 to
1.2 is shown decrypted; a resumed session also by those of the session that it
resumes, if the capture holds both. With -i it listens on an interface, without sending
anything, and shows the next connection that is meant.`,
		Example: `  rawshake explain capture.pcapng
  rawshake explain --conn 3 --keylog keys.txt --view fields capture.pcap
  tcpdump -i eth0 -w - tcp port 443 | rawshake explain --servername '*.example.com' -
  rawshake explain -i eth0 --port 443
  rawshake explain --strip-secrets -o public.pcapng private.pcapng`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.complete(cmd, args); err != nil {
				return err
			}
			return f.run(cmd.Context(), args)
		},
	}
	f.register(cmd)
	return cmd
}

func (f *explainFlags) register(cmd *cobra.Command) {
	fl := cmd.Flags()
	fl.SortFlags = false
	fl.StringVar(&f.view, "view", f.view, "how to show it: "+strings.Join(view.Names, ", "))
	fl.BoolVar(&f.json, "json", false, "the same as --view json")
	fl.StringVar(&f.selector, "select", "", "of --view fields and hex, only these: ClientHello.extensions, cipher_suites[3], certificate_list[1]")
	fl.StringVar(&f.dictionary, "dictionary", "", "explain fields with the .txt files of this folder (see internal/view/dictionary/en)")
	fl.BoolVarP(&f.verbose, "verbose", "v", false, "show records too")
	fl.BoolVarP(&f.quiet, "quiet", "q", false, "no view, only errors")
	fl.StringVarP(&f.iface, "interface", "i", "", "listen on this interface, in place of a file")
	fl.IntVar(&f.conn, "conn", 0, "the connection of this number in the list")
	fl.StringVar(&f.host, "host", "", "a connection from or to this address, or network: 198.18.0.0/24")
	fl.Uint16Var(&f.port, "port", 0, "a connection from or to this port")
	fl.StringVar(&f.servername, "servername", "", "a connection whose client asks for this name; *.example.com for any below")
	fl.BoolVar(&f.list, "list", false, "list the connections, also where there is one")
	fl.StringVar(&f.keylog, "keylog", "", "decrypt with the secrets in this key log (beside those in the capture)")
	fl.StringVar(&f.checksums, "checksums", "peer", "a segment with a wrong checksum counts if its peer acknowledges it (peer), or never (strict)")
	fl.StringVar(&f.ca, "ca", "", "judge certificates by the roots in this PEM file, not the system's, as of the time of the capture")
	fl.BoolVar(&f.fail, "fail", false, "exit with the status that connect would have, where the connection, or one of those listed, failed")
	fl.BoolVar(&f.strip, "strip-secrets", false, "show nothing: write the capture without its secrets to -o")
	fl.StringVar(&f.html, "html", "", "write a page to this file: every byte explained, in any browser (with secrets, if there are)")
	fl.StringVarP(&f.output, "output", "o", "", "write the view, or the capture without secrets, to this file")
}

func (f *explainFlags) complete(cmd *cobra.Command, args []string) error {
	changed := cmd.Flags().Changed
	switch {
	case f.iface == "" && len(args) != 1:
		return usageError("explain takes one FILE, or - for standard input, not %d arguments", len(args))
	case f.iface != "" && len(args) > 0:
		return usageError("-i %s and the file %s contradict each other", f.iface, args[0])
	case f.iface != "" && (f.strip || f.list || f.conn != 0):
		return usageError("-i shows the next connection: --conn, --list and --strip-secrets are for files")
	case f.json && changed("view") && f.view != "json":
		return usageError("--json and --view %s contradict each other", f.view)
	case f.quiet && f.json:
		return usageError("--quiet and --json contradict each other")
	case f.checksums != "peer" && f.checksums != "strict":
		return usageError("--checksums %q is neither peer nor strict", f.checksums)
	case f.conn < 0 || changed("conn") && f.conn == 0:
		return usageError("--conn %d: the first connection is number 1", f.conn)
	case f.strip && (f.conn != 0 || f.host != "" || f.port != 0 || f.servername != "" || f.list || f.json || f.html != "" || changed("view")):
		return usageError("--strip-secrets copies the whole capture and shows nothing")
	}
	switch {
	case f.json:
		f.view = "json"
	case f.quiet:
		f.view = "none"
	}
	if !slices.Contains(view.Names, f.view) {
		return usageError("--view %q is not one of %s", f.view, strings.Join(view.Names, ", "))
	}
	if err := f.loadDictionary(); err != nil {
		return err
	}
	return checkSelector(f.selector, f.view)
}

func (f *explainFlags) filter() (explain.Filter, error) {
	filter := explain.Filter{Conn: f.conn, Port: f.port, ServerName: f.servername}
	if f.host == "" {
		return filter, nil
	}
	if prefix, err := netip.ParsePrefix(f.host); err == nil {
		filter.Host = prefix.Masked()
		return filter, nil
	}
	a, err := netip.ParseAddr(f.host)
	if err != nil {
		return filter, usageError("--host %q is neither an address nor a network", f.host)
	}
	filter.Host = netip.PrefixFrom(a.Unmap().WithZone(""), a.Unmap().BitLen())
	return filter, nil
}

func (f *explainFlags) run(ctx context.Context, args []string) error {
	filter, err := f.filter()
	if err != nil {
		return err
	}
	var in *os.File
	if f.iface == "" {
		if in, err = openCapture(ctx, args[0]); err != nil {
			return err
		}
		defer in.Close()
		if err := errors.Join(notOver(in, f.output, "-o"), notOver(in, f.html, "--html")); err != nil {
			return err
		}
	}
	out, closeOutput, err := f.openOutput()
	if err != nil {
		return err
	}
	if f.strip {
		err = f.stripSecrets(ctx, in, out)
	} else {
		err = f.explain(ctx, in, out, filter)
	}
	return errors.Join(err, f.outputError(closeOutput()))
}

// outputError says where the view could not be written to.
func (f *explainFlags) outputError(err error) error {
	switch {
	case err == nil:
		return nil
	case f.output == "":
		return failure(err)
	}
	return fileError("-o", err)
}

func openCapture(ctx context.Context, name string) (*os.File, error) {
	if name == "-" {
		return os.Stdin, nil
	}
	file, err := openWaiting(ctx, name)
	if ctx.Err() != nil {
		return nil, &statusError{exitError, errors.New("interrupted before anybody wrote to " + name)}
	}
	if err == nil {
		var info os.FileInfo
		if info, err = file.Stat(); err == nil && info.IsDir() {
			err = fmt.Errorf("open %s: is a directory", name)
		}
	}
	if err != nil {
		return nil, usageError("%v", err)
	}
	return file, nil
}

// openWaiting opens a file. A named pipe opens only once somebody writes to it;
// until then an interrupt ends the wait.
func openWaiting(ctx context.Context, name string) (*os.File, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened, 1)
	go func() {
		file, err := os.Open(name)
		done <- opened{file, err}
	}()
	select {
	case o := <-done:
		return o.file, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (f *explainFlags) explain(ctx context.Context, in *os.File, out io.Writer, filter explain.Filter) error {
	var page *lateFile
	var err error
	if f.html != "" {
		if page, err = newLateFile(f.html, outfile.Secret); err != nil {
			return fileError("--html", err)
		}
	}
	v, err := view.New(f.view, out, f.viewOptions(out))
	if err != nil {
		return usageError("--view: %v", err)
	}
	o := explain.Options{Filter: filter, KeyLog: f.keylog, List: f.list, Listener: v.Entry, StrictChecksums: f.checksums == "strict", Limit: transcript.KeepNothing}
	if f.ca != "" {
		if o.Roots, err = loadRoots(f.ca); err != nil {
			return err
		}
	}
	if page != nil || f.view == "keys" { // both need all of it, and come last
		o.Limit = 0
	}
	if f.view == "keys" {
		o.Listener = nil
	}
	var report *explain.Report
	held.readsLater(f.keylog)
	if f.iface != "" {
		o.Listening = func() {
			held.opened(f.verbose)
			if !f.quiet {
				fmt.Fprintf(os.Stderr, "rawshake: listening on %s for the next connection; Ctrl-C ends it\n", plain.Escape(f.iface))
			}
		}
		report, err = explain.Interface(ctx, f.iface, o)
	} else {
		held.opened(f.verbose)
		report, err = explain.Reader(ctx, in, o)
	}
	if err != nil {
		return explainError(err)
	}
	if f.view == "keys" && report.Transcript != nil {
		options := f.viewOptions(out)
		options.Transcript = func() *transcript.Transcript { return report.Transcript }
		v = view.NewKeys(out, options)
		view.Draw(v, report.Transcript) // its error stays in v.Err
	}
	err = errors.Join(f.conclude(out, report, filter), f.outputError(v.Err()))
	if page != nil && report.Transcript != nil {
		err = errors.Join(err, f.writePage(page, report.Transcript, ""))
	}
	if err == nil && f.fail {
		err = failed(report)
	}
	return err
}

// failed is the exit status of the connection that was shown, or of the first
// listed one that failed.
func failed(r *explain.Report) error {
	var results []*transcript.Result
	if r.Shown != nil {
		results = append(results, r.Transcript.Result())
	} else {
		for _, s := range r.Matching {
			results = append(results, s.Result)
		}
	}
	for _, result := range results {
		if result != nil && !result.OK {
			return &statusError{outcomeStatus(result.Outcome), nil}
		}
	}
	return nil
}

// explainError gives the error of a capture that could not be opened its exit
// status.
func explainError(err error) error {
	if kindOf(err, exitError) == exitNotAllowed {
		return failure(err)
	}
	if errors.Is(err, explain.ErrUnsupported) || errors.Is(err, explain.ErrNoInterface) || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.EISDIR) {
		return usageError("%v", err)
	}
	return failure(err)
}

// conclude says what was found besides the connection that was shown.
func (f *explainFlags) conclude(out io.Writer, r *explain.Report, filter explain.Filter) error {
	f.tellUnread(r)
	if r.TooManySecrets {
		fmt.Fprintln(os.Stderr, "rawshake: warning: the capture holds more secrets than are kept: name a key log with the right one by --keylog")
	}
	if r.Dropped > 0 {
		fmt.Fprintf(os.Stderr, "rawshake: warning: %s came too fast and were not seen\n", count(r.Dropped, "packet"))
	}
	var err error
	if r.Interrupted && r.Shown == nil {
		return &statusError{exitError, fmt.Errorf("interrupted after %s", count(r.Packets, "packet"))}
	}
	if r.Shown == nil && f.iface != "" {
		return &statusError{exitTimeout, fmt.Errorf("no connection that is meant began on %s (%s went by)", f.iface, count(r.Packets, "packet"))}
	}
	if r.Shown == nil {
		err = f.listed(out, r, filter)
	} else if n := len(r.Matching) + r.Unlisted - 1; n > 0 {
		fmt.Fprintf(os.Stderr, "rawshake: %s more in the capture: --list lists them\n", count(n, "connection"))
	}
	if r.Interrupted {
		err = errors.Join(err, &statusError{exitError, fmt.Errorf("interrupted after %s", count(r.Packets, "packet"))})
	}
	if r.Broken != nil {
		said := ""
		if err != nil {
			said = ": " + err.Error()
		}
		err = &statusError{exitError, fmt.Errorf("the capture is broken: %w. What stands before that, %s, was read%s", r.Broken, count(r.Packets, "packet"), said)}
	}
	return err
}

// listed lists the connections if none was shown.
func (f *explainFlags) listed(out io.Writer, r *explain.Report, filter explain.Filter) error {
	if len(r.Matching) == 0 {
		what := "no TCP connection is in the capture"
		if s := filter.String(); s != "" {
			what = fmt.Sprintf("no TCP connection in the capture is meant by %s; it has %d in all", plain.Escape(s), r.Total)
		}
		return &statusError{exitError, fmt.Errorf("%s (%d packets)", what, r.Packets)}
	}
	list := view.List{JSON: f.view == "json"}
	if err := list.Write(out, r.Matching, r.Unlisted); err != nil {
		return f.outputError(err)
	}
	if !f.list {
		fmt.Fprintf(os.Stderr, "rawshake: %d connections: --conn N, --host, --port or --servername says which one to show\n", len(r.Matching)+r.Unlisted)
	}
	return nil
}

// notOver refuses to write over the file that is about to be read.
func notOver(in *os.File, path, flag string) error {
	read, err := in.Stat()
	if err != nil || path == "" || !read.Mode().IsRegular() {
		return nil
	}
	if written, err := os.Stat(path); err == nil && os.SameFile(read, written) {
		return usageError("%s %s is the capture itself, which would be lost: write to another file", flag, path)
	}
	return nil
}

// openOutput opens where the view goes.
func (f *explainFlags) openOutput() (io.Writer, func() error, error) {
	if f.output == "" {
		return os.Stdout, func() error { return nil }, nil
	}
	kind := outfile.Secret // a view shows keys, and what they decrypt
	if f.strip {
		kind = outfile.Public
	}
	file, err := createFile(f.output, kind)
	if err != nil {
		return nil, nil, fileError("-o", err)
	}
	return file, file.Close, nil
}

func (f *explainFlags) stripSecrets(ctx context.Context, in io.Reader, out io.Writer) error {
	if file, ok := out.(*os.File); ok && isTerminal(file) {
		return usageError("--strip-secrets writes a capture, which is nothing for a terminal: -o FILE, or > FILE")
	}
	held.opened(f.verbose)
	blocks, err := capture.StripSecrets(ctx, out, explain.Interruptible(ctx, in))
	if ctx.Err() != nil {
		return &statusError{exitError, errors.New("interrupted: the copy is not whole")}
	}
	if err != nil {
		return failure(err)
	}
	if !f.quiet {
		fmt.Fprintf(os.Stderr, "rawshake: %s of secrets taken out\n", count(blocks, "block"))
	}
	return nil
}
