package guard_test

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"

	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
)

// Whoever asks for a missing privilege finds it, whichever of the names it asks by.
func TestAMissingPrivilegeIsOneErrorByEachName(t *testing.T) {
	err := fmt.Errorf("hold a port: %w", &guard.PermissionError{Needs: "it needs a capability", Err: syscall.EACCES})
	for name, target := range map[string]error{"guard": guard.ErrPermission, "link": link.ErrPermission, "os": fs.ErrPermission, "the system": syscall.EACCES} {
		if !errors.Is(err, target) {
			t.Errorf("%v is not %s's", err, name)
		}
	}
	if guard.ErrPermission != link.ErrPermission || !errors.Is(link.ErrPermission, fs.ErrPermission) {
		t.Error("there are two")
	}
	if errors.Is(fs.ErrPermission, guard.ErrPermission) {
		t.Error("a file that may not be read is taken for a missing privilege")
	}
	if want := "hold a port: not permitted: it needs a capability (permission denied)"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}
