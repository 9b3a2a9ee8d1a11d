// Completion of values that only Linux knows: labs, interfaces, links, guards.

package main

import (
	"net"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/daemon"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/suite"
)

// What --link and --guard may be.
var (
	connectLinks  = []link.Kind{link.KindAuto, link.KindPacket, link.KindRaw, connect.LinkKernel}
	probeLinks    = []link.Kind{link.KindAuto, link.KindPacket, link.KindRaw, link.KindXDP}
	connectGuards = []guard.Kind{guard.KindAuto, guard.KindListener, guard.KindNFTables, guard.KindTCX, guard.KindNone}
	runGuards     = []guard.Kind{guard.KindAuto, guard.KindListener, guard.KindNFTables}
	versions      = []string{"1.0", "1.1", "1.2", "1.3"}
	compressions  = []string{"zlib", "brotli", "zstd"}
	protocols     = []string{"http/1.1", "http/1.0", "h2"}
)

// systemChoices does what choices does, for flags whose values need Linux.
func systemChoices(cmd *cobra.Command, flag *pflag.Flag) func() []string {
	switch flag.Name {
	case "ecn":
		return fixed(ecnModes)
	case "link":
		if cmd.Name() == "probe" {
			return fixed(probeLinks)
		}
		return fixed(connectLinks)
	case "guard":
		if cmd.Name() == "run" {
			return fixed(runGuards)
		}
		return fixed(connectGuards)
	case "min-version", "max-version":
		if cmd.Name() == "probe" {
			return fixed(versions[:3])
		}
		return fixed(versions)
	case "alpn":
		return fixed(protocols)
	case "ciphers":
		return func() []string { return registered(tlsmsg.CipherSuite.String, "TLS_") }
	case "groups":
		return func() []string { return registered(tlsmsg.NamedGroup.String, "") }
	case "key-shares":
		return func() (names []string) {
			for _, g := range slices.Concat(suite.HybridGroups(), suite.Groups(), suite.FFDHEGroups()) {
				names = append(names, g.String())
			}
			return append(names, "none")
		}
	case "compress-certificate":
		return fixed(compressions)
	case "omit-extension":
		return func() []string { return registered(tlsmsg.ExtensionType.String, "") }
	case "fields":
		return fixed(record.Names)
	case "topology":
		return lab.Topologies
	case "name":
		return labNames
	case "interface":
		return interfaces
	}
	return fixed(service.Choices(flag.Name))
}

// registered lists the names in a registry.
func registered[T ~uint16](name func(T) string, prefix string) (names []string) {
	for n := range 1 << 16 {
		s := name(T(n))
		if strings.HasPrefix(s, prefix) && s != "" && !strings.ContainsAny(s, " ()") && !strings.HasPrefix(s, "0x") && !strings.HasPrefix(s, "GREASE") {
			names = append(names, s)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func labNames() (names []string) {
	all, _ := daemon.List()
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names
}

func interfaces() (names []string) {
	all, _ := net.Interfaces()
	for _, i := range all {
		names = append(names, i.Name)
	}
	return names
}
