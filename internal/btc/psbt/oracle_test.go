package psbt_test

import (
	"bytes"
	"encoding/base64"
	"testing"

	oracle "github.com/btcsuite/btcd/psbt/v2"

	"specter/internal/btc/psbt"
)

// TestTheLibraryReadsWhatWeWrite holds version 0 against btcd's psbt: what we make of every
// form and every stage it reads, and both name the same transaction and finalize to the same.
func TestTheLibraryReadsWhatWeWrite(t *testing.T) {
	for _, f := range forms {
		d := newDraft(t, f.desc)
		signed := signedBy(t, d.Packet, f.signers...)
		final := signed.Clone()
		must(t, final.Finalize())
		for stage, p := range map[string]*psbt.Packet{"unsigned": d.Packet, "signed": signed, "final": final} {
			raw, err := p.Serialize()
			must(t, err)
			theirs, err := oracle.NewFromRawBytes(bytes.NewReader(raw), false)
			if err != nil {
				t.Errorf("%s, %s: %v", f.name, stage, err)
				continue
			}
			txid, err := p.TxID()
			must(t, err)
			if theirs.UnsignedTx.TxHash() != txid {
				t.Errorf("%s, %s: another transaction", f.name, stage)
			}
			text, err := theirs.B64Encode()
			must(t, err)
			back, err := psbt.Decode(text)
			if err != nil {
				t.Errorf("%s, %s: what the library writes is refused: %v", f.name, stage, err)
				continue
			}
			if a, b := canonical(t, back), canonical(t, p); a != b {
				t.Errorf("%s, %s: it came back changed:\n%s\n%s", f.name, stage, a, b)
			}
		}
		ours, err := final.Extract()
		must(t, err)
		raw, err := final.Serialize()
		must(t, err)
		theirs, err := oracle.NewFromRawBytes(bytes.NewReader(raw), false)
		must(t, err)
		tx, err := oracle.Extract(theirs)
		must(t, err)
		if tx.WitnessHash() != ours.WitnessHash() {
			t.Errorf("%s: the library extracts another transaction", f.name)
		}
	}
}

func canonical(t *testing.T, p *psbt.Packet) string {
	t.Helper()
	c, err := psbt.Combine(p)
	must(t, err)
	raw, err := c.Serialize()
	must(t, err)
	return base64.StdEncoding.EncodeToString(raw)
}
