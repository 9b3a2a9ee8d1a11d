// How a connection fails, in terms that errors.Is and net.Error know.

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
// happened, and after which packet.
var (
	ErrRefused     = tcb.ErrRefused     // a RST answered our SYN
	ErrReset       = tcb.ErrReset       // a RST ended an established connection
	ErrTimeout     = tcb.ErrTimeout     // the peer was silent, or the context's deadline passed
	ErrUnreachable = tcb.ErrUnreachable // an ICMP error, no route, a silent next hop, or this machine's firewall
	ErrAborted     = tcb.ErrAborted     // this side reset the connection
	ErrPermission  = link.ErrPermission // a privilege is missing; link's and guard's are the same, and os.ErrPermission is in it
)

// opError wraps err as package net does, so that callers can test for
// *net.OpError or for a timeout.
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

// classified is an error that errors.Is also finds to be another, without
// saying so twice.
type classified struct {
	error
	is error
}

func (e *classified) Is(target error) bool { return target == e.is }
func (e *classified) Unwrap() error        { return e.error }
func (e *classified) Timeout() bool        { return e.is == ErrTimeout }
func (e *classified) Temporary() bool      { return e.Timeout() }
