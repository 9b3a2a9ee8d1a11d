// The errors of links and guards that mean that this machine does not allow
// something.

package goal

import (
	"errors"

	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// What this machine refuses, as links and guards report it.
var (
	errPermission  = link.ErrPermission
	errPortInUse   = guard.ErrPortInUse
	errNoGuard     = guard.ErrNoGuard
	errNoRoute     = route.ErrNoRoute
	errNoNeighbour = link.ErrNoNeighbour
	errFiltered    = link.ErrFiltered
)

// ofGuard reports whether a privilege is missing for a guard, rather than a link.
func ofGuard(err error) bool {
	var e *guard.PermissionError
	return errors.As(err, &e)
}
