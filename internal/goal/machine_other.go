//go:build !linux

// Links and guards need Linux. Elsewhere there are only captures, and nobody
// reports these errors.

package goal

import "errors"

// Links and guards are Linux's: elsewhere there are captures only, and nobody
// reports these.
var (
	errPermission  = errors.New("not permitted")
	errPortInUse   = errors.New("port in use")
	errNoGuard     = errors.New("no guard")
	errNoRoute     = errors.New("no route")
	errNoNeighbour = errors.New("no neighbour")
	errFiltered    = errors.New("filtered")
)

func ofGuard(error) bool { return false }
