//go:build unix

// Who owns a file, and whether that is us.

package outfile

import (
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

const hasModes = true

func owner(info fs.FileInfo) int { return int(info.Sys().(*syscall.Stat_t).Uid) }

// ours reports whether a user is this process's, or the one that became root by
// sudo.
func ours(uid int) bool {
	return uid == os.Geteuid() || os.Geteuid() == 0 && strconv.Itoa(uid) == os.Getenv("SUDO_UID")
}
