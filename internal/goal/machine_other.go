//go:build !linux

// Links and guards need Linux. Elsewhere there are only captures, and nobody
// reports these errors.

package goal

import "errors"

// These exist so that the package compiles; nothing returns them.
var (
	errPermission  = errors.New("not permitted")
	errPortInUse   = errors.New("port in use")
	errNoGuard     = errors.New("no guard")
	errNoRoute     = errors.New("no route")
	errNoNeighbour = errors.New("no neighbour")
	errFiltered    = errors.New("filtered")
)

func ofGuard(error) bool { return false }
