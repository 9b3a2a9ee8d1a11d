// Package simnet is the simulated network that tests run on: virtual time,
// links that do to packets what real ones do and worse, and our endpoints at
// both ends, or at one end with a script (testdata/scripts) at the other. One
// seed decides everything, so that a failure can be replayed:
//
//	go test ./internal/test/simnet -run TestSeeds -seed 4711
//	make soak SEEDS=1000000
//
// The package draws its randomness from seeds alone and reads no clock.
package simnet
