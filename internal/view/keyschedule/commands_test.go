package keyschedule_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/connect"
	"github.com/rawshake/rawshake/internal/lab/service"
	"github.com/rawshake/rawshake/internal/test/live"
	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/internal/view/keyschedule"
	"github.com/rawshake/rawshake/tlsmsg"
)

// The commands of each step give its values, by openssl and python3 alone; what they are
// made of stands in a step before, and whatever follows from something has one.
func TestTheCommandsGiveTheValues(t *testing.T) {
	for _, program := range []string{"openssl", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	for _, c := range live.Cases {
		switch c.Name { // those that differ in how keys are made
		case "client certificate", "rsa and cbc", "chacha and alpn", "an old version":
			t.Run(c.Name, func(t *testing.T) { checkCommands(t, live.Run(t, c), 8) })
		}
	}
	for _, c := range []live.Case{
		{Name: "TLS 1.3", Server: service.Options{}},
		{Name: "SHA-384", Adjust: func(o *connect.Options) { o.TLS.CipherSuites = []tlsmsg.CipherSuite{tlsmsg.TLS_AES_256_GCM_SHA384} }},
		{Name: "ChaCha20, HelloRetryRequest", Adjust: func(o *connect.Options) {
			o.TLS.CipherSuites, o.TLS.KeyShares = []tlsmsg.CipherSuite{tlsmsg.TLS_CHACHA20_POLY1305_SHA256}, []tlsmsg.NamedGroup{}
		}},
	} {
		adjust := c.Adjust
		c.Adjust = func(o *connect.Options) {
			o.TLS.MaxVersion = tlsmsg.VersionTLS13
			if adjust != nil {
				adjust(o)
			}
		}
		t.Run(c.Name, func(t *testing.T) { checkCommands(t, live.Run(t, c), 24) })
	}
	t.Run("an encrypted ClientHello", func(t *testing.T) {
		l := live.New(t)
		s, err := l.StartTLSServer(service.Options{ECH: "public.lab.test"})
		if err != nil {
			t.Fatal(err)
		}
		o := live.Options(t, s)
		o.TLS.MaxVersion, o.TLS.ECHConfigs = tlsmsg.VersionTLS13, []tlsmsg.ECHConfig{s.PKI.ECH.Config}
		checkCommands(t, live.Connect(t, l, o), 26)
	})
	for _, file := range []string{"tls13.pcapng", "tls13-resumed.pcapng"} {
		t.Run(file, func(t *testing.T) { checkCommands(t, captured(t, file, 1), 8) })
	}
}

// given are values that no command makes.
var given = regexp.MustCompile(`^(pre_master_secret|\(EC\)DHE|PSK|(Client|Server)Hello(Inner)?\.random|sequence number|nonce_explicit|IV|ciphertext|tag|additional data)$`)

// secretIn finds what a command derives from.
var secretIn = regexp.MustCompile(`hex(?:key|salt|secret):([0-9a-f]+)`)

func checkCommands(t *testing.T, tr *transcript.Transcript, least int) {
	t.Helper()
	steps, err := keyschedule.Steps(tr)
	if err != nil {
		t.Fatal(err)
	}
	shown, run := map[string]bool{}, 0
	for _, step := range steps {
		for _, v := range step.Values {
			switch {
			case v.Command != "":
				run++
				checkCommand(t, v, shown)
			case !given.MatchString(v.Name) && !shown[v.Hex] && tr.PreMaster != nil && v.Name != "plaintext":
				t.Errorf("%s: %s has no command", step.Title, v.Name)
			}
			shown[v.Hex] = true
		}
	}
	if run < least {
		t.Errorf("%d commands, expected at least %d", run, least)
	}
}

func checkCommand(t *testing.T, v keyschedule.Value, shown map[string]bool) {
	t.Helper()
	for _, m := range secretIn.FindAllStringSubmatch(v.Command, -1) {
		if !shown[m[1]] && strings.Trim(m[1], "0") != "" {
			t.Errorf("%s is made of %s, which does not stand above", v.Name, m[1])
		}
	}
	out, err := exec.Command("bash", "-c", v.Command).CombinedOutput()
	got := strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(string(out), ":", "")), ""))
	if err != nil || got != v.Hex {
		t.Errorf("%s: %.300s\ngives %.200s, %v\nexpected %.200s", v.Name, v.Command, got, err, v.Hex)
	}
}
