// Package view draws a transcript for people and for programs: as a ladder, as
// JSON, as trees of fields, as hex, and as the way to its keys.
//
// Every view takes entries one by one, so that it can be a recorder's listener
// and show a connection while it happens, or be given a finished transcript
// with [Draw]. Text that came from the network goes through [Escape].
//
// Read view.go first, then escape.go and text.go (text that fits and does no
// harm), facts.go and certificate.go (the one or two things that matter in a
// message), then the views: ladder.go with lane.go and style.go, json.go with
// object.go, specimens.go with fields.go and hex.go, keys.go; sentence.go, and export.go.
package view
