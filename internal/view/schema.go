// The JSON view's schema.

package view

import _ "embed"

// Schema is what a line of the JSON view may be: a JSON Schema (2020-12),
// explained in docs/events.md.
//
//go:embed events.schema.json
var Schema []byte
