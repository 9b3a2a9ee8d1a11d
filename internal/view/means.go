// What the dictionary says of the values in a message.

package view

import (
	"fmt"
	"slices"

	"github.com/rawshake/rawshake/internal/facts"
	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/dictionary"
	"github.com/rawshake/rawshake/tlsmsg"
)

// explainedFacts are the facts whose values the dictionary explains, with the
// fields that they come from.
var explainedFacts = map[string]string{
	"description": "Alert.description", "level": "Alert.level", "cipher_suite": "ServerHello.cipher_suite", "version": "ServerHello.server_version",
	"group": "named_group", "scheme": "signature_algorithm", "signature_scheme": "signature_algorithm", "status_type": "status_type",
}

// explainedLists are the same for lists of values.
var explainedLists = map[string]string{
	"extensions": "extension_type", "certificate_types": "certificate_type", "signature_schemes": "signature_algorithm",
	"groups": "named_group", "supported_versions": "supported_versions.versions.version",
}

// A meaning is what the dictionary says of one value in a message.
type meaning struct {
	of     string // the fact that it is of
	value  string
	inList bool // it is one of several
	dictionary.Entry
}

// explain says what the values in a message mean.
func explain(d *dictionary.Dictionary, m *transcript.Message) (list []meaning) {
	add := func(of, key, value string, inList bool) {
		if e, ok := d.Value(key, value, ""); ok {
			list = append(list, meaning{of, value, inList, e})
		}
	}
	for _, f := range facts.Message(m) {
		if key, known := explainedFacts[f.Key]; known {
			add(f.Key, key, fmt.Sprint(f.Value), false)
		}
		values, _ := f.Value.([]string)
		for i, value := range values {
			if key, known := explainedLists[f.Key]; known && !slices.Contains(values[:i], value) {
				add(f.Key, key, value, true)
			}
		}
	}
	return list
}

// meanings are the same for programs.
func meanings(d *dictionary.Dictionary, m *transcript.Message) (list []plain.Object) {
	for _, e := range explain(d, m) {
		var o plain.Object
		o.Add("of", e.of)
		if e.inList {
			o.Add("value", e.value)
		}
		o.Add("text", e.Text)
		o.Add("source", e.Source)
		list = append(list, o)
	}
	return list
}

// meaningTexts are the same in words.
func meaningTexts(d *dictionary.Dictionary, m *transcript.Message) (texts []string) {
	for _, e := range explain(d, m) {
		texts = append(texts, e.value+": "+e.Text)
	}
	return texts
}

// alertMeaning is what an alert's description means; "" for another message,
// and for close_notify.
func alertMeaning(d *dictionary.Dictionary, m *transcript.Message) string {
	if m.Content != tlsmsg.ContentAlert || m.Sealed {
		return ""
	}
	alert, err := tlsmsg.ParseAlert(m.Raw)
	if err != nil || alert.Description == tlsmsg.AlertCloseNotify {
		return ""
	}
	e, _ := d.Value("Alert.description", alert.Description.String(), "")
	return e.Text
}
