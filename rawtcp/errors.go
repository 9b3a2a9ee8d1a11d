package rawtcp

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
	"github.com/rawshake/rawshake/rawtcp/tcb"
)

// How a connection can fail. Test with errors.Is; the error's text says what
// happened, after which packet.
var (
	ErrRefused     = tcb.ErrRefused     // a RST answered our SYN
	ErrReset       = tcb.ErrReset       // a RST ended an established connection
	ErrTimeout     = tcb.ErrTimeout     // the peer stayed silent, or the context's time is up
	ErrUnreachable = tcb.ErrUnreachable // ICMP, no route, a next hop that does not answer, or a firewall of this machine
	ErrAborted     = tcb.ErrAborted     // this side reset the connection
)

// opError wraps err as package net does, so that callers who test for
// *net.OpError or for a timeout find what they expect.
func (c *Conn) opError(op string, err error) error {
	if err == nil {
		return nil
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: classify(err)}
}

// classify adds to err what errors.Is and net.Error should find in it.
func classify(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, ErrTimeout):
		return &classified{err, ErrTimeout}
	case errors.Is(err, route.ErrNoRoute), errors.Is(err, link.ErrNoNeighbour), errors.Is(err, link.ErrFiltered):
		return &classified{err, ErrUnreachable}
	}
	return err
}

// classified is an error that is also another, without saying so twice.
type classified struct {
	error
	is error
}

func (e *classified) Is(target error) bool { return target == e.is }
func (e *classified) Unwrap() error        { return e.error }
func (e *classified) Timeout() bool        { return e.is == ErrTimeout }
func (e *classified) Temporary() bool      { return e.Timeout() }
