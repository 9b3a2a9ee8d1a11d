package view

import (
	"fmt"

	"github.com/rawshake/rawshake/internal/dictionary"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/tlsmsg"
)

// explainedFacts are the facts of a message whose values the dictionary tells,
// by the fields that they come from.
var explainedFacts = map[string]string{
	"description": "Alert.description", "level": "Alert.level", "cipher_suite": "ServerHello.cipher_suite", "version": "ServerHello.server_version",
	"group": "named_group", "scheme": "signature_algorithm", "signature_scheme": "signature_algorithm", "status_type": "status_type",
}

// explain calls tell with what the dictionary says of the values in a message, and
// the name of the fact.
func explain(d *dictionary.Dictionary, m *transcript.Message, tell func(fact string, value any, e dictionary.Entry)) {
	for _, f := range messageFacts(m) {
		key, known := explainedFacts[f.key]
		if !known {
			continue
		}
		if e, ok := d.Value(key, fmt.Sprint(f.value), ""); ok {
			tell(f.key, f.value, e)
		}
	}
}

// meanings are the same for programs.
func meanings(d *dictionary.Dictionary, m *transcript.Message) (list []object) {
	explain(d, m, func(fact string, _ any, e dictionary.Entry) {
		var o object
		o.add("of", fact)
		o.add("text", e.Text)
		o.add("source", e.Source)
		list = append(list, o)
	})
	return list
}

// meaningTexts are the same in words.
func meaningTexts(d *dictionary.Dictionary, m *transcript.Message) (texts []string) {
	explain(d, m, func(_ string, value any, e dictionary.Entry) {
		texts = append(texts, fmt.Sprint(value)+": "+e.Text)
	})
	return texts
}

// alertMeaning is what an alert's description means; "" of another message, and
// of the one that ends a connection in good order.
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
