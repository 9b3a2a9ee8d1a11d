package lab_test

import (
	"context"
	"net"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/rawshake/rawshake/internal/lab"
)

// receivedTTL sends a datagram from the first node and says what TTL is left.
func receivedTTL(l *lab.Lab, to net.PacketConn) (int, error) {
	in := ipv4.NewPacketConn(to)
	if err := in.SetControlMessage(ipv4.FlagTTL, true); err != nil {
		return 0, err
	}
	out, err := l.Near().Dial(context.Background(), "udp4", to.LocalAddr().String())
	if err != nil {
		return 0, err
	}
	defer out.Close()
	if _, err := out.Write([]byte("x")); err != nil {
		return 0, err
	}
	_ = in.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, cm, _, err := in.ReadFrom(make([]byte, 16))
	if err != nil {
		return 0, err
	}
	return cm.TTL, nil
}
