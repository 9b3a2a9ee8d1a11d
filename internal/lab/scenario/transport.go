// Scenarios of what goes on below TLS.

package scenario

import (
	"fmt"
	"strings"
	"time"

	"github.com/rawshake/rawshake/internal/lab/pki"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/netem"
)

var rstWar = Scenario{
	Name:  "rst-war",
	Title: "this machine's own kernel kills the connection, and then the guard saves it",
	About: `Our SYN leaves by a raw socket, and the local kernel knows nothing of it. When the SYN-ACK comes, the kernel finds
no socket that it belongs to and answers with a RST, as RFC 9293 says it must. A guard keeps it from that.`,
	Serve: ours(service.Options{}),
	Steps: []Step{{
		Say:   "Without a guard. Look for the RST that nobody here sent:",
		Args:  "--max-version 1.2 --guard none",
		Exit:  exitReset,
		Shows: []string{"out SYN", "in SYN-ACK", "out RST"},
	}, {
		Say:   "And with one:",
		Args:  "--max-version 1.2 --guard auto",
		Shows: []string{"out SYN", "in SYN-ACK", "out ACK", "out client_hello", "in server_hello", "in finished"},
	}},
}

var synLoss = Scenario{
	Name:       "syn-loss",
	Title:      "two SYNs are lost: the third comes after a longer pause than the second",
	About:      "The link loses the first two SYNs of each connection. Nobody says so: the client waits for RTO, one second at first\n(RFC 6298), sends again, and waits twice as long each time.",
	Impairment: netem.Impairment{Drop: []string{"> syn 1", "> syn 2"}},
	Serve:      ours(service.Options{}),
	Steps: []Step{{
		Args:  "--max-version 1.2",
		Shows: []string{"out SYN", "retransmission", "out SYN", "retransmission", "out SYN", "in SYN-ACK", "out ACK", "in finished"},
	}},
}

var reorder = Scenario{
	Name:  "reorder",
	Title: "a segment is overtaken by the next three, and is put where it belongs",
	About: `The server's reply takes several segments, and the link lets three of them overtake one. The client keeps what came
early, says what it has in a SACK option (RFC 2018), and hands the bytes on once the hole is filled: no byte is lost.`,
	Impairment: netem.Impairment{Delay: []string{"< data 4 1"}},
	Serve:      ours(service.Options{Body: []byte(strings.Repeat("All in good order. ", 500) + "\n")}),
	Steps: []Step{{
		Args:  "--max-version 1.2 --get /",
		Shows: []string{"out application_data", "out_of_order", "in application_data"},
	}},
}

var jitter = Scenario{
	Name:  "jitter",
	Title: "no packet is as long under way as the one before, and the RTO leaves room for that",
	About: `The link holds each packet for 5 to 35 ms, another time for each, and lets none overtake another. The client measures
round trips, and from those how much they vary (RFC 6298): its RTO, never below 200 ms here, leaves room for that, so
that what is only late need not be sent again. Look at the times before the arrows.`,
	Impairment: netem.Impairment{Latency: 20 * time.Millisecond, Jitter: 15 * time.Millisecond},
	Serve:      ours(service.Options{Body: []byte(strings.Repeat("Late, and not lost. ", 3) + "\n")}),
	Steps: []Step{{
		Args:  "--max-version 1.2 --get /",
		Shows: []string{"out SYN", "in SYN-ACK", "out client_hello", "in server_hello", "in finished", "in application_data"},
	}},
}

var mtuBlackHole = Scenario{
	Name:  "mtu-blackhole",
	Title: "large packets vanish without a word, and the client finds out by itself",
	About: `Somewhere on the way packets of more than 900 bytes are lost, and no ICMP message says so. The handshake begins well:
its messages are small. The client's certificate is not: its segment is sent again and again. Look at what the client
tries then (RFC 4821 has the idea).`,
	Impairment: netem.Impairment{BlackHole: 900},
	Serve:      ours(service.Options{ClientKey: pki.RSA2048, ClientAuth: service.RequireClient}),
	Steps: []Step{{
		Args:  "--max-version 1.2 --cert client.pem --key client-key.pem",
		Shows: []string{"in server_hello_done", "retransmission", "segment_size_reduced", "in finished"},
	}},
}

var zeroWindow = Scenario{
	Name:  "zero-window",
	Title: "the server stops reading: its window closes, and the client waits for it to open",
	About: `The server does not read for two seconds after the handshake, and has room for a few kilobytes only. The client sends
until the window is closed, then asks now and then, a byte at a time, whether it is still so (RFC 9293, section 3.8.6.1).`,
	Serve: ours(service.Options{ReceiveBuffer: 4096, ReadPause: 2 * time.Second}),
	Steps: []Step{{
		Input: post(16 << 10),
		Args:  "--max-version 1.2 --until data",
		Shows: []string{"in finished", "out application_data", "window_probe", "in application_data"},
	}},
}

// post is a request with so many bytes.
func post(n int) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", pki.ServerName, n, strings.Repeat("x", n))
}

var halfClose = Scenario{
	Name:  "half-close",
	Title: "each direction ends on its own: first the client ends its half, then the server",
	About: `A FIN ends one direction. The other may stay open for as long as its sender likes. The server here keeps its half for
half a second after the client has ended the other.`,
	Serve: ours(service.Options{Linger: 500 * time.Millisecond}),
	Steps: []Step{{
		Say:   "The client ends first: FIN-WAIT-1, FIN-WAIT-2 while the server's half is open, and TIME-WAIT in the end.",
		Args:  "--max-version 1.2",
		Shows: []string{"in finished", "out FIN", "in ACK", "in alert", "in FIN", "out ACK"},
	}, {
		Say:   "The server ends first, once it has replied: CLOSE-WAIT while the client's half is open, then LAST-ACK.",
		Args:  "--max-version 1.2 --get /",
		Shows: []string{"in application_data", "in FIN", "out ACK", "out FIN", "in ACK"},
	}},
}
