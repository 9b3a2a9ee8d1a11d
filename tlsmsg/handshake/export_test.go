package handshake

// MaxHeld is what a peer can make a machine hold, in bytes.
const MaxHeld = maxHeld
