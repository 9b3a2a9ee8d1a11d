// Package targets says which hosts and ports a scan goes to, and in what order:
// addresses, blocks, ranges and names as people write them, exclusions, the
// special-purpose registries, and a keyed permutation of a whole space that
// takes no memory.
package targets
