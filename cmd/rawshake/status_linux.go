// Which errors mean that this machine does not allow something.

package main

import (
	"golang.org/x/sys/unix"

	"github.com/rawshake/rawshake/internal/explain"
	"github.com/rawshake/rawshake/internal/lab/netns"
	"github.com/rawshake/rawshake/rawtcp"
)

// notAllowed are the errors that say that this machine forbids something: a
// privilege is missing, or a namespace cannot be made.
var notAllowed = []error{rawtcp.ErrPermission, netns.ErrForbidden, explain.ErrNotAllowed, unix.EPERM, unix.EACCES}
