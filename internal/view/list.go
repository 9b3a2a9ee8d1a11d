// The list of connections in a capture.

package view

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/rawshake/rawshake/internal/facts/plain"
	"github.com/rawshake/rawshake/internal/observe"
	"github.com/rawshake/rawshake/internal/transcript"
)

// A List shows the connections in a capture, as a table for people or as one
// JSON object a line for programs.
type List struct{ JSON bool }

// Write lists connections, and says how many more there are. It returns the
// first error of writing.
func (l List) Write(w io.Writer, list []*observe.Summary, more int) error {
	if l.JSON {
		for _, s := range list {
			if _, err := w.Write(connectionObject(s)); err != nil {
				return err
			}
		}
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	networks := slices.ContainsFunc(list, func(s *observe.Summary) bool { return len(s.Networks) > 0 })
	column := func(text string) string {
		if !networks {
			return ""
		}
		return text + "\t"
	}
	fmt.Fprintf(t, "conn\tclient\tserver\t%sserver name\tpackets\tbytes\tseconds\toutcome\n", column("network"))
	for _, s := range list {
		fmt.Fprintf(t, "%d\t%v\t%v\t%s%s\t%d\t%d\t%.3f\t%s\n", s.Number, s.Flow.Client, s.Flow.Server, column(networkOf(s)),
			plain.Escape(s.ServerName), s.Packets, s.Bytes, s.Last.Sub(s.First).Seconds(), outcomeOf(s.Result))
	}
	if more > 0 {
		fmt.Fprintf(t, "and %d more\n", more)
	}
	return t.Flush()
}

// networkOf names the network that a connection is in, from the outside in.
func networkOf(s *observe.Summary) string {
	var names []string
	for _, n := range s.Networks {
		names = append(names, n.String())
	}
	return strings.Join(names, ", ")
}

func networkValues(s *observe.Summary) []plain.Object {
	var list []plain.Object
	for _, n := range s.Networks {
		var o plain.Object
		o.Add("kind", n.Kind)
		o.Add("id", n.ID)
		list = append(list, o)
	}
	return list
}

func connectionObject(s *observe.Summary) []byte {
	var o plain.Object
	o.Add("type", "connection")
	o.Add("conn", s.Number)
	o.Add("client", s.Flow.Client)
	o.Add("server", s.Flow.Server)
	o.Add("networks", known(len(s.Networks) > 0, networkValues(s)))
	o.Add("server_name", known(s.ServerName != "", s.ServerName))
	o.Add("packets", s.Packets)
	o.Add("bytes", s.Bytes)
	o.Add("duration_ms", s.Last.Sub(s.First))
	if r := s.Result; r != nil {
		o.Add("ok", r.OK)
		o.Add("outcome", r.Outcome)
		o.Add("error", known(r.Error != "", r.Error))
		o.Add("reasons", reasonValues(r.Reasons))
	} else {
		o.Add("outcome", nil)
	}
	return append(o.AppendTo(nil), '\n')
}

// outcomeOf is the outcome of a connection, with the first reason if that says
// more.
func outcomeOf(r *transcript.Result) string {
	if r == nil {
		return "?"
	}
	outcome := strings.ReplaceAll(r.Outcome, "_", " ")
	if len(r.Reasons) > 0 && r.Reasons[0].Code != r.Outcome {
		outcome += ": " + strings.ReplaceAll(r.Reasons[0].Code, "_", " ")
	}
	return outcome
}
