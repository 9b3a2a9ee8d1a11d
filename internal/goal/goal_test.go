package goal

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/rawshake/rawshake/internal/transcript"
	"github.com/rawshake/rawshake/rawtcp/tcb"
	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// told is a story in which the server sends an alert at a moment.
func told(when moment, d tlsmsg.AlertDescription) *Story {
	s := NewStory(true)
	s.moment, s.opened.set = when, true
	s.alerts = []alert{{dir: transcript.In, Alert: tlsmsg.Alert{Level: tlsmsg.LevelFatal, Description: d}, when: when, after: "x"}}
	return s
}

// What an alert means depends on when it came: only one that answers the
// ClientHello is about what that offers.
func TestWhatAnAlertMeansDependsOnWhenItCame(t *testing.T) {
	const shares = "share no cipher suite"
	for when := beforeHello; when <= connected; when++ {
		got := told(when, tlsmsg.AlertHandshakeFailure).Reasons(Alert, nil)
		if len(got) != 1 || got[0].Remedy == "" {
			t.Fatalf("moment %d: %+v", when, got)
		}
		if strings.Contains(got[0].Means, shares) != (when == afterHello) {
			t.Errorf("moment %d: %s", when, got[0].Means)
		}
	}
	s := told(connected, tlsmsg.AlertHandshakeFailure)
	s.helloRequest.set = true
	if got := s.Reasons(Alert, nil)[0]; got.Code != "renegotiation_wanted" {
		t.Errorf("renegotiation refused is told as %+v", got)
	}
	s.serverHello = new(tlsmsg.ServerHello)
	if got := s.Reasons(Alert, nil)[0]; strings.Contains(got.Remedy, "--renegotiation") {
		t.Errorf("of a server without RFC 5746: %+v", got)
	}
	s.serverHello.Extensions = []tlsmsg.Extension{{Type: tlsmsg.ExtensionRenegotiationInfo, Data: []byte{0}}}
	if got := s.Reasons(Alert, nil)[0]; !strings.Contains(got.Remedy, "--renegotiation") {
		t.Errorf("the option is not named: %+v", got)
	}
	s = told(afterHello, tlsmsg.AlertHandshakeFailure)
	s.again = true
	if got := s.Reasons(Alert, nil)[0]; got.Code != "renegotiation_failed" {
		t.Errorf("another handshake refused is told as %+v", got)
	}
	s = told(afterClientFlight, tlsmsg.AlertHandshakeFailure)
	s.requestAt.set, s.credAt.set = true, true
	if got := s.Reasons(Alert, nil)[0]; got.Code != "client_certificate_required" {
		t.Errorf("no client certificate is told as %+v", got)
	}
	s.credential = 1
	if got := s.Reasons(Alert, nil)[0]; got.Code != "client_certificate_refused" {
		t.Errorf("a client certificate that is refused is told as %+v", got)
	}
}

// Every alert at every moment, and every outcome, has a reason with advice, or one
// that says that there is none.
func TestEachFailureHasAReason(t *testing.T) {
	for when := beforeHello; when <= connected; when++ {
		for d := range tlsmsg.AlertDescription(121) {
			if d == tlsmsg.AlertCloseNotify {
				continue
			}
			if got := told(when, d).Reasons(Alert, nil); len(got) != 1 || got[0].Code == "" || got[0].What == "" || got[0].Remedy == "" {
				t.Errorf("alert %v at moment %d: %+v", d, when, got)
			}
		}
		for _, outcome := range []string{Closed, Reset, Unreachable, Timeout, NotTLS, Protocol, Incomplete, Failed} {
			s := told(when, 0)
			s.alerts = nil
			if got := s.Reasons(outcome, errors.New("something")); len(got) == 0 || got[0].Code == "" || got[0].What == "" {
				t.Errorf("%s at moment %d: %+v", outcome, when, got)
			}
		}
	}
}

// A silence in which segments came that had to be dropped is not reported as
// one.
func TestDroppedSegmentsAreNamedInThePlaceOfASilence(t *testing.T) {
	s := NewStory(false)
	s.syn.set, s.synACK.set, s.opened.set, s.moment = true, true, true, afterHello
	s.drop("its timestamp is older than the last", mark{set: true, frame: 5})
	got := s.Reasons(Timeout, &TimeoutError{After: time.Second, Waiting: "an answer", Connected: true})
	if len(got) != 1 || got[0].Code != "segments_dropped" || !strings.Contains(got[0].Means, "its timestamp is older") {
		t.Errorf("%+v", got)
	}
}

// What the peer sends again because our ACK is late holds nothing that is missing:
// it is a silence all the same.
func TestSegmentsThatArrivedBeforeAreNoReasonForASilence(t *testing.T) {
	s := NewStory(false)
	s.syn.set, s.synACK.set, s.opened.set, s.moment = true, true, true, afterHello
	s.drop(tcb.ArrivedBefore, mark{set: true, frame: 5})
	got := s.Reasons(Timeout, &TimeoutError{After: time.Second, Waiting: "an answer", Connected: true})
	if len(got) != 1 || got[0].Code == "segments_dropped" {
		t.Errorf("%+v", got)
	}
}

// A ClientHello of the length that some servers hang on has the flag named that
// changes it, and no other has.
func TestAHelloOfABadLengthNamesTheFlagThatChangesIt(t *testing.T) {
	for length, named := range map[int]bool{255: false, 256: true, 511: true, 512: false} {
		s := NewStory(false)
		s.synACK.set, s.opened.set, s.moment, s.helloLen = true, true, afterHello, length
		got := s.Reasons(Timeout, &TimeoutError{After: time.Second, Waiting: "an answer", Connected: true})
		if strings.Contains(got[0].Remedy, "--pad-to") != named {
			t.Errorf("%d bytes: %s", length, got[0].Remedy)
		}
	}
}

// What our own machine refuses is reported with what it names.
func TestAFaultOfTheServersIsToldWithItsField(t *testing.T) {
	s := NewStory(false)
	err := &handshake.ProtocolError{Alert: tlsmsg.AlertIllegalParameter, Where: "ServerHello.cipher_suite", Reason: "it was not offered"}
	got := s.Reasons(Protocol, err)
	if len(got) != 1 || got[0].Code != "server_fault" || !strings.Contains(got[0].What, "ServerHello.cipher_suite: it was not offered") {
		t.Errorf("%+v", got)
	}
}

// Only an extension that was offered can be left out.
func TestNobodyIsToldToLeaveOutWhatWasNotOffered(t *testing.T) {
	for reason, offered := range map[string]bool{"4660 was not offered": false, "signature_algorithms must not be answered": true} {
		err := &handshake.ProtocolError{Alert: tlsmsg.AlertUnsupportedExtension, Where: "ServerHello.extensions", Reason: reason}
		got := NewStory(false).Reasons(Protocol, err)
		if len(got) != 1 || strings.Contains(got[0].Remedy, "--omit-extension") != offered || strings.Contains(got[0].Means, "does not have") == offered {
			t.Errorf("%s: %+v", reason, got)
		}
	}
}

// A reply that is not whole has a reason of its own, with the flag that helps,
// and is reported neither as a silence nor as no reply at all.
func TestWhatBecameOfAReplyHasItsOwnReason(t *testing.T) {
	for _, c := range []struct {
		err          error
		code, remedy string
	}{
		{&ReplyCutError{Missing: "5 bytes"}, "reply_cut", "Ask again"},
		{&ReplyCutError{Missing: "5 bytes", Err: &handshake.ClosedError{Handshaken: true}}, "reply_cut", "Ask again"},
		{&ReplyLimitError{Size: 9, Got: 9}, "reply_limit", "--max-size"},
		{&ReplyLimitError{Time: time.Second, Got: 9}, "reply_limit", "--max-time"},
		{&ProtocolChoiceError{Chosen: "h2"}, "protocol_chosen", "--alpn http/1.1"},
		{ErrNoReply, "no_reply", "--get"},
	} {
		s := NewStory(false)
		s.opened.set, s.moment = true, connected
		got := s.Reasons(Outcome(Data, c.err), c.err)
		if len(got) != 1 || got[0].Code != c.code || got[0].What != c.err.Error() && c.code != "no_reply" || !strings.Contains(got[0].Remedy, c.remedy) {
			t.Errorf("%v: %+v", c.err, got)
		}
	}
}

// A reply that was cut says so once, what is missing first.
func TestACutReplyIsToldInOneSentence(t *testing.T) {
	for _, err := range []error{nil, &handshake.ClosedError{Handshaken: true}, &handshake.ClosedError{Handshaken: true, Renegotiation: true}, tcb.ErrReset} {
		said := (&ReplyCutError{Missing: "5 of the 9 bytes of its body are missing", Err: err}).Error()
		if !strings.HasPrefix(said, "the reply is not whole: 5 of the 9 bytes of its body are missing, and ") || strings.ContainsAny(said, "()") ||
			strings.Contains(said, "may be") || strings.Count(said, "the peer") > 1 {
			t.Errorf("%v: %s", err, said)
		}
	}
}

// A fault of the server is called too weak or too old only if it is that, and a
// flag is named only if it helps.
func TestAFlagIsNamedOnlyWhereItHelps(t *testing.T) {
	for _, c := range []struct {
		alert                     tlsmsg.AlertDescription
		where, reason, code, flag string
	}{
		{tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "TLS 1.0, expected TLS 1.2", "version_refused", "--min-version"},
		{tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "TLS 1.1, expected TLS 1.2", "version_refused", "--min-version"},
		{tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "TLS 1.1, expected TLS 1.0", "version_refused", ""},
		{tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "SSL 3.0, expected TLS 1.2", "version_refused", ""},
		{tlsmsg.AlertProtocolVersion, "ServerHello.server_version", "TLS 1.3, expected TLS 1.2", "version_refused", ""},
		{tlsmsg.AlertProtocolVersion, "record header", "version TLS 1.0, expected TLS 1.2 as negotiated", "server_fault", ""},
		{tlsmsg.AlertHandshakeFailure, "ServerHello.renegotiation_info", "2 bytes in renegotiated_connection", "server_fault", ""},
		{tlsmsg.AlertHandshakeFailure, "ServerHello.extensions", "no extended_master_secret, which the resumed session has", "server_fault", "--session-file"},
		{tlsmsg.AlertHandshakeFailure, "ServerHello.cipher_suite", "X was offered for its number alone: this side cannot finish it", "server_fault", "--ciphers"},
		{tlsmsg.AlertIllegalParameter, "ServerKeyExchange.algorithm", "rsa_pkcs1_sha1 was not offered", "server_fault", "--legacy"},
		{tlsmsg.AlertIllegalParameter, "ServerHello.random", "it ends with the mark of a server that speaks TLS 1.3, and chose TLS 1.2", "downgraded", "another way"},
		{tlsmsg.AlertIllegalParameter, "ServerKeyExchange.algorithm", "rsa_pkcs1_md5 was not offered", "server_fault", ""},
		{tlsmsg.AlertUnsupportedExtension, "ServerHello.extensions", "GREASE (0x0A0A) stands for nothing, was offered as such", "server_fault", "--grease"},
		{tlsmsg.AlertUnsupportedExtension, "ServerHello.extensions", "padding must not be answered", "server_fault", "--pad-to"},
		{tlsmsg.AlertUnsupportedExtension, "ServerHello.extensions", "GREASE (0x0A0A) was not offered", "server_fault", ""},
		{tlsmsg.AlertDecryptError, "ServerKeyExchange.signature", "the signature does not verify", "not_authentic", ""},
		{tlsmsg.AlertInsufficientSecurity, "Certificate", "an RSA key of 512 bits", "too_weak", "--legacy"},
		{tlsmsg.AlertInsufficientSecurity, "ServerKeyExchange.params.dh_p", "a prime of 512 bits", "too_weak", "--min-dh-bits"},
	} {
		err := &handshake.ProtocolError{Alert: c.alert, Where: c.where, Reason: c.reason}
		got := NewStory(false).Reasons(Protocol, err)
		if len(got) != 1 || got[0].Code != c.code || got[0].Remedy == "" ||
			!strings.Contains(got[0].Remedy, c.flag) || c.flag == "" && strings.Contains(got[0].Remedy, "--") {
			t.Errorf("%s: %s: %+v", c.where, c.reason, got)
		}
	}
}

// If a server asked for another handshake and did not get it, that is the
// reason why it sends no reply, however it ends the connection, or waits.
func TestNoReplyAfterARefusedRenegotiationSaysSo(t *testing.T) {
	for err, outcome := range map[error]string{
		errors.New("alert"): Alert, ErrNoReply: Protocol, &handshake.ClosedError{Handshaken: true}: Protocol,
		&TimeoutError{After: time.Second, Waiting: "a reply", Connected: true}: Timeout,
	} {
		s := told(connected, tlsmsg.AlertHandshakeFailure)
		s.helloRequest.set = true
		if outcome != Alert {
			s.alerts = nil
		}
		if got := s.Reasons(outcome, err); len(got) != 1 || got[0].Code != "renegotiation_wanted" || !strings.Contains(got[0].Remedy, "--renegotiation") {
			t.Errorf("%s: %+v", outcome, got)
		}
	}
}
