package probe

// An oddity is something that a peer did and no ordinary one does.
type oddity uint8

const (
	oddZeroWindow  oddity = 1 << iota // SYN-ACK with a closed window
	oddSYNData                        // SYN-ACK with data
	oddWrongACK                       // SYN-ACK that acknowledges what was never sent
	oddResetAtOnce                    // RST right after the ACK
	oddTarpit                         // it keeps the connection and gets nowhere
	oddEndless                        // data without end
	oddCrossed                        // a SYN in the place of a SYN-ACK
)

var oddNames = []string{"syn_ack_zero_window", "syn_ack_with_data", "syn_ack_wrong_ack", "reset_after_ack", "tarpit", "endless_data", "simultaneous_open"}

// names are how a record calls them.
func (o oddity) names() []string {
	if o == 0 {
		return nil
	}
	var list []string
	for i, name := range oddNames {
		if o>>i&1 == 1 {
			list = append(list, name)
		}
	}
	return list
}
