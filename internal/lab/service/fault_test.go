package service_test

import (
	"net"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/lab/service"
)

func TestWrongFaultsAreRefusedInASentence(t *testing.T) {
	for text, want := range map[string]string{
		"dance certificate":          `"dance" is not one of`,
		"stop":                       "the message is missing",
		"stop nonsense":              "nonsense",
		"alert certificate":          "certificate",
		"alert":                      "name of an alert",
		"corrupt finished first":     "not a byte's number",
		"skip certificate and dance": "nothing goes after",
	} {
		if _, err := service.ParseServerFault(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want something about %q", text, err, want)
		}
	}
}

// A fault that cannot be done is not left undone in silence.
func TestAServerWithAFaultThatThereIsNotDoesNotStart(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := service.NewOurServer(ln, service.Options{Wrong: service.ServerFault{Act: "dance"}})
	if err == nil {
		_ = s.Close()
		t.Fatal("it starts")
	}
	if !strings.Contains(err.Error(), `"dance" is not one of`) {
		t.Error(err)
	}
}
