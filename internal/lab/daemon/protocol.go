// What commands and the holder say to each other.

package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// One packet is one value in JSON. The first is the client's question; with
// `exec` come three descriptors, and then signals in one direction and the exit
// status in the other. The end of the client is a hangup.

// maxPacket bounds a packet, in bytes: an environment is the largest part.
const maxPacket = 160 << 10

type question struct {
	Do string `json:"do"` // exec, status, down, netem

	Node     string   `json:"node,omitempty"` // empty: the first
	Path     string   `json:"path,omitempty"` // of the program
	Args     []string `json:"args,omitempty"` // its name among them
	Env      []string `json:"env,omitempty"`
	Dir      string   `json:"dir,omitempty"`
	Terminal bool     `json:"terminal,omitempty"` // the descriptors are one terminal, to be controlled

	Netem *Netem `json:"netem,omitempty"`
}

// A Netem is a change of links while they stand.
type Netem struct {
	Links []string          `json:"links,omitempty"` // none: all
	Clear bool              `json:"clear,omitempty"` // away with what they have
	Set   map[string]string `json:"set,omitempty"`   // then: words of an impairment, and their values
}

type answer struct {
	Error   string  `json:"error,omitempty"`
	Started bool    `json:"started,omitempty"`
	Missing bool    `json:"missing,omitempty"` // there is no such program
	Exit    *int    `json:"exit,omitempty"`
	Status  *Status `json:"status,omitempty"`
	Parts   parts   `json:"parts,omitempty"` // of the lab's topology, with the status
}

// A Status is what is told of a lab.
type Status struct {
	Name     string       `json:"name"`
	Topology string       `json:"topology"`
	Seed     uint64       `json:"seed"`
	Since    time.Time    `json:"since"`
	PID      int          `json:"pid"` // of the holder, as the asking side sees it
	Nodes    []NodeStatus `json:"nodes"`
	Links    []LinkStatus `json:"links"`
	Running  int          `json:"running"`             // commands
	Log      string       `json:"log,omitempty"`       // where it is said what the links do
	LogError string       `json:"log_error,omitempty"` // why it cannot be written
}

// A LinkStatus is what is told of a link.
type LinkStatus struct {
	Name       string            `json:"name"`
	Nodes      [2]string         `json:"nodes"`
	Impairment map[string]string `json:"impairment"` // words and values; none: it is clear
}

// A NodeStatus is what is told of a node.
type NodeStatus struct {
	Name      string   `json:"name"`
	Addresses []string `json:"addresses"`
	Services  []string `json:"services,omitempty"`
}

// send writes one value, with descriptors.
func send(c *net.UnixConn, v any, files ...*os.File) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(b) > maxPacket {
		return fmt.Errorf("the command and its environment have %d bytes: at most %d", len(b), maxPacket)
	}
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	_, _, err = c.WriteMsgUnix(b, rights, nil)
	return err
}

// most descriptors that come with a question.
const maxFiles = 3

// receive reads one value, and the descriptors that come with it.
func receive(c *net.UnixConn, v any) (files []*os.File, err error) {
	b := make([]byte, maxPacket)
	rights := make([]byte, unix.CmsgSpace(maxFiles*4))
	n, nr, flags, _, err := c.ReadMsgUnix(b, rights)
	if err != nil {
		return nil, err
	}
	files = openFiles(rights[:nr])
	if n == 0 {
		closeFiles(files)
		return nil, io.EOF
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		closeFiles(files)
		return nil, errors.New("a packet is too long")
	}
	if err := json.Unmarshal(b[:n], v); err != nil {
		closeFiles(files)
		return nil, fmt.Errorf("a packet is not understood: %w", err)
	}
	return files, nil
}

func openFiles(rights []byte) (files []*os.File) {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "passed"))
		}
	}
	return files
}

func closeFiles(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// peer tells who is at the other end of a socket, as the kernel knows it.
func peer(c *net.UnixConn) (*unix.Ucred, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	var cred *unix.Ucred
	var credErr error
	if err := raw.Control(func(fd uintptr) {
		cred, credErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return nil, err
	}
	return cred, credErr
}
