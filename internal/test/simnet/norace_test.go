//go:build !race

package simnet

const defaultSeeds = 10000
