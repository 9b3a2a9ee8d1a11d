//go:build !linux

// Which errors mean that this machine does not allow something, where there are
// no links and guards.

package main

import (
	"io/fs"

	"github.com/rawshake/rawshake/internal/explain"
)

var notAllowed = []error{explain.ErrNotAllowed, fs.ErrPermission}
