package netns

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestRefusalsNameTheirCauseAndRemedy(t *testing.T) {
	for name, c := range map[string]struct {
		no            error
		files         map[string]string
		cause, remedy string
	}{
		"limit of zero": {unix.ENOSPC, map[string]string{"proc/sys/user/max_user_namespaces": "0\n"},
			"user.max_user_namespaces is 0", "sudo sysctl -w user.max_user_namespaces="},
		"network limit of zero": {unix.ENOSPC, map[string]string{
			"proc/sys/user/max_user_namespaces": "100\n", "proc/sys/user/max_net_namespaces": "0\n"},
			"user.max_net_namespaces is 0", "sudo sysctl -w user.max_net_namespaces="},
		"limit used up": {unix.ENOSPC, map[string]string{"proc/sys/user/max_user_namespaces": "100\n"},
			"used up", "sudo sysctl -w user.max_user_namespaces="},
		"Debian's switch": {unix.EPERM, map[string]string{"proc/sys/kernel/unprivileged_userns_clone": "0\n"},
			"unprivileged_userns_clone is 0", "sudo sysctl -w kernel.unprivileged_userns_clone=1"},
		"Ubuntu's AppArmor": {unix.EACCES, map[string]string{"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1\n"},
			"AppArmor", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"},
		"Docker": {unix.EPERM, map[string]string{".dockerenv": "", "proc/self/status": "Seccomp:\t2\n"},
			"container", "--cap-add SYS_ADMIN"},
		"a sandbox": {unix.EPERM, map[string]string{"proc/self/status": "Name:\tx\nSeccomp:\t2\n"},
			"seccomp filter", "outside the sandbox"},
		"a kernel without": {unix.EINVAL, nil, "CONFIG_USER_NS", "kernel"},
		"nothing known":    {unix.EPERM, map[string]string{"proc/self/status": "Seccomp:\t0\n"}, "not allowed", "as root"},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir() + "/"
			for path, content := range c.files {
				if err := os.MkdirAll(filepath.Dir(root+path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(root+path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err := host{root: root}.refusal(fmt.Errorf("made: %w", c.no))
			var f *ForbiddenError
			if !errors.As(err, &f) || !errors.Is(err, ErrForbidden) || !errors.Is(err, c.no) {
				t.Fatalf("%v is not a ForbiddenError that keeps the kernel's answer", err)
			}
			if !strings.Contains(f.Cause, c.cause) || !strings.Contains(f.Remedy, c.remedy) {
				t.Errorf("cause %q, remedy %q; want %q and %q in them", f.Cause, f.Remedy, c.cause, c.remedy)
			}
			for _, part := range []string{"made", f.Cause, f.Remedy} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the text %q does not say %q", err, part)
				}
			}
		})
	}
}

func TestOtherErrorsAreNoRefusals(t *testing.T) {
	for _, err := range []error{unix.EADDRINUSE, os.ErrClosed, errors.New("else")} {
		if got := Refusal(fmt.Errorf("x: %w", err)); errors.Is(got, ErrForbidden) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if Refusal(nil) != nil {
		t.Error("nil became an error")
	}
}
