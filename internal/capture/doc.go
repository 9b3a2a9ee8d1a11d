// Package capture reads and writes capture files and key logs: pcapng and
// classic pcap in, whoever wrote them and whatever they claim; pcapng out, with
// secrets and comments; secrets in the NSS key log format.
//
// Read pcapng.go (the writer) and keylog.go, then reader.go with source.go,
// classic.go and ngreader.go (block.go has the numbers, clock.go the times),
// linklayer.go (from a frame to its IP packet), and strip.go.
package capture
