package interop

import (
	"os"
	"path/filepath"
	"testing"
)

// A file that was asked for and cannot be written is said with its name and the
// cause, and the command has failed; nothing takes the place of a device. What
// only the environment asks for is a warning.
func TestAFileThatCannotBeWrittenIsAFailure(t *testing.T) {
	everybody(t, func(t *testing.T, u *someone) {
		u.lab("up").want(t, 0)
		defer u.lab("down")
		full := filepath.Join(u.run, "full")
		if err := os.Symlink("/dev/full", full); err != nil {
			t.Fatal(err)
		}
		connect := []string{"exec", "--", program, "connect", "--quiet", "server.lab.test"}
		for _, flags := range [][]string{
			{"--pcap", full}, {"--html", full}, {"--keylog", full}, {"--quiet=false", "-o", full}, {"--get", "/", "-o", full},
		} {
			u.lab(connect[0], append(connect[1:len(connect):len(connect)], flags...)...).want(t, 1).says(t, full, "no space left")
		}
		u.lab(connect[0], append(connect[1:len(connect):len(connect)], "--session-file", full)...).want(t, 1).says(t, full, "no regular file")
		u.lab("exec", append([]string{"--", "env", "SSLKEYLOGFILE=" + full}, connect[2:]...)...).want(t, 0).says(t, full, "no space left")
		u.lab("exec", "--", program, "probe", "-q", "-o", full, "198.18.0.2").want(t, 1).says(t, full, "no space left")
		u.lab("exec", "--", program, "lab", "capture", "-i", "near", full).want(t, 1).says(t, full, "no space left")
		if info, err := os.Stat(full); err != nil || info.Mode()&os.ModeCharDevice == 0 {
			t.Errorf("the device is %v, %v", info, err)
		}
	})
}
