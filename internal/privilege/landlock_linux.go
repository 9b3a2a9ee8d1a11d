// Which files the process may change, by Landlock (landlock(7)).

package privilege

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// What a file or folder may be opened, made and removed for, where nobody else has
// allowed it, by the interface's version.
const (
	inFolder = unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE
	handled  = inFolder | unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO |
		unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	handled2 = unix.LANDLOCK_ACCESS_FS_REFER    // version 2, Linux 5.19
	handled3 = unix.LANDLOCK_ACCESS_FS_TRUNCATE // version 3, Linux 6.2
)

// Confine keeps every thread, for good, from executing programs and from changing
// files that are not among some paths, files and folders, or open already. It comes
// after Keep. It reports false, and does nothing, where the kernel has no Landlock,
// or a path does not take its rules.
func Confine(paths []string) bool {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return false
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: handled}
	var truncate uint64
	if version >= 2 {
		attr.Handled_access_fs |= handled2
	}
	if version >= 3 {
		truncate = handled3
		attr.Handled_access_fs |= truncate
	}
	// Of the attributes only the first is meant, which every version has.
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Handled_access_fs), 0)
	if errno != 0 {
		return false
	}
	defer unix.Close(int(fd))
	for _, path := range paths {
		if allow(int(fd), path, truncate) != nil {
			return false
		}
	}
	return all("landlock_restrict_self", unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0) == nil
}

// allow adds the rule for a path.
func allow(ruleset int, path string, truncate uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: unix.LANDLOCK_ACCESS_FS_WRITE_FILE | truncate, Parent_fd: int32(fd)}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		rule.Allowed_access |= inFolder
	}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(ruleset), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("landlock_add_rule", errno)
	}
	return nil
}
