package psbt_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"specter/internal/btc/psbt"
	"specter/internal/vectors"
)

// parseCase is what the parse vectors have in common.
type parseCase struct {
	Kind  string
	Valid *bool
	PSBT  string
}

// checkParse reads a PSBT and, if it is valid, writes it again byte for byte.
func checkParse(c vectors.Case) error {
	var v parseCase
	c.Decode(&v)
	p, err := psbt.Decode(v.PSBT)
	if v.Valid != nil && !*v.Valid {
		if err == nil {
			return fmt.Errorf("an invalid PSBT was accepted")
		}
		return nil
	}
	if err != nil {
		return err
	}
	return sameBytes(p, v.PSBT)
}

func sameBytes(p *psbt.Packet, want string) error {
	got, err := p.Base64()
	if err != nil {
		return err
	}
	raw, err := psbt.Bytes(want)
	if err != nil {
		return err
	}
	if want = base64.StdEncoding.EncodeToString(raw); got != want {
		return fmt.Errorf("written again it differs:\n got %s\nwant %s", got, want)
	}
	return nil
}

func TestParseVectors(t *testing.T) {
	for _, file := range []string{"bip174_parse", "bip370_v2", "bip371_taproot", "bip373_musig2", "core_parse", "caravan"} {
		t.Run(file, func(t *testing.T) { vectors.Each(t, "psbt/"+file+".json", nil, checkParse) })
	}
}

// semantic are the cases of BIP375 that are wrong in meaning, not in form: a tool that keeps
// the fields of silent payments without computing them reads them.
var semantic = map[string]string{}

func TestBIP375Vectors(t *testing.T) {
	vectors.Each(t, "psbt/bip375_silent_payments.json", semantic, checkParse)
}

func TestBIP370LockTimeVectors(t *testing.T) {
	vectors.Each(t, "psbt/bip370_locktime.json", nil, func(c vectors.Case) error {
		var v struct {
			PSBT     string
			Locktime uint32
			Error    bool
		}
		c.Decode(&v)
		p, err := psbt.Decode(v.PSBT)
		if v.Error {
			if err == nil {
				return fmt.Errorf("accepted")
			}
			return nil
		}
		if err != nil {
			return err
		}
		tx, err := p.UnsignedTx()
		if err != nil {
			return err
		}
		if tx.LockTime != v.Locktime {
			return fmt.Errorf("locktime %d, want %d", tx.LockTime, v.Locktime)
		}
		return sameBytes(p, v.PSBT)
	})
}
