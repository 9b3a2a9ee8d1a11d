package lab_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/lab/service"
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
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	l, err := lab.New(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 3
	}
	defer l.Close()
	srv, err := l.StartTLSServer(service.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	switch name {
	case "demo":
		return demo(ctx, l, srv)
	case "hold":
		// A process that must not outlive the lab, with a child that nobody
		// waits for.
		hold := l.Far().Command("sh", "-c", "sleep 1000 & exec sleep 1000", os.Args[3])
		if err := hold.Start(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		fmt.Println("ready", l.Near().Inode(), l.Far().Inode())
		<-ctx.Done()
		return 42
	case "cat":
		_, err := io.Copy(os.Stdout, os.Stdin)
		if err != nil {
			return 1
		}
		return 0
	}
	return 2
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

func demo(ctx context.Context, l *lab.Lab, srv *service.TLSServer) int {
	reply, err := get(ctx, l, srv.Addr().String(), clientConfig(srv.PKI, true))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	fmt.Print(reply)
	return 0
}
