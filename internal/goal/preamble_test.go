package goal

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rawshake/rawshake/internal/starttls"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Every way in which what precedes TLS fails has a reason of its own, with what to
// do, and one outcome.
func TestEachFailureBeforeTLSHasItsReason(t *testing.T) {
	seen := map[string]string{}
	for _, proxy := range []bool{false, true} {
		for _, kind := range []starttls.Kind{starttls.NotOffered, starttls.Refused, starttls.Unexpected, starttls.Closed, starttls.TooMuch, starttls.Injected} {
			if proxy && (kind == starttls.NotOffered || kind == starttls.Injected) {
				continue
			}
			e := &starttls.Error{Kind: kind, Proxy: proxy, Who: "the SMTP server", TLS: "STARTTLS", Protocol: "smtp", Said: []byte("no")}
			err := fmt.Errorf("wrapped: %w", e)
			if got := Outcome(Finished, err); got != Preamble {
				t.Errorf("%v has the outcome %s", e, got)
			}
			list := NewStory(false).Reasons(Preamble, err)
			if len(list) != 1 || list[0].Means == "" || list[0].Remedy == "" {
				t.Errorf("%v has the reasons %+v", e, list)
				continue
			}
			if other, ok := seen[list[0].Code]; ok {
				t.Errorf("%v and %s have the same code %s", e, other, list[0].Code)
			}
			seen[list[0].Code] = e.Error()
		}
	}
}

func TestABannerIsToldWithItsOption(t *testing.T) {
	for banner, option := range map[string]string{
		"220 mail.test ESMTP Postfix\r\n": "--starttls smtp.", "220 (vsFTPd 3.0.3)\r\n": "--starttls ftp.", "220 hello\r\n": "--starttls smtp or --starttls ftp",
		"* OK Dovecot ready\r\n": "imap", "+OK ready\r\n": "pop3", "200 InterNetNews\r\n": "nntp", "\"IMPLEMENTATION\" \"Dovecot\"\r\n": "sieve",
		"<?xml version='1.0'?><stream:stream xmlns='jabber:client'": "xmpp.", ":irc.test NOTICE * :x\r\n": "irc", "\x4a\x00\x00\x00\x0a8.0.1\x00": "mysql",
		"\x03\x00\x00\x0b\x06\xd0": "rdp", "E\x00\x00\x00\x40SFATAL\x00": "postgres",
	} {
		err := &handshake.NotTLSError{First: []byte(banner)}
		if got := NewStory(false).Reasons(NotTLS, err)[0]; !strings.Contains(got.Remedy, option) || !strings.Contains(got.Means, "is spoken on this port") {
			t.Errorf("%q: %+v, want %s", banner, got, option)
		}
	}
	for _, e := range []*starttls.Error{{Kind: starttls.Unexpected, Said: []byte("\x15\x03\x03\x00\x02")}, {Kind: starttls.Unexpected, Proxy: true, Said: []byte("\x15\x03")}} {
		if got := NewStory(false).Reasons(Preamble, e)[0]; !strings.Contains(got.Means, "TLS") {
			t.Errorf("a record of TLS in the place of %+v: %+v", e, got)
		}
	}
	agreed := Facts{Outcome: NotTLS, Answered: true, Agreed: true}
	if got := agreed.Reasons(&handshake.NotTLSError{First: []byte("454 no\r\n")})[0]; got.Code != "starttls_then_plaintext" {
		t.Errorf("plaintext after the agreement: %+v", got)
	}
	silent := Facts{Outcome: Timeout, Answered: true, Waiting: "the greeting of the SMTP server"}
	if got := silent.Reasons(nil)[0]; got.Code != "starttls_silent" {
		t.Errorf("no greeting: %+v", got)
	}
	port := Facts{Outcome: Protocol, Answered: true, Stage: handshake.StageHelloSent, Port: 5432}
	if got := port.Reasons(&handshake.ClosedError{})[0]; !strings.Contains(got.Remedy, "--starttls postgres") {
		t.Errorf("a server on port 5432 that hangs up: %+v", got)
	}
}
