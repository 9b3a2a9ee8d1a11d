//go:build linux

// `rawshake lab capture`: what passes a node's interface, as a capture file.

package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/capture"
	"github.com/rawshake/rawshake/rawtcp/link"
)

func newLabCapture() *cobra.Command {
	var dev string
	cmd := &cobra.Command{
		Use:   "capture FILE",
		Short: "Write all IP packets of an interface to a pcapng file",
		Long: `capture writes what goes in and out of an interface until it is interrupted, for
a container beside the hosts that are looked at. It needs CAP_NET_RAW.`,
		Example: "  rawshake lab capture -i eth0 all.pcapng",
		Args:    takes("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ifc, err := net.InterfaceByName(dev)
			if err != nil {
				return usageError("--interface: there is no interface %q here (ip link lists them)", dev)
			}
			tap, err := openTap(ifc.Index)
			if errors.Is(err, unix.EPERM) {
				return failure(fmt.Errorf("a packet socket needs CAP_NET_RAW: %w\n  %s", err, grant("cap_net_raw")))
			}
			if err != nil {
				return failure(err)
			}
			defer tap.Close()
			sayReplaced := replacing(args[0])
			out, err := capture.Create(args[0], capture.Info{Application: "rawshake " + version(), Interface: dev})
			if err != nil {
				return fileError("FILE", err)
			}
			sayReplaced()
			sayExposed(out.Exposed())
			held.opened(false)
			go func() {
				<-cmd.Context().Done()
				_ = tap.SetReadDeadline(time.Now())
			}()
			n, err := copyPackets(tap, out)
			if err = errors.Join(err, out.Close()); err != nil {
				return failure(err)
			}
			fmt.Fprintf(os.Stderr, "%s\n", count(n, "packet"))
			return nil
		},
	}
	cmd.Flags().StringVarP(&dev, "interface", "i", "eth0", "the interface")
	return cmd
}

// openTap opens an AF_PACKET socket for the IP packets of an interface.
func openTap(index int) (*os.File, error) {
	const all = unix.ETH_P_ALL<<8&0xff00 | unix.ETH_P_ALL>>8
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: index}); err != nil {
		unix.Close(fd)
		return nil, os.NewSyscallError("bind", err)
	}
	return os.NewFile(uintptr(fd), "tap"), nil
}

// copyPackets copies packets until the tap's deadline.
func copyPackets(tap *os.File, out *capture.Writer) (n int, err error) {
	buf := make([]byte, link.MaxPacket)
	for {
		size, err := tap.Read(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return n, nil
		case err != nil:
			return n, err
		case size == 0 || buf[0]>>4 != 4 && buf[0]>>4 != 6:
			continue // ARP and the like
		}
		if err := out.Packet(time.Now(), buf[:size]); err != nil {
			return n, err
		}
		n++
	}
}
