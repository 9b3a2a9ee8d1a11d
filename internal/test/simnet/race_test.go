//go:build race

package simnet

// The race detector makes a seed some ten times as dear; make test plays the
// rest without it.
const defaultSeeds = 1500
