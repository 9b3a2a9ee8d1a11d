// The timestamps of certificate logs.

package der

import (
	"time"

	"github.com/rawshake/rawshake/field"
)

// timestamps reads the SCT list of certificate logs, in TLS's presentation
// language (RFC 6962, section 3.3).
func (d *decoder) timestamps(_ tag) {
	b := d.Rest("value")
	err := d.inside("SignedCertificateTimestampList", b, func(d *decoder) {
		d.Enter16("sct_list", 0, 1<<16-1)
		for d.More() {
			d.Item()
			if err := d.inside("SCT", d.Opaque16("serialized_sct", 1, 1<<16-1), (*decoder).timestamp); err != nil {
				d.note(Unreadable)
			}
			d.Leave()
		}
		d.Leave()
	})
	if err != nil {
		d.note(Unreadable)
	}
}

// timestamp is SignedCertificateTimestamp (RFC 6962, section 3.2).
func (d *decoder) timestamp() {
	if v := d.Uint8("sct_version"); v != 0 {
		d.Failf("version %d, expected 0 (v1)", v)
	}
	log := d.Bytes("log_id", 32)
	ms := d.Uint64("timestamp")
	if d.Recording() && ms < 1<<48 {
		d.Means(time.UnixMilli(int64(ms)).UTC().Format("2006-01-02 15:04:05") + " UTC")
	}
	d.Opaque16("extensions", 0, 1<<16-1)
	hash := d.Uint8("hash")
	d.Means(map[uint8]string{4: "sha256", 5: "sha384", 6: "sha512"}[hash])
	signature := d.Uint8("signature_algorithm")
	d.Means(map[uint8]string{1: "rsa", 3: "ecdsa"}[signature])
	d.Opaque16("signature", 0, 1<<16-1)
	if d.Err() == nil && ms < 1<<62 {
		d.says.Timestamps = append(d.says.Timestamps, Timestamp{log, int64(ms)})
	}
}

// SCT returns the tree of one SerializedSCT of the extension
// signed_certificate_timestamp (RFC 6962, section 3.3).
func SCT(b []byte) *field.Node { return whole("SCT", b, (*decoder).timestamp) }
