// Package doctor finds out what this machine allows. Everything that rawshake
// relies on is tried, not guessed, and whatever is missing comes with the
// command that mends it.
package doctor

import "context"

// A Finding is one thing that was tried.
type Finding struct {
	Name   string `json:"name"`             // stable, for scripts: see the constants
	OK     bool   `json:"ok"`               // whether it works here
	Detail string `json:"detail"`           // what was found, in a few words
	Why    string `json:"why"`              // what it is needed for
	Remedy string `json:"remedy,omitempty"` // the command that mends it, empty if OK
	// Optional says that connect and probe work here without it: it is one of
	// several alternatives, or only serves other commands.
	Optional bool `json:"optional,omitempty"`
}

// The names of the findings, in their order.
const (
	Kernel         = "kernel"
	NetRaw         = "cap_net_raw"
	NetAdmin       = "cap_net_admin"
	PacketSocket   = "packet_socket"
	RawSocket      = "raw_ip_socket"
	GuardListener  = "guard_listener"
	GuardNftables  = "guard_nftables"
	GuardTCX       = "guard_tcx"
	AFXDP          = "af_xdp"
	SourcePorts    = "source_ports"
	Loopback       = "loopback"
	Routes         = "routes"
	ReversePath    = "rp_filter"
	LocalRules     = "local_rules"
	Offloads       = "offloads"
	Clock          = "clock"
	OpenFiles      = "open_files"
	Memory         = "memory"
	UserNamespaces = "user_namespaces"
)

// Check tries everything. It needs no privilege, changes nothing that outlives
// the call, and takes well under a second.
func Check(ctx context.Context) []Finding {
	probes := []func() Finding{
		checkKernel,
		func() Finding { return checkCapability(netRaw) },
		func() Finding { return checkCapability(netAdmin) },
		checkPacketSocket,
		checkRawSocket,
		checkGuardListener,
		checkNftables,
		checkGuardTCX,
		checkAFXDP,
		checkPorts,
		checkLoopback,
		checkRoutes,
		checkReversePath,
		checkLocalRules,
		checkOffloads,
		checkClock,
		checkOpenFiles,
		checkMemory,
		checkNamespaces,
	}
	var found []Finding
	for _, probe := range probes {
		if ctx.Err() != nil {
			break
		}
		f := probe()
		if f.OK {
			f.Remedy = ""
		}
		found = append(found, f)
	}
	markOptional(found)
	return found
}

// markOptional marks what is missing but not needed: one way to send and one
// guard are enough, and some things only serve other commands.
func markOptional(found []Finding) {
	ok := make(map[string]bool)
	for _, f := range found {
		ok[f.Name] = f.OK
	}
	enough := map[string]bool{
		NetAdmin: true, GuardTCX: true, AFXDP: true, UserNamespaces: true, OpenFiles: true, Memory: true, ReversePath: true, Offloads: true, Clock: true,
		PacketSocket: ok[RawSocket], RawSocket: ok[PacketSocket],
		GuardListener: ok[GuardNftables], GuardNftables: ok[GuardListener],
	}
	for i := range found {
		found[i].Optional = enough[found[i].Name]
	}
}

// ConnectPossible reports whether a connection can be made here and now:
// whether there is a way to send and receive packets, a guard against the
// kernel's RSTs, and a port.
func ConnectPossible(found []Finding) bool {
	ok := make(map[string]bool)
	for _, f := range found {
		ok[f.Name] = f.OK
	}
	return (ok[PacketSocket] || ok[RawSocket]) && (ok[GuardListener] || ok[GuardNftables]) && ok[SourcePorts]
}

// LabPossible reports whether a private network can be made.
func LabPossible(found []Finding) bool {
	for _, f := range found {
		if f.Name == UserNamespaces {
			return f.OK
		}
	}
	return false
}
