package results_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"

	reader "github.com/fraugster/parquet-go"
	"github.com/fraugster/parquet-go/parquet"
	"github.com/klauspost/compress/zstd"

	"github.com/rawshake/rawshake/internal/results"
)

// unzstd gives the other reader what it lacks.
type unzstd struct{}

func (unzstd) CompressBlock([]byte) ([]byte, error) { return nil, errors.ErrUnsupported }

func (unzstd) DecompressBlock(b []byte) ([]byte, error) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.DecodeAll(b, nil)
}

func converted(t *testing.T, b []byte, format string) []byte {
	t.Helper()
	var out bytes.Buffer
	c, err := results.NewConverter(&out, format)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := results.Read([]string{write(t, "scan.jsonl", b)}, c.Add); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A reader by another hand finds in the Parquet file what stands in the results.
func TestAnotherReaderReadsTheParquetFile(t *testing.T) {
	reader.RegisterBlockCompressor(parquet.CompressionCodec_ZSTD, unzstd{})
	b := scan(400)
	var lines []results.Line
	if _, err := results.Read([]string{write(t, "scan.jsonl", b)}, func(l *results.Line) error { lines = append(lines, *l); return nil }); err != nil {
		t.Fatal(err)
	}
	file, err := reader.NewFileReader(bytes.NewReader(converted(t, b, "parquet")))
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range lines {
		row, err := file.NextRow()
		if err != nil {
			t.Fatalf("row %d: %v", i, err)
		}
		want := map[string]any{"addr": []byte(l.Addr), "port": int32(l.Port), "outcome": []byte(l.Outcome), "ok": l.OK, "chain_length": int32(len(l.Chain))}
		if l.Version != "" {
			want["version"] = []byte(l.Version)
		}
		if l.RTT != nil {
			want["rtt_ms"] = *l.RTT
		}
		if len(l.Chain) > 0 {
			want["cert_sha256"] = []byte(l.Chain[0].SHA256)
			want["cert_public_key"] = []byte(l.Chain[0].PublicKey)
			if names := l.Chain[0].DNSNames; len(names) != listed(row["cert_dns_names"]) {
				t.Errorf("row %d: %v, want %q", i, row["cert_dns_names"], names)
			}
		}
		for name, value := range want {
			if !reflect.DeepEqual(row[name], value) {
				t.Errorf("row %d: %s is %v, want %v", i, name, row[name], value)
			}
		}
		if _, there := row["version"]; there != (l.Version != "") {
			t.Errorf("row %d: a version: %v", i, there)
		}
	}
	if _, err := file.NextRow(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last row: %v", err)
	}
}

// listed is how long a list is: LIST has a group for each element.
func listed(v any) int {
	group, _ := v.(map[string]any)
	elements, _ := group["list"].([]map[string]any)
	return len(elements)
}

// CSV has the same columns, and no cell that a spreadsheet would calculate.
func TestCSVIsReadBack(t *testing.T) {
	b := append(scan(40), `{"type":"target","addr":"198.18.9.9","port":443,"outcome":"certificate","ok":true,"tag":"=cmd()","alpn":"a\"b,c\nd"}`+"\n"...)
	rows, err := csv.NewReader(bytes.NewReader(converted(t, b, "csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 42 {
		t.Fatalf("%d rows", len(rows))
	}
	at := make(map[string]int)
	for i, name := range rows[0] {
		at[name] = i
	}
	last := rows[41]
	if last[at["tag"]] != "'=cmd()" || last[at["alpn"]] != "a\"b,c\nd" || last[at["addr"]] != "198.18.9.9" {
		t.Errorf("%q", last)
	}
}

// The page has each column, in each of the two tables.
func TestThePageHasEveryColumn(t *testing.T) {
	page, err := os.ReadFile("../../docs/results.md")
	if err != nil {
		t.Fatal(err)
	}
	header, _, _ := strings.Cut(string(converted(t, nil, "csv")), "\n")
	for _, name := range strings.Split(header, ",") {
		if n := strings.Count(string(page), "\n  "+name+" "); n != 2 {
			t.Errorf("%s is %d times in the tables of docs/results.md, want twice", name, n)
		}
	}
}

func TestAFormatThatDoesNotExistIsRefused(t *testing.T) {
	if _, err := results.NewConverter(io.Discard, "xlsx"); err == nil || !strings.Contains(err.Error(), "parquet") {
		t.Errorf("%v", err)
	}
}
