// Alerts, sent and received, and how they end a connection.

package handshake

import (
	"errors"
	"fmt"

	"github.com/rawshake/rawshake/tlsmsg"
)

// end ends the connection for err, with the alert that err calls for (RFC
// 5246, section 7.2.2). A nil err, or an end before it, changes nothing.
func (c *conn[S]) end(err error) {
	if err == nil || c.fault != nil {
		return
	}
	c.fault = err
	c.work, c.ask, c.resume = nil, nil, nil
	if protocol, ok := err.(*ProtocolError); ok {
		c.sendAlert(tlsmsg.LevelFatal, protocol.Alert, protocol.Because())
	} else if internal, ok := err.(*InternalError); ok {
		c.sendAlert(tlsmsg.LevelFatal, tlsmsg.AlertInternalError, internal.Error())
	}
	c.out.closed = true
	c.out.flush()
}

// sendAlert makes an alert. An end of sequence numbers is the one thing that
// can hinder it, and then there is no better one to send.
func (c *conn[S]) sendAlert(level tlsmsg.AlertLevel, d tlsmsg.AlertDescription, because string) {
	if c.out.closed || c.phase == phaseStart {
		return
	}
	alert := tlsmsg.Alert{Level: level, Description: d}
	if c.sendContent(tlsmsg.ContentAlert, 0, alert.Append(make([]byte, 0, 2))) != nil {
		return
	}
	c.out.flush()
	if c.events != nil {
		c.events(AlertEvent{Dir: Out, Level: level, Description: d, Because: because})
	}
}

// alertsArrived handles the content of a record of alerts. Several may stand in
// one record, and one may be spread over two (RFC 5246, section 6.2.1); they may
// come in the middle of a handshake message.
func (c *conn[S]) alertsArrived(content []byte) error {
	in := &c.in
	if c.is13() && len(content) != alertLen { // RFC 9846, section 5.1
		return refuse(tlsmsg.AlertDecodeError, "record", "of type alert with %d bytes, expected one alert", len(content))
	}
	if len(content) == 0 {
		return refuse(tlsmsg.AlertUnexpectedMessage, "record", "of type alert without content")
	}
	if in.halfAlert {
		in.halfAlert = false
		content = append([]byte{in.alertLevel}, content...)
	} else {
		in.alertBegan = in.span.start
	}
	for ; len(content) >= alertLen && !in.closed; content = content[alertLen:] {
		if err := c.alertArrived(content[:alertLen]); err != nil {
			return err
		}
		in.alertBegan = in.span.start
	}
	if len(content) > 0 && !in.closed {
		in.halfAlert, in.alertLevel = true, content[0]
	}
	return nil
}

// alertLen is an alert's length: a level and a description.
const alertLen = 2

// alertArrived handles one alert.
func (c *conn[S]) alertArrived(content []byte) error {
	alert, err := tlsmsg.ParseAlert(content)
	if err != nil {
		return malformed(err)
	}
	c.messageArrived(tlsmsg.ContentAlert, 0, content)
	if c.events != nil {
		c.events(AlertEvent{Dir: In, Level: alert.Level, Description: alert.Description})
	}
	switch {
	case alert.Description == tlsmsg.AlertCloseNotify: // whatever its level
		return c.closeNotifyArrived()
	case c.is13() && alert.Description == tlsmsg.AlertUserCanceled: // a close_notify follows
	case alert.Level == tlsmsg.LevelFatal, c.is13(): // whatever its level says (RFC 9846, section 6)
		return &AlertError{Alert: alert, After: c.last.String(), Renegotiation: c.refusedRenegotiation}
	case alert.Level != tlsmsg.LevelWarning:
		return refuse(tlsmsg.AlertIllegalParameter, "Alert.level", "%v, expected warning or fatal", alert.Level)
	}
	c.state.Warning = alert
	// Of warnings RFC 5246, section 7.2.2, leaves it to the receiver to go on.
	return c.tolerate("warning alerts")
}

// tolerate counts something of the peer's that is ignored, within a bound.
func (c *conn[S]) tolerate(what string) error {
	if c.in.warnings++; c.in.warnings > maxWarnings {
		return refuse(tlsmsg.AlertUnexpectedMessage, "", "%d %s in a row, expected at most %d",
			c.in.warnings, what, maxWarnings)
	}
	return nil
}

func (c *conn[S]) closeNotifyArrived() error {
	c.in.closed = true
	if c.phase == phaseServerHelloAgain { // it has not begun another handshake: all that it said is whole
		c.phase = phaseConnected
	}
	if c.phase == phaseConnected {
		return nil
	}
	c.sendAlert(tlsmsg.LevelWarning, tlsmsg.AlertCloseNotify, "the peer closed")
	return &ClosedError{After: c.last.String(), Notified: true, MidRecord: c.in.messages.Pending(), Again: c.inAnother(), Warning: c.state.Warning}
}

// CloseWrite says close_notify: no application data follows. During the
// handshake it gives up the connection, with a user_canceled before the
// close_notify (RFC 5246, section 7.2.2), and Err is ErrAborted.
func (c *conn[S]) CloseWrite() {
	if c.fault != nil || c.out.closed {
		return
	}
	var err error
	if c.phase != phaseConnected {
		c.sendAlert(tlsmsg.LevelWarning, tlsmsg.AlertUserCanceled, "closed before the handshake was done")
		err = fmt.Errorf("%w after %s", ErrAborted, c.last)
	}
	c.sendAlert(tlsmsg.LevelWarning, tlsmsg.AlertCloseNotify, "this side has no more to send")
	c.out.closed = true
	c.end(err)
}

// Abort ends the connection by a fatal alert. Err wraps ErrAborted.
func (c *conn[S]) Abort(d tlsmsg.AlertDescription) {
	if c.fault != nil {
		return
	}
	c.sendAlert(tlsmsg.LevelFatal, d, "this side gives up")
	c.end(fmt.Errorf("%w with the alert %v after %s", ErrAborted, d, c.last))
}

// decide tells a listener what was decided.
func (c *conn[S]) decide(name, format string, args ...any) {
	if c.events != nil {
		c.events(DecisionEvent{Name: name, Text: fmt.Sprintf(format, args...)})
	}
}

// peerOrInternal tells the peer's fault from ours in the result of work.
func peerOrInternal(err, peers error, alert tlsmsg.AlertDescription, where, what string) error {
	if errors.Is(err, peers) {
		return &ProtocolError{Alert: alert, Where: where, Reason: err.Error(), Err: err}
	}
	return &InternalError{What: what, Err: err}
}
