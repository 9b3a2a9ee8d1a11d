// Package simnet is the simulated network that tests run on: virtual time,
// links that do to packets what real ones do and worse, and endpoints of ours
// at both ends, or at one end and a script at the other. One seed decides
// everything, so that what fails can be seen again:
//
//	go test ./internal/test/simnet -run TestSeeds -seed 4711
//	make soak SEEDS=1000000
//
// The network itself, of use to any test:
//
//	network.go    the time, and what happens next
//	host.go       an endpoint on the network
//	link.go       what happens to packets between two hosts
//	packet.go     packets that no endpoint makes
//
// What a seed makes of it:
//
//	plan.go       all that a seed decides before anything happens
//	world.go      a run: two hosts, their connections, what is left at the end
//	user.go       who writes, reads, stalls, closes and aborts, and what they may see
//	attacks.go    hosts that vanish, strangers that forge
//	bystander.go  what packets may say, by the books of somebody who only watches
//	space.go      those books
//	coverage.go   what must happen over a run of many seeds
//	ladder.go     what happened, for a person
//
// And peers played by scripts (testdata/scripts): script.go says how to write
// one, scriptsegment.go reads its segments.
//
// The package draws its randomness from seeds alone and reads no clock.
package simnet
