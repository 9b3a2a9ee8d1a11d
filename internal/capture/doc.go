// Package capture reads and writes capture files and key logs. It reads pcapng
// and classic pcap, whoever wrote them and whatever they claim; it writes
// pcapng with secrets and comments; its key logs have the NSS format.
package capture
