//go:build race

package handshake_test

// raced says that the race detector is here, which allocates.
const raced = true
