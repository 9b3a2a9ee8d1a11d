// How a server ends, with all that it started.

package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// end ends all processes in the node's network: servers fork, and their children need not
// die with them.
func (s *site) end() {
	s.signal(unix.SIGTERM)
	for begin := time.Now(); len(s.processes()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(begin) > gracePeriod {
			s.signal(unix.SIGKILL)
		}
		if time.Since(begin) > patience {
			s.Errorf("processes of %s live on: %v", s.name, s.processes())
			return
		}
	}
}

// gracePeriod is how long servers may take to end.
const gracePeriod = 5 * time.Second

func (s *site) signal(number unix.Signal) {
	for _, pid := range s.processes() {
		_ = unix.Kill(pid, number)
	}
}

// processes are those in the node's network. This process is in others besides.
func (s *site) processes() (pids []int) {
	want := fmt.Sprintf("net:[%d]", s.node.Inode())
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil || pid == os.Getpid() {
			continue
		}
		if net, err := os.Readlink(dir + "/ns/net"); err == nil && net == want {
			pids = append(pids, pid)
		}
	}
	return pids
}
