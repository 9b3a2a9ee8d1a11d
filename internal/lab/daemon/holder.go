// The process that keeps a lab, and answers for it.

package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/lab"
	"github.com/rawshake/rawshake/internal/lab/netns"
)

// A holder is the process that keeps a lab.
type holder struct {
	name, socket string
	lab          *lab.Lab
	since        time.Time
	env          []string
	log          *standingLog // may be nil

	ln      *net.UnixListener
	done    chan struct{} // closed to end the holder
	once    sync.Once
	mu      sync.Mutex
	running int
}

// ready is what the holder tells who has spawned it.
type ready struct {
	Error     string `json:"error,omitempty"`
	Forbidden bool   `json:"forbidden,omitempty"`
}

// Hold makes a lab and keeps it until it is told not to. It is the whole life
// of a process that [Up] has spawned: the topology is its standard input, and
// what becomes of it is said on the file numbered netns.SpawnedFile. Where there
// is a log, which is called so, it is the file after that.
func Hold(name, socket, log string) error {
	tell := os.NewFile(netns.SpawnedFile, "ready")
	if !netns.Inside() || tell == nil {
		return errors.New("only rawshake lab up starts a holder")
	}
	unix.CloseOnExec(int(netns.SpawnedFile))
	h := &holder{name: name, socket: socket, since: time.Now(), done: make(chan struct{})}
	if log != "" {
		unix.CloseOnExec(int(netns.SpawnedFile + 1))
		h.log = &standingLog{name: log, file: os.NewFile(netns.SpawnedFile+1, log)}
	}
	err := h.open()
	said := ready{}
	if err != nil {
		said = ready{err.Error(), errors.Is(err, netns.ErrForbidden)}
	}
	_ = json.NewEncoder(tell).Encode(said)
	_ = tell.Close()
	if err != nil {
		if h.lab != nil {
			_ = h.lab.Close()
		}
		return err
	}
	return h.serve()
}

func (h *holder) open() error {
	if err := CheckName(h.name); err != nil {
		return err
	}
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	topology, err := lab.ParseTopology(text)
	if err != nil {
		return err
	}
	options := []lab.Option{lab.With(topology)}
	if h.log != nil {
		options = append(options, lab.NetemLog(h.log))
	}
	if h.lab, err = lab.New(context.Background(), options...); err != nil {
		return err
	}
	if err := h.lab.NameNodes(); err != nil {
		return err
	}
	if h.env, err = h.lab.Environment(); err != nil {
		return err
	}
	// The umask keeps the socket from being anybody else's for a moment.
	defer unix.Umask(unix.Umask(0o177))
	h.ln, err = net.ListenUnix("unixpacket", &net.UnixAddr{Name: h.socket, Net: "unixpacket"})
	return err
}

// serve answers until the holder is to end.
func (h *holder) serve() error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGTERM, unix.SIGINT)
	// The terminal that it was made from may go. Caught and not ignored: what is
	// ignored, commands inherit.
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP)
	go func() {
		select {
		case <-signals:
			h.end()
		case <-h.done:
		}
	}()
	go h.lab.ReapOrphans(h.done)
	go h.accept()
	<-h.done
	_ = h.ln.Close() // removes the socket
	return h.lab.Close()
}

func (h *holder) end() { h.once.Do(func() { close(h.done) }) }

func (h *holder) accept() {
	for {
		c, err := h.ln.AcceptUnix()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, say
			time.Sleep(50 * time.Millisecond)
			continue
		}
		go func() {
			defer c.Close()
			h.answer(c)
		}()
	}
}

// questionPatience is how long a client may take to ask.
const questionPatience = 10 * time.Second

func (h *holder) answer(c *net.UnixConn) {
	who, err := peer(c)
	if err != nil || int(who.Uid) != os.Geteuid() {
		return // the folder's mode has kept all others away
	}
	_ = c.SetReadDeadline(time.Now().Add(questionPatience))
	var q question
	files, err := receive(c, &q)
	if err != nil {
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	switch q.Do {
	case "exec":
		h.exec(c, &q, files)
		return
	case "status":
		parts, _ := partsOf(h.lab.Topology())
		_ = send(c, answer{Status: h.status(), Parts: parts})
	case "netem":
		if err := h.netem(q.Netem); err != nil {
			_ = send(c, answer{Error: err.Error()})
		} else {
			_ = send(c, answer{Status: h.status()})
		}
	case "down":
		_ = send(c, answer{})
		h.end()
		<-time.After(downPatience) // the end of this process ends the connection
	default:
		_ = send(c, answer{Error: fmt.Sprintf("%q is not understood", q.Do)})
	}
	closeFiles(files)
}

func (h *holder) status() *Status {
	h.mu.Lock()
	running := h.running
	h.mu.Unlock()
	t := h.lab.Topology()
	s := &Status{Name: h.name, Topology: t.Name, Seed: t.Seed, Since: h.since, Running: running}
	for i, n := range h.lab.Nodes() {
		ns := NodeStatus{Name: n.Name()}
		for _, a := range n.Addresses() {
			ns.Addresses = append(ns.Addresses, a.String())
		}
		for _, p := range t.Nodes[i].Owns {
			ns.Addresses = append(ns.Addresses, p.String())
		}
		for _, service := range t.Nodes[i].Services {
			ns.Services = append(ns.Services, service.String())
		}
		s.Nodes = append(s.Nodes, ns)
	}
	for i := range t.Links {
		c := &t.Links[i]
		s.Links = append(s.Links, LinkStatus{c.LinkName(), [2]string{c.Ends[0].Node, c.Ends[1].Node}, c.Impairment.Words()})
	}
	if h.log != nil {
		s.Log, s.LogError = h.log.name, h.log.trouble()
	}
	return s
}
