// Package simnet is the simulated network that tests run on: virtual time,
// links that do to packets what real ones do and worse, and endpoints of ours
// at both ends. One seed decides everything, so that what fails can be seen
// again.
package simnet
