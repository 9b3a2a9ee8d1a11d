// Package server is a NATS server with JetStream in this process: for a fleet that has
// none, and for tests.
package server

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// Options say where a server listens, and who may use it.
type Options struct {
	Listen string // HOST:PORT; port 0: a free one
	Dir    string // where JetStream keeps what it has
	Token  string // that clients must know; empty: none

	Cert, Key string // PEM files; empty: no TLS
	ClientCA  string // a PEM file, with which clients' certificates are verified; empty: none is asked for

	Log func(format string, args ...any) // warnings and errors; nil: nowhere
}

// A Server is one that runs.
type Server struct {
	s    *server.Server
	lock *os.File
}

// ErrOpen says that a server would listen for everybody.
var ErrOpen = errors.New("whoever reaches this server could have a scan started from here: give it a token or TLS with client certificates, or let it listen on 127.0.0.1")

// Start starts a server, and returns when it can be used.
func Start(o Options) (*Server, error) {
	host, port, err := net.SplitHostPort(o.Listen)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not a port", port)
	}
	opts := &server.Options{Host: host, Port: int(number), JetStream: true, StoreDir: o.Dir, NoSigs: true,
		// What is answered for is on the disk, whatever ends the machine.
		SyncAlways: true, Authorization: o.Token}
	if number == 0 {
		opts.Port = server.RANDOM_PORT
	}
	if o.Cert != "" {
		t := &server.TLSConfigOpts{CertFile: o.Cert, KeyFile: o.Key, CaFile: o.ClientCA, Verify: o.ClientCA != ""}
		if opts.TLSConfig, err = server.GenTLSConfig(t); err != nil {
			return nil, err
		}
		opts.TLS, opts.TLSVerify, opts.TLSTimeout = true, t.Verify, 5
	}
	if o.Token == "" && o.ClientCA == "" && !local(host) {
		return nil, ErrOpen
	}
	held, err := lock(o.Dir)
	if err != nil {
		return nil, err
	}
	s, err := run(opts, o.Log)
	if err != nil {
		held.Close()
		return nil, err
	}
	return &Server{s, held}, nil
}

// run starts a server, and waits until it can be used.
func run(opts *server.Options, log func(string, ...any)) (*server.Server, error) {
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, err
	}
	l := logger{log: log, fatal: make(chan error, 1)}
	s.SetLoggerV2(l, false, false, false)
	go s.Start()
	ready := make(chan bool, 1)
	go func() { ready <- s.ReadyForConnections(startTime) }()
	select {
	case err = <-l.fatal:
	case ok := <-ready:
		if ok {
			return s, nil
		}
		err = fmt.Errorf("the NATS server did not come up within %v", startTime)
	}
	s.Shutdown()
	return nil, err
}

const startTime = 20 * time.Second

// local reports whether only this machine reaches a host.
func local(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// URL is where clients find it.
func (s *Server) URL() string { return s.s.ClientURL() }

// Close ends it. What it has stays in its directory.
func (s *Server) Close() {
	s.s.Shutdown()
	s.s.WaitForShutdown()
	s.lock.Close()
}

// logger passes on what a person should know.
type logger struct {
	log   func(format string, args ...any) // nil: nowhere
	fatal chan error
}

func (l logger) say(format string, args ...any) {
	if l.log != nil {
		l.log(format, args...)
	}
}

// Fatalf takes what ends the server. While it starts, that is the error of its start.
func (l logger) Fatalf(f string, v ...any) {
	select {
	case l.fatal <- fmt.Errorf(f, v...):
	default:
		l.say(f, v...)
	}
}

func (l logger) Warnf(f string, v ...any)  { l.say("warning: "+f, v...) }
func (l logger) Errorf(f string, v ...any) { l.say(f, v...) }
func (l logger) Noticef(string, ...any)    {}
func (l logger) Debugf(string, ...any)     {}
func (l logger) Tracef(string, ...any)     {}
