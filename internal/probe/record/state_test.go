package record_test

import "github.com/rawshake/rawshake/tlsmsg/handshake"

// handshakeState has one certificate that nobody can read.
var handshakeState = handshake.State{Chain: [][]byte{{0x30, 0x03, 1, 2, 3}}}
