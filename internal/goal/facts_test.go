package goal

import (
	"errors"
	"testing"

	"github.com/rawshake/rawshake/tlsmsg"
	"github.com/rawshake/rawshake/tlsmsg/handshake"
)

// Facts tell the moment by how far the handshake got, a transcript by its
// messages.
func TestFactsKnowTheMoment(t *testing.T) {
	for _, tc := range []struct {
		stage handshake.Stage
		after string
		want  moment
	}{
		{handshake.StageNew, "", beforeHello},
		{handshake.StageHelloSent, "our ClientHello", afterHello},
		{handshake.StageHelloReceived, "the peer's ServerHello", inServerFlight},
		{handshake.StageCertificateReceived, "the peer's ServerKeyExchange", inServerFlight},
		{handshake.StageHelloDone, "the peer's ServerHelloDone", afterServerFlight},
		{handshake.StageHelloDone, "our Finished", afterClientFlight},
		{handshake.StageHelloDone, "the peer's NewSessionTicket", afterClientFlight},
		{handshake.StageFinished, "the peer's Finished", connected},
	} {
		f := Facts{Stage: tc.stage, After: tc.after}
		if got := f.moment(); got != tc.want {
			t.Errorf("%v after %s is moment %d, want %d", tc.stage, tc.after, got, tc.want)
		}
	}
}

// Whatever ended a connection of ours, there is a code for it.
func TestEveryOutcomeHasACode(t *testing.T) {
	for want, tc := range map[string]struct {
		f   Facts
		err error
	}{
		"no_answer":                   {Facts{Outcome: Timeout}, nil},
		"wrong_answer":                {Facts{Outcome: Timeout, WrongAnswer: true}, nil},
		"stalled":                     {Facts{Outcome: Timeout, Answered: true, Stage: handshake.StageHelloSent}, nil},
		"window_closed":               {Facts{Outcome: Timeout, Answered: true, Blocked: true}, nil},
		"not_acknowledged":            {Facts{Outcome: Timeout, Answered: true, Unacked: true, Behind: true}, nil},
		"nothing_behind":              {Facts{Outcome: Timeout, Answered: true, Bare: BareWindow, Asked: true, Blocked: true}, nil},
		"refused":                     {Facts{Outcome: Closed}, nil},
		"unreachable":                 {Facts{Outcome: Unreachable, ICMP: true}, nil},
		"no_route":                    {Facts{Outcome: Unreachable}, errNoRoute},
		"no_neighbour":                {Facts{Outcome: Unreachable}, errNoNeighbour},
		"filtered":                    {Facts{Outcome: Timeout}, errFiltered},
		"reset":                       {Facts{Outcome: Reset, Answered: true}, errors.New("reset")},
		"endless_data":                {Facts{Outcome: Protocol, Answered: true}, ErrEndless},
		"no_reply":                    {Facts{Outcome: Protocol, Answered: true}, ErrNoReply},
		"name_unresolved":             {Facts{Outcome: Unresolved}, nil},
		"failed":                      {Facts{Outcome: Failed}, errors.New("x")},
		"version_refused":             {Facts{Outcome: Alert, Answered: true, Stage: handshake.StageHelloSent, Alert: tlsmsg.Alert{Level: tlsmsg.LevelFatal, Description: tlsmsg.AlertProtocolVersion}}, errors.New("alert")},
		"client_certificate_required": {Facts{Outcome: Alert, Answered: true, Stage: handshake.StageHelloDone, After: "our Finished", Requested: true, Alert: tlsmsg.Alert{Level: tlsmsg.LevelFatal, Description: tlsmsg.AlertHandshakeFailure}}, errors.New("alert")},
	} {
		got := tc.f.Reasons(tc.err)
		if len(got) != 1 || got[0].Code != want {
			t.Errorf("%+v: %v, want %s", tc.f, got, want)
		}
	}
}
