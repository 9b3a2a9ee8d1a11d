// Package worker does the work that a handshake machine yields: it agrees on
// keys, checks signatures, judges chains against a root store, and signs.
// It belongs to the driver's side: unlike the machine it may draw on the
// system's randomness, roots and clock.
//
// A driver calls [Worker.Do] for each piece of work, or [Worker.Finish] for all
// that is outstanding.
package worker
