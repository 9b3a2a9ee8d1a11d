// The JSON view's schema.

package view

import _ "embed"

// Schema is the JSON Schema (2020-12) of a line of the JSON view, explained in
// docs/events.md.
//
//go:embed events.schema.json
var Schema []byte
