package record_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/probe/record"
	"github.com/rawshake/rawshake/internal/test/oddcert"
	"github.com/rawshake/rawshake/internal/test/schema"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/der"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Every anomaly of a certificate, and every field of one, is on the page.
func TestThePageHasEveryAnomalyAndFieldOfACertificate(t *testing.T) {
	page, err := os.ReadFile("../../../docs/record.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range der.Anomalies() {
		if row := fmt.Sprintf("| `%s` | %s | %s |", a, a.Text(), a.Source()); !strings.Contains(string(page), row) {
			t.Errorf("docs/record.md does not have the row %s", row)
		}
	}
	var schema struct {
		Defs struct {
			Target struct {
				Properties struct {
					Chain struct {
						Items struct{ Properties map[string]any }
					}
				}
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(record.Schema, &schema); err != nil {
		t.Fatal(err)
	}
	fields := schema.Defs.Target.Properties.Chain.Items.Properties
	if len(fields) < 30 {
		t.Fatalf("%d fields in the schema", len(fields))
	}
	for name := range fields {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/record.md does not have the field %s", name)
		}
	}
}

// Each odd certificate is described as the schema says.
func TestOddCertificatesAreDescribedAsTheSchemaSays(t *testing.T) {
	for _, k := range oddcert.Kinds() {
		r := silent()
		r.TLS = &handshake.State{Version: tlsmsg.VersionTLS12, Chain: [][]byte{k.DER}}
		line := (&record.Encoder{}).Append(nil, r)
		schema.Check(t, line)
		if k.Anomaly != "" && !bytes.Contains(line, []byte(`"code":"`+string(k.Anomaly)+`"`)) {
			t.Errorf("%s: no %s in %.2000s", k.Name, k.Anomaly, line)
		}
	}
}
