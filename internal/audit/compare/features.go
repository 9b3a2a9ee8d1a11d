// Features: each that both reports know.

package compare

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

func (d *differ) features() {
	d.fields("", reflect.ValueOf(d.was.Features), reflect.ValueOf(d.is.Features))
}

// fields compares two structs by the names that their fields have in JSON. What
// is a pointer, a list or a text may be unknown in one of them.
func (d *differ) fields(prefix string, was, is reflect.Value) {
	for i := range was.NumField() {
		name, _, _ := strings.Cut(was.Type().Field(i).Tag.Get("json"), ",")
		a, b := was.Field(i), is.Field(i)
		if a.Kind() == reflect.Pointer {
			if a.IsNil() || b.IsNil() {
				continue
			}
			a, b = a.Elem(), b.Elem()
		}
		switch a.Kind() {
		case reflect.Struct:
			d.fields(prefix+name+".", a, b)
		case reflect.Slice:
			if !a.IsNil() && !b.IsNil() {
				d.changed("features", spoken(prefix+name), joined(a), joined(b))
			}
		case reflect.String:
			if a.Len() > 0 && b.Len() > 0 {
				d.changed("features", spoken(prefix+name), a.String(), b.String())
			}
		case reflect.Bool:
			d.changed("features", spoken(prefix+name), yesNo(a.Bool()), yesNo(b.Bool()))
		default:
			d.changed("features", spoken(prefix+name), fmt.Sprint(a.Interface()), fmt.Sprint(b.Interface()))
		}
	}
}

// joined is a list of texts in an order of its own: an audit asks for each.
func joined(v reflect.Value) string {
	list := slices.Clone(v.Interface().([]string))
	slices.Sort(list)
	return strings.Join(list, ", ")
}
