// Package memlimit finds out how much memory this process may use before the
// kernel kills it without warning.
package memlimit

import (
	"math"
	"os"
	"path"
	"strconv"
	"strings"
)

// Of returns the limit in bytes that the process's control groups set, and the
// file that says so; 0 if there is none, or if it cannot be read.
func Of() (limit uint64, by string) { return in("/") }

// unlimited is below what cgroup v1 says if there is no limit: the largest
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
		// The limits of a group and of all its parents count. Inside a
		// container the path may be the host's, and only the root is visible.
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
