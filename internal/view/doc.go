// Package view draws a transcript for people and for programs: as a ladder, as
// JSON, as trees of fields, as hex, and as the derivation of its keys.
//
// Every view takes entries one by one. So it can be a recorder's listener and
// show a connection while it happens, or be given a finished transcript by
// [Draw]. Text from the network goes through [Escape].
package view
