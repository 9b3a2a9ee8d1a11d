//go:build !linux

package main

import (
	"io/fs"

	"github.com/rawshake/rawshake/internal/explain"
)

var notAllowed = []error{explain.ErrNotAllowed, fs.ErrPermission}
