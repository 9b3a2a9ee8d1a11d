package output

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/audit"
	"github.com/rawshake/rawshake/internal/audit/policy"
	"github.com/rawshake/rawshake/internal/test/reports"
	"github.com/rawshake/rawshake/internal/test/schema"
)

func jsonOf(t *testing.T, r *audit.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := JSON(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A report is one line, always the same, as the schema says, harmless, and comes
// back as it was.
func TestJSON(t *testing.T) {
	valid := schema.Compile(t, "audit.schema.json", Schema)
	for name, r := range reports.All() {
		for _, p := range policy.List() {
			r, _ := judgedBy(t, r, p)
			b := jsonOf(t, r)
			if name != "hostile" { // whose words are nobody's
				if err := schema.Allows(valid, b); err != nil {
					t.Errorf("%s by %s against the schema: %v\n%s", name, p, err, b)
				}
			}
			if harmful(string(b)) || bytes.Count(b, []byte("\n")) != 1 || !bytes.Equal(b, jsonOf(t, r)) {
				t.Errorf("%s by %s: %q", name, p, b)
			}
			var again audit.Report
			if err := json.Unmarshal(b, &again); err != nil {
				t.Fatal(err)
			}
			if name != "hostile" && !bytes.Equal(b, jsonOf(t, &again)) {
				t.Errorf("%s by %s comes back as\n%s", name, p, jsonOf(t, &again))
			}
		}
	}
	if err := schema.Allows(valid, jsonOf(t, &audit.Report{})); err != nil {
		t.Errorf("an empty report against the schema: %v", err)
	}
}

// The schema refuses what no report is, so that it can be leant on.
func TestTheSchemaRefusesOthers(t *testing.T) {
	valid := schema.Compile(t, "audit.schema.json", Schema)
	line := string(jsonOf(t, reports.Terrible()))
	for _, change := range [][2]string{{`"host"`, `"hosts"`}, {`"severity":"critical"`, `"severity":"awful"`}, {`"port":443`, `"port":"443"`}, {`"offered":true`, `"offered":"yes"`}, {`"compression":true`, `"compression":null`}} {
		wrong := strings.Replace(line, change[0], change[1], 1)
		if wrong == line || schema.Allows(valid, []byte(wrong)) == nil {
			t.Errorf("the schema allows %s", change[1])
		}
	}
}

// The schema has each field of a report, and no other.
func TestTheSchemaHasEachField(t *testing.T) {
	type object struct {
		Properties map[string]struct {
			Ref   string `json:"$ref"`
			Items struct {
				Ref string `json:"$ref"`
			}
		}
	}
	var s struct {
		object
		Defs map[string]object `json:"$defs"`
	}
	if err := json.Unmarshal(Schema, &s); err != nil {
		t.Fatal(err)
	}
	var compare func(typ reflect.Type, o object)
	compare = func(typ reflect.Type, o object) {
		var fields []string
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			fields = append(fields, name)
			field := typ.Field(i).Type
			for field.Kind() == reflect.Pointer || field.Kind() == reflect.Slice && field.Elem().Kind() != reflect.Uint8 {
				field = field.Elem()
			}
			if field.Kind() == reflect.Struct && field.PkgPath() == typ.PkgPath() {
				compare(field, s.Defs[strings.ToLower(field.Name())])
			}
		}
		slices.Sort(fields)
		if has := slices.Sorted(maps.Keys(o.Properties)); !slices.Equal(has, fields) {
			t.Errorf("%s: the schema has %q, Go %q", typ, has, fields)
		}
	}
	compare(reflect.TypeFor[audit.Report](), s.object)
}
