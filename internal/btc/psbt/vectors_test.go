package psbt_test

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/btcsuite/btcd/btcec/v2"

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

var notCounted = map[string]string{
	"bip375-val-00": "its only input spends the bare script OP_2, which BIP352 does not count, so nothing can be paid silently from it; the case is about the script being no witness program",
}

// TestBIP375Vectors: what is wrong in form is not read, what is wrong in meaning not verified.
func TestBIP375Vectors(t *testing.T) {
	vectors.Each(t, "psbt/bip375_silent_payments.json", notCounted, func(c vectors.Case) error {
		var v parseCase
		c.Decode(&v)
		p, err := psbt.Decode(v.PSBT)
		if err == nil {
			err = p.CheckSilentPayments()
		}
		switch {
		case !*v.Valid && err == nil:
			return fmt.Errorf("an invalid silent payment was accepted")
		case *v.Valid && err != nil:
			return err
		case *v.Valid:
			return sameBytes(p, v.PSBT)
		}
		return nil
	})
}

// TestBIP374Vectors verifies the BIP's proofs, also those with another generator.
func TestBIP374Vectors(t *testing.T) {
	rows, err := csv.NewReader(bytes.NewReader(vectors.Read(t, "bip374/test_vectors_verify_proof.csv"))).ReadAll()
	must(t, err)
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, row := range rows[1:] {
		field := func(name string) []byte {
			b, err := hex.DecodeString(row[column[name]])
			must(t, err)
			return b
		}
		var points []*btcec.PublicKey
		for _, name := range []string{"point_A", "point_B", "point_C", "point_G"} {
			if p, err := btcec.ParsePubKey(field(name)); err == nil {
				points = append(points, p)
			}
		}
		got := len(points) == 4 && psbt.VerifyDLEQ(points[0], points[1], points[2], [64]byte(field("proof")), points[3], field("message"))
		if want := row[column["result_success"]] == "TRUE"; got != want {
			t.Errorf("%s: verified %v, want %v", row[column["comment"]], got, want)
		}
	}
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
