// The schema of a result.

package record

import _ "embed"

// Schema is what a line may be: a JSON Schema (2020-12), explained in
// docs/record.md.
//
//go:embed record.schema.json
var Schema []byte
