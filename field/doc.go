// Package field is what every decoder in this project reads through.
//
// A decoder reads wire bytes through a [Cursor], naming each field as its RFC
// does. The cursor checks every bound, so a decoder cannot read past its
// input, and a failure says which field, at which byte, and what was
// expected: "ClientHello.extensions[3].key_share: length 70 exceeds the 64
// bytes left".
//
// A cursor made with [Record] also keeps a tree of [Node] values, one span of
// named bytes each. The same decoder therefore both runs a connection (no
// recorder, no allocation) and explains it afterwards (with one): there is no
// second parser that could drift.
//
// The package imports nothing of ours and knows no protocol.
package field
