// The subcommands that need Linux.

package main

import (
	"errors"
	"os"
	"os/user"
	"strconv"

	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/outfile"
	"github.com/rawshake/rawshake/internal/privilege"
	"github.com/spf13/cobra"
)

// prepare is what must be done before anything else.
func prepare() {
	netns.Inside() // it ties a process inside a lab to its parent's life
	writeAsUser()
}

// writeAsUser has files belong to whoever became root by sudo.
func writeAsUser() {
	uid, uidErr := strconv.Atoi(os.Getenv("SUDO_UID"))
	gid, gidErr := strconv.Atoi(os.Getenv("SUDO_GID"))
	if os.Getuid() != 0 || os.Geteuid() != 0 || errors.Join(uidErr, gidErr) != nil || uid <= 0 || gid < 0 {
		return
	}
	if p, err := privilege.As(uid, gid, groupsOf(uid)); err == nil {
		outfile.WriteAs(p)
	}
}

// groupsOf are those that a user is in besides the first, as far as they can be
// found.
func groupsOf(uid int) (list []int) {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return nil
	}
	names, _ := u.GroupIds()
	for _, name := range names {
		if gid, err := strconv.Atoi(name); err == nil {
			list = append(list, gid)
		}
	}
	return list
}

// systemCommands are those that need Linux.
func systemCommands() []*cobra.Command {
	return []*cobra.Command{newConnect(), newAudit(), newProbe(), newAudit(), newFleet(), newLab(), newGuard(), newDoctor()}
}
