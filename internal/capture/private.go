package capture

import (
	"fmt"
	"os"
)

// MakePrivate keeps others from reading a file that was there before, and is to
// hold secrets. One that belongs to somebody else is refused: its owner can
// always read it. Pipes and devices are somebody else's to guard, and are left
// as they are.
func MakePrivate(file *os.File) error {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || !hasModes {
		return err
	}
	if uid := owner(info); !ours(uid) {
		return fmt.Errorf("%s is to hold secrets, and belongs to user %d, who could read them: choose another path, or do without the secrets", file.Name(), uid)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	if err := file.Chmod(0o600); err != nil {
		return fmt.Errorf("others can read %s, and it is to hold secrets: %w: choose another path, or do without the secrets", file.Name(), err)
	}
	return nil
}
