//go:build linux

// Turns the flags and arguments of `probe` that say what is probed into targets, and what
// is left out.

package main

import (
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/probe/supply"
	"github.com/rawshake/rawshake/internal/probe/targets"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// planTargets reads what to probe and what to exclude.
func (f *probeFlags) planTargets(p *probePlan, args []string) error {
	o := &p.options
	if f.ports == "" && !f.portsGiven() {
		f.ports = strconv.Itoa(int(f.preamble.port()))
	}
	ports, err := targets.ParsePorts(f.ports)
	if err != nil {
		return usageError("-p: %v", err)
	}
	rules := &targets.Rules{AllowSpecial: f.allowSpecial}
	if err := f.planExclusions(rules); err != nil {
		return err
	}
	feed := &supply.Feed{Ports: ports, Rules: rules, Name: o.Name, Strict: f.strict, Warn: warnOfLines(), Family: f.wants, Zone: f.zone}
	var specs []targets.Spec
	for _, a := range args {
		if a == "-" {
			f.files = append(f.files, a)
			continue
		}
		spec, err := targets.ParseSpec(a)
		switch {
		case err != nil:
			return usageError("%v", err)
		case spec.Host != "":
			feed.Hosts = append(feed.Hosts, targets.Line{Spec: spec})
		case spec.Range.Zone() != "" && f.wants(spec.Range.First):
			if err := checkZone(f.zone, &spec.Range); err != nil {
				return usageError("%q: %v", a, err)
			}
			feed.Hosts = append(feed.Hosts, targets.Line{Spec: spec})
		case !f.wants(spec.Range.First):
			return usageError("%s is not of the IP version that -4 or -6 asks for", a)
		default:
			specs = append(specs, spec)
		}
	}
	if len(args) == 0 && len(f.files) == 0 {
		if term.IsTerminal(int(os.Stdin.Fd())) {
			return usageError("nothing to probe: name targets, a file with -f, or give a list on standard input")
		}
		f.files = []string{"-"}
	}
	for _, name := range f.files {
		if err := p.openList(feed, name); err != nil {
			return err
		}
	}
	if len(feed.Hosts)+len(feed.Lists) > 0 {
		o.Feed = feed
	}
	o.Space, p.refused, err = targets.BuildSpace(specs, ports, rules)
	if err != nil {
		return usageError("%v", err)
	}
	if f.sample > 0 && o.Feed != nil {
		return usageError("--sample goes with addresses, blocks and ranges on the command line: how long a list is, nobody knows beforehand. Sample it yourself: shuf -n %d LIST | rawshake probe", f.sample)
	}
	o.Space.Sample(f.sample)
	if o.Space.Len() == 0 && o.Feed == nil {
		return usageError("nothing is left to probe: %s", refusals(p.refused))
	}
	return nil
}

// zone is the name of the interface that a target's zone names.
func (f *probeFlags) zone(zone string) (string, error) {
	name, err := route.Zone(zone)
	switch {
	case err != nil && strings.Contains(zone, ":"):
		return "", fmt.Errorf("%w; a port stands behind brackets: [fe80::1%%eth0]:443", err)
	case err != nil:
		return "", err
	case f.iface != "" && f.iface != name:
		return "", fmt.Errorf("the zone is the interface %s, and --interface says %s: leave one of the two out", name, f.iface)
	}
	return name, nil
}

// checkZone replaces the zone of a target on the command line by the interface
// that it names.
func checkZone(zone func(string) (string, error), r *targets.Range) error {
	name, err := zone(r.Zone())
	if err == nil {
		err = supply.CheckBlock(*r)
	}
	*r = r.In(name)
	return err
}

// zoneless refuses a zone where it would leave out less than it seems to.
func zoneless(r targets.Range) error {
	if r.Zone() == "" {
		return nil
	}
	return fmt.Errorf("%v has a zone: an address is left out on every interface, so leave the zone out", r.First)
}

func (f *probeFlags) wants(a netip.Addr) bool { return !(f.ipv4 && a.Is6() || f.ipv6 && a.Is4()) }

func (p *probePlan) openList(feed *supply.Feed, name string) error {
	if name == "-" {
		feed.Lists = append(feed.Lists, &targets.List{Name: "standard input", From: os.Stdin})
		return nil
	}
	file, err := os.Open(name)
	if err != nil {
		return usageError("-f: %v", err)
	}
	p.files = append(p.files, file)
	feed.Lists = append(feed.Lists, &targets.List{Name: name, From: file})
	return nil
}

// planExclusions reads all exclusions before the first packet: an unreadable
// one must not be probed by mistake.
func (f *probeFlags) planExclusions(rules *targets.Rules) error {
	return eachExclusion("--exclude", f.exclude, "--exclude-file", f.excludeFiles, rules.Exclude.Add)
}

// eachExclusion reads what is to be left out, as words and in files, which errors name by
// the flags that gave them.
func eachExclusion(wordFlag string, words []string, fileFlag string, files []string, add func(targets.Range)) error {
	for _, s := range words {
		r, err := targets.ParseRange(s)
		if err == nil {
			err = zoneless(r)
		}
		if err != nil {
			return usageError("%s: %v", wordFlag, err)
		}
		add(r)
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return usageError("%s: %v", fileFlag, err)
		}
		for line, err := range targets.Lines(file, name) {
			if err == nil && line.Spec.Host != "" {
				err = fmt.Errorf("%s: %q is a name; exclusions are addresses, blocks and ranges", name, line.Spec.Host)
			}
			if err == nil {
				err = zoneless(line.Spec.Range)
			}
			if err != nil {
				file.Close()
				return usageError("%s: %v", fileFlag, err)
			}
			add(line.Spec.Range)
		}
		file.Close()
	}
	return nil
}

// maxLineWarnings bounds what is said of unreadable lines; all are counted.
const maxLineWarnings = 10

func warnOfLines() func(error) {
	said := 0
	return func(err error) {
		if said++; said <= maxLineWarnings {
			fmt.Fprintf(os.Stderr, "rawshake: warning: %s; left out\n", plain.EscapeError(err))
		}
	}
}
