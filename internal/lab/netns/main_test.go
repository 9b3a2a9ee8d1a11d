package netns_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab/netns"
)

// The test binary is also the program under test: "-lab-role ROLE MARKER" makes
// it play a command that enters a lab.
const roleFlag = "-lab-role"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == roleFlag {
		os.Exit(play(os.Args[2]))
	}
	os.Exit(m.Run())
}

func play(role string) int {
	if role == "forbidden" {
		fmt.Fprintln(os.Stderr, forbidAndExec())
		return 1
	}
	if !netns.Inside() {
		status, err := netns.Reexec(context.Background(), os.Args)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 3
		}
		return status
	}
	name, arg, _ := strings.Cut(role, "=")
	if name == "exit" {
		n, _ := strconv.Atoi(arg)
		return n
	}
	if name == "die" {
		// An init cannot kill itself with a signal; a Go program can.
		panic("as told")
	}
	if name == "nested" {
		// As a user's shell in the lab would start the program once more.
		again := exec.Command("/proc/self/exe", roleFlag, "demo", os.Args[3])
		again.Stdout, again.Stderr = os.Stdout, os.Stderr
		if err := again.Run(); err != nil {
			return 1
		}
		return 0
	}
	if name == "cat" {
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			return 1
		}
		return 0
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	near, far, err := hosts(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, netns.Refusal(err))
		return 3
	}
	defer near.Close()
	defer far.Close()
	switch name {
	case "demo":
		return demo(ctx, near, far)
	case "hold":
		// A process that must not outlive its namespaces, with a child that
		// nobody waits for.
		var commands netns.Commands
		defer commands.Close()
		hold := commands.In(far, exec.Command("sh", "-c", "sleep 1000 & exec sleep 1000", os.Args[3]))
		if err := hold.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println("ready", near.Inode(), far.Inode())
		<-ctx.Done()
		return 42
	}
	return 2
}

var nearAddr, farAddr = netip.MustParsePrefix("198.18.0.1/24"), netip.MustParsePrefix("198.18.0.2/24")

// hosts makes a link from the process's own namespace to a new one.
func hosts(ctx context.Context) (near, far *netns.Space, err error) {
	if near, err = netns.Own(); err != nil {
		return nil, nil, err
	}
	if far, err = netns.New(); err != nil {
		return nil, nil, err
	}
	a := netns.End{Space: near, Name: "near", MAC: net.HardwareAddr{2, 0, 0, 0, 0, 1}}
	b := netns.End{Space: far, Name: "far", MAC: net.HardwareAddr{2, 0, 0, 0, 0, 2}}
	if err := netns.Veth(a, b, 1500); err != nil {
		return nil, nil, err
	}
	_, nearErr := near.LinkUp(a.Name, 1500, nearAddr)
	_, farErr := far.LinkUp(b.Name, 1500, farAddr)
	return near, far, errors.Join(nearErr, farErr, near.AwaitLink(ctx, a.Name), far.AwaitLink(ctx, b.Name))
}

// forbidAndExec, as root of a user namespace, allows it no further ones, and
// goes on without capabilities.
func forbidAndExec() error {
	runtime.LockOSThread()
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return err
	}
	for c := uintptr(0); c <= unix.CAP_LAST_CAP; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil {
			return err
		}
	}
	return unix.Exec("/proc/self/exe", []string{os.Args[0], roleFlag, "demo", os.Args[3]}, os.Environ())
}

// demo lets the far host greet the near one.
func demo(ctx context.Context, near, far *netns.Space) int {
	fail := func(err error) int {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ln, err := far.Listen(net.ListenConfig{}, "tcp", netip.AddrPortFrom(farAddr.Addr(), 7).String())
	if err != nil {
		return fail(err)
	}
	go func() {
		if c, err := ln.Accept(); err == nil {
			fmt.Fprintln(c, greeting)
			c.Close()
		}
	}()
	c, err := near.Dial(ctx, "tcp", ln.Addr().String())
	if err != nil {
		return fail(err)
	}
	if _, err := io.Copy(os.Stdout, c); err != nil {
		return fail(err)
	}
	return 0
}

const greeting = "hello from the far side"
