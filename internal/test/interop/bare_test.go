package interop

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// bare runs a shell's script where mounts are the test's own. $0 is the program.
func bare(t *testing.T, script string) run {
	t.Helper()
	c := exec.Command("sh", "-ec", "mount --make-rprivate /; "+script, program)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if os.Geteuid() != 0 {
		c.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	_ = c.Run()
	return run{stdout.String(), stderr.String(), c.ProcessState.ExitCode()}
}

// Without /proc there is no lab: every lab command says so, with the remedy,
// and so does doctor; everything else works.
func TestWithoutProcThereIsNoLabAndDoctorKnows(t *testing.T) {
	const without = "mount -t tmpfs none /proc; mount -t tmpfs none /sys; "
	for _, line := range []string{"lab run -- true", "lab up --name no-proc", "lab demo"} {
		bare(t, without+`"$0" `+line).want(t, 3).says(t, "/proc is not mounted", "mount -t proc proc /proc")
	}
	r := bare(t, without+`"$0" doctor || true`)
	if !strings.Contains(r.stdout, "– user_namespaces  /proc is not mounted") || !strings.Contains(r.stdout, "rp_filter        unknown") {
		t.Errorf("doctor says\n%s%s", r.stdout, r.stderr)
	}
	for _, librarys := range []string{"mountinfo", "map create", "bpffs"} {
		if strings.Contains(r.stdout, librarys) {
			t.Errorf("doctor quotes a library (%s):\n%s", librarys, r.stdout)
		}
	}
	bare(t, without+`"$0" explain -q ../../../testdata/captures/tls10.pcap; "$0" lab status; "$0" version`).want(t, 0)
}

// If nothing can be written, a lab for one command works all the same, with its
// names; a lab that is to stay says where its socket could be.
func TestALabStandsOnAReadOnlyRoot(t *testing.T) {
	const readOnly = `mount -o bind,remount,ro / || exit 77; for m in /tmp /run /dev/shm; do mount --bind $m $m; mount -o bind,remount,ro $m; done; `
	r := bare(t, readOnly+`"$0" lab run -- "$0" connect -q --get / server.lab.test`)
	if r.status == 77 {
		t.Skip("the root cannot be made read-only here")
	}
	r.want(t, 0)
	if !strings.HasPrefix(r.stdout, "HTTP/1.1 200") {
		t.Errorf("%q", r.stdout)
	}
	bare(t, readOnly+`unset XDG_RUNTIME_DIR; "$0" lab up --name read-only`).want(t, 1).says(t, "read-only file system", "XDG_RUNTIME_DIR", "lab run")
}
