// How a lab is made that stays.

package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/internal/memlimit"
)

// holdArgs are the arguments by which this program becomes a holder. The socket
// is named, because the holder may be somebody else to itself: root.
func holdArgs(d dir, name, log string) []string {
	args := []string{os.Args[0], "lab", "hold", name, d.socket(name)}
	if log != "" {
		args = append(args, log)
	}
	return args
}

// A Log is a file in which a lab that stands says what its links do. It is not
// opened where the lab stands already.
type Log struct {
	Path string // absolute; empty: there is none
	Open func() (*os.File, error)
}

// Up makes a lab of this topology that stays, unless one of the name stands
// already: then it reports false. One that stands and was made of another
// topology, or has another log than the one asked for, is an error.
func Up(name string, t lab.Topology, log Log) (made bool, err error) {
	if err := CheckName(name); err != nil {
		return false, err
	}
	d := home()
	unlock, err := d.makeAndLock()
	if err != nil {
		return false, err
	}
	defer unlock()
	asked, err := partsOf(t)
	if err != nil {
		return false, err
	}
	switch a, err := inquire(d, name); {
	case err == nil:
		differences := asked.differences(a.Parts)
		if log.Path != "" && log.Path != a.Status.Log {
			differences = append(differences, "the log")
		}
		if len(differences) > 0 {
			return false, &OtherError{Lab: name, Topology: a.Status.Topology, Wanted: t.Name, Differences: differences}
		}
		return false, nil
	case !errors.Is(err, ErrNone):
		return false, err
	}
	_ = os.Remove(d.socket(name))
	if err := spawn(d, name, t, log); err != nil {
		d.clean(name)
		return false, err
	}
	return true, nil
}

// spawn starts a holder and waits until its lab stands.
func spawn(d dir, name string, t lab.Topology, log Log) error {
	text, err := t.Text()
	if err != nil {
		return err
	}
	fd, err := unix.MemfdCreate("topology", unix.MFD_CLOEXEC)
	if err != nil {
		return err
	}
	in := os.NewFile(uintptr(fd), "topology")
	defer in.Close()
	if _, err := in.WriteString(text); err != nil {
		return err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return err
	}
	hear, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer hear.Close()
	files := []*os.File{tell}
	if log.Path != "" {
		f, err := log.Open()
		if err != nil {
			_ = tell.Close()
			return err
		}
		defer f.Close()
		files = append(files, f)
	}
	s, err := netns.Spawn(holdArgs(d, name, log.Path), in, files...)
	_ = tell.Close()
	if err != nil {
		return err
	}
	_ = hear.SetReadDeadline(time.Now().Add(upPatience))
	var said ready
	if err := json.NewDecoder(hear).Decode(&said); err != nil {
		s.End()
		return holderEnded(err, memlimit.Of)
	}
	if said.Error != "" {
		s.End()
		if said.Forbidden {
			return fmt.Errorf("%w: %s", netns.ErrForbidden, said.Error)
		}
		return errors.New(said.Error)
	}
	return s.Keep()
}

// holderEnded says why a holder has said nothing, as far as it can be known.
func holderEnded(err error, limits func() (uint64, string)) error {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("the lab does not stand after %v", upPatience)
	}
	if limit, by := limits(); limit > 0 {
		return fmt.Errorf("the lab's holder ended before the lab stood; the kernel ends a process where memory runs out, and this one may use %d MB (%s): a lab takes some 40", limit>>20, by)
	}
	return errors.New("the lab's holder ended before the lab stood: somebody, or the kernel for want of memory, has ended it")
}

const (
	upPatience   = 60 * time.Second
	downPatience = 10 * time.Second
)
