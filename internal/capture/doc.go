// Package capture reads and writes capture files and key logs: pcapng and
// classic pcap in, whoever wrote them and whatever they claim; pcapng out, with
// secrets and comments; secrets in the NSS key log format.
package capture
