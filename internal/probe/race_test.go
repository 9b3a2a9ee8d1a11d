//go:build race

package probe

// raced says that the race detector is here, which allocates.
const raced = true
