package memlimit

import (
	"os"
	"path/filepath"
	"testing"
)

// The smallest limit of a process's groups is its limit, in both kinds of
// control groups, even if the path is from another place.
func TestTheLeastLimitOfAllGroupsCounts(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  uint64
		by    string
	}{
		"nothing mounted": {nil, 0, ""},
		"no limit":        {map[string]string{"proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 0, ""},
		"v2": {map[string]string{"proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/b/memory.max": "300\n", "sys/fs/cgroup/a/memory.max": "200\n"},
			200, "/sys/fs/cgroup/a/memory.max"},
		"a container": {map[string]string{"proc/self/cgroup": "0::/host/path\n", "sys/fs/cgroup/memory.max": "100\n"}, 100, "/sys/fs/cgroup/memory.max"},
		"v1": {map[string]string{"proc/self/cgroup": "4:memory:/x\n3:cpu,cpuacct:/y\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "500\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"},
			500, "/sys/fs/cgroup/memory/x/memory.limit_in_bytes"},
		"damaged": {map[string]string{"proc/self/cgroup": "x\n0::\n:::::\n", "sys/fs/cgroup/memory.max": "-1\n"}, 0, ""},
		"climbs":  {map[string]string{"proc/self/cgroup": "0::/../../..\n", "sys/fs/cgroup/memory.max": "7\n"}, 7, "/sys/fs/cgroup/memory.max"},
	} {
		root := t.TempDir() + "/"
		for file, text := range c.files {
			if err := os.MkdirAll(filepath.Dir(root+file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(root+file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if limit, by := in(root); limit != c.want || by != c.by {
			t.Errorf("%s: %d by %q, expected %d by %q", name, limit, by, c.want, c.by)
		}
	}
}
