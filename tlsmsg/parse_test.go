package tlsmsg_test

import (
	"bytes"
	"testing"

	"github.com/rawshake/rawshake/field"
	"github.com/rawshake/rawshake/tlsmsg"
)

// foreign is a message and an extension that this package has never heard of.
type foreign struct{ n uint16 }

func (*foreign) Type() tlsmsg.HandshakeType          { return 200 }
func (*foreign) ExtensionType() tlsmsg.ExtensionType { return 4000 }

func (m *foreign) AppendBody(b []byte, _ tlsmsg.Context) []byte {
	return append(b, byte(m.n>>8), byte(m.n))
}

func (m *foreign) Decode(c *field.Cursor, _ tlsmsg.Context) error {
	m.n = c.Uint16("n")
	return c.End()
}

// foreignData makes foreign an extension; the two Decodes differ.
type foreignData struct{ foreign }

func (m *foreignData) AppendData(b []byte, _ tlsmsg.HandshakeType) []byte {
	return m.AppendBody(b, tlsmsg.Context{})
}

func (m *foreignData) Decode(c *field.Cursor, _ tlsmsg.HandshakeType) error {
	return m.foreign.Decode(c, tlsmsg.Context{})
}

func TestMessagesAndExtensionsFromElsewhereAreWelcome(t *testing.T) {
	raw := tlsmsg.Append(nil, &foreign{0x0102}, tlsmsg.Context{})
	if want := join(200, 0, 0, 2, 1, 2); !bytes.Equal(raw, want) {
		t.Errorf("encoded % x, want % x", raw, want)
	}
	var m foreign
	if err := tlsmsg.ParseInto(&m, raw, tlsmsg.Context{}); err != nil || m.n != 0x0102 {
		t.Errorf("decoded %x, %v", m.n, err)
	}
	var e foreignData
	ext := tlsmsg.NewExtension(&foreignData{foreign{7}}, tlsmsg.TypeClientHello)
	if err := ext.Decode(&e, tlsmsg.TypeClientHello); err != nil || e.n != 7 {
		t.Errorf("decoded %x, %v", e.n, err)
	}
}

func TestDecodeReadsTheRestOfTheGroupAndNoMore(t *testing.T) {
	// A body inside a larger structure, as in a view of a record.
	c := field.New("Fragment", join(20, 0, 0, 12, "twelve bytes", 99))
	c.Uint8("msg_type")
	c.Enter24("body", 0, 100)
	m, err := tlsmsg.Decode(tlsmsg.TypeFinished, &c, tls12RSA)
	must(t, err)
	c.Leave()
	if f, ok := m.(*tlsmsg.Finished); !ok || string(f.VerifyData) != "twelve bytes" || c.Left() != 1 {
		t.Errorf("%+v, %d bytes left", m, c.Left())
	}
	c = field.New("Fragment", []byte("too short"))
	if m, err := tlsmsg.Decode(tlsmsg.TypeFinished, &c, tls12RSA); err == nil || m != nil {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestRecordTreeTellsTheErrorInTheTree(t *testing.T) {
	raw := join(14, 0, 0, 1, 0)
	tree := tlsmsg.RecordTree(raw, tls12RSA)
	checkLeaves(t, tree, raw)
	last := tree.Children[len(tree.Children)-1]
	if want := "ServerHelloDone at byte 4: 1 byte left over after the last field"; last.Meaning != want {
		t.Errorf("%q, want %q", last.Meaning, want)
	}
}

func TestServerRandomsThatMeanSomethingSaySo(t *testing.T) {
	retry := clear(t, loadTranscript(t, goTranscripts(t, "Client-TLSv13-HelloRetryRequest")[0]))[1]
	var m tlsmsg.ServerHello
	must(t, tlsmsg.ParseInto(&m, retry.raw, retry.ctx))
	if !m.IsHelloRetryRequest() {
		t.Error("a recorded HelloRetryRequest is not recognized")
	}
	for random, want := range map[[32]byte]string{
		m.Random: "HelloRetryRequest",
		[32]byte(join(make([]byte, 24), "DOWNGRD", 1)): "ends with the mark of a server that also speaks TLS 1.3",
		[32]byte(join(make([]byte, 24), "DOWNGRD", 0)): "ends with the mark of a server that also speaks TLS 1.2",
		{}: "",
	} {
		raw := tlsmsg.Append(nil, &tlsmsg.ServerHello{Random: random}, tlsmsg.Context{})
		if got := tlsmsg.RecordTree(raw, tlsmsg.Context{}).Find("random").Meaning; got != want {
			t.Errorf("% x means %q, want %q", random, got, want)
		}
	}
}
