// Results as Parquet and CSV.

package results

import (
	"encoding/csv"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
)

// rowsInGroup bounds the rows that are held in memory.
const rowsInGroup = 50_000

// A Converter takes results and writes rows. Close ends the file; without it a
// Parquet file cannot be read.
type Converter interface {
	Add(l *Line) error
	Close() error
}

// Formats are the formats of NewConverter.
var Formats = []string{"parquet", "csv"}

// NewConverter writes rows of a format.
func NewConverter(w io.Writer, format string) (Converter, error) {
	switch format {
	case "parquet":
		return &parquetRows{w: parquet.NewGenericWriter[Row](w, parquet.Compression(&zstd.Codec{}), parquet.DataPageVersion(1), parquet.CreatedBy("rawshake", "", ""))}, nil
	case "csv":
		c := &csvRows{w: csv.NewWriter(w)}
		return c, c.w.Write(columns())
	}
	return nil, fmt.Errorf("there is no format %q; there are %s", format, strings.Join(Formats, ", "))
}

type parquetRows struct {
	w *parquet.GenericWriter[Row]
	n int
}

func (p *parquetRows) Add(l *Line) error {
	if _, err := p.w.Write([]Row{*rowOf(l)}); err != nil {
		return err
	}
	if p.n++; p.n%rowsInGroup == 0 {
		return p.w.Flush()
	}
	return nil
}

func (p *parquetRows) Close() error { return p.w.Close() }

type csvRows struct{ w *csv.Writer }

func (c *csvRows) Add(l *Line) error {
	v := reflect.ValueOf(rowOf(l)).Elem()
	fields := make([]string, v.NumField())
	for i := range fields {
		fields[i] = cell(v.Field(i))
	}
	return c.w.Write(fields)
}

func (c *csvRows) Close() error {
	c.w.Flush()
	return c.w.Error()
}

// columns are the names of the columns.
func columns() []string {
	t := reflect.TypeFor[Row]()
	names := make([]string, t.NumField())
	for i := range names {
		names[i], _, _ = strings.Cut(t.Field(i).Tag.Get("parquet"), ",")
	}
	return names
}

// cell writes a value. Null is empty, and what is a list has semicolons between
// its elements.
func cell(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	switch x := v.Interface().(type) {
	case string:
		return harmlessCell(x)
	case []string:
		return harmlessCell(strings.Join(x, ";"))
	case bool:
		return strconv.FormatBool(x)
	case int32:
		return strconv.Itoa(int(x))
	case float64:
		return strconv.FormatFloat(x, 'f', -1, 64)
	case time.Time:
		return x.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v.Interface())
}

// harmlessCell keeps spreadsheets from taking text of the network's for a
// formula.
func harmlessCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
