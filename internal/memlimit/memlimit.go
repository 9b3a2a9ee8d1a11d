// Package memlimit finds out how much memory this process may use before the
// kernel ends it: by SIGKILL, without a word.
package memlimit

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// Of is the limit in bytes, by the control groups that the process is in, and
// the file that says so; 0 where there is none, or where it cannot be seen.
func Of() (limit uint64, by string) { return in("/") }

// unlimited is above what cgroup v1 says where there is no limit: the largest
// number of whole pages.
const unlimited = math.MaxInt64 >> 1

func in(root string) (limit uint64, by string) {
	text, err := os.ReadFile(root + "proc/self/cgroup")
	if err != nil {
		return 0, ""
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3) // number, controllers, path
		if len(parts) != 3 {
			continue
		}
		top, name := root+"sys/fs/cgroup", "memory.max"
		switch {
		case parts[1] == "":
		case parts[1] == "memory":
			top, name = top+"/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		// Each group's limit counts, and those of the groups that hold it. Inside a
		// container the path may be the host's, and only the top is there.
		for at := path.Clean("/" + parts[2]); ; at = path.Dir(at) {
			file := path.Join(top, at, name)
			if n := read(file); n > 0 && n < unlimited && (limit == 0 || n < limit) {
				limit, by = n, strings.TrimPrefix(file, strings.TrimSuffix(root, "/"))
			}
			if at == "/" {
				break
			}
		}
	}
	return limit, by
}

func read(file string) uint64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64) // "max" is none
	return n
}
