// The errors of links and guards that mean that this machine does not allow
// something.

package goal

import (
	"github.com/rawshake/rawshake/rawtcp/guard"
	"github.com/rawshake/rawshake/rawtcp/link"
	"github.com/rawshake/rawshake/rawtcp/route"
)

// What this machine refuses, as links and guards report it.
var (
	errLinkPermission  = link.ErrPermission
	errGuardPermission = guard.ErrPermission
	errPortInUse       = guard.ErrPortInUse
	errNoGuard         = guard.ErrNoGuard
	errNoRoute         = route.ErrNoRoute
	errNoNeighbour     = link.ErrNoNeighbour
	errFiltered        = link.ErrFiltered
)
