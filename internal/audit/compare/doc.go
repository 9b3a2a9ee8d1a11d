// Package compare says what changed at a server between two audits.
//
// What depends on the moment is no change: times, durations, the number of
// connections, and orders that the client decides. Nor is what one of the two
// reports does not know.
//
// Begin with compare.go.
package compare
