// What a peer did that ordinary peers do not do.

package probe

// An anomaly is something that a peer did and ordinary peers do not do.
type anomaly uint16

const (
	anomalyZeroWindow  anomaly = 1 << iota // SYN-ACK with a closed window
	anomalySYNData                         // SYN-ACK with data
	anomalyWrongACK                        // SYN-ACK that acknowledges what was never sent
	anomalyResetAtOnce                     // RST right after the ACK
	anomalyTarpit                          // it keeps the connection open and makes no progress
	anomalyEndless                         // data without end
	anomalyCrossed                         // a SYN in the place of a SYN-ACK
	anomalyNoOptions                       // SYN-ACK without options, though our SYN has some
	anomalyNothing                         // nothing behind our ACK, not even an answer to what asks for one
)

var anomalyNames = []string{"syn_ack_zero_window", "syn_ack_with_data", "syn_ack_wrong_ack", "reset_after_ack", "tarpit", "endless_data", "simultaneous_open",
	"syn_ack_without_options", "nothing_behind_ack"}

// names are those in results.
func (o anomaly) names() []string {
	if o == 0 {
		return nil
	}
	var list []string
	for i, name := range anomalyNames {
		if o>>i&1 == 1 {
			list = append(list, name)
		}
	}
	return list
}
