package psbt

import (
	"math/big"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/txscript/v2"

	"specter/internal/errs"
)

var errDER = errs.Bad(errs.Malformed, "it is no strict DER signature")

// checkECDSAEncoding holds a signature with its sighash byte to BIP66 and to the six defined
// sighash types, as Bitcoin Core does when it reads a PSBT.
func checkECDSAEncoding(sig []byte) error {
	if len(sig) < 9 || len(sig) > 73 || sig[0] != 0x30 || int(sig[1]) != len(sig)-3 {
		return errDER
	}
	rLen := int(sig[3])
	if 5+rLen >= len(sig) {
		return errDER
	}
	sLen := int(sig[5+rLen])
	if rLen+sLen+7 != len(sig) || !derInteger(sig[2], sig[4:4+rLen]) || !derInteger(sig[4+rLen], sig[6+rLen:6+rLen+sLen]) {
		return errDER
	}
	if !definedSighash(txscript.SigHashType(sig[len(sig)-1])) {
		return errs.Bad(errs.Malformed, "its sighash type %#02x is not defined", sig[len(sig)-1])
	}
	return nil
}

// derInteger reports whether tag and value are a positive integer in its shortest form.
func derInteger(tag byte, v []byte) bool {
	if tag != 2 || len(v) == 0 || v[0]&0x80 != 0 {
		return false
	}
	return !(len(v) > 1 && v[0] == 0 && v[1]&0x80 == 0)
}

// definedSighash reports whether a type is ALL, NONE or SINGLE, with or without ANYONECANPAY.
func definedSighash(t txscript.SigHashType) bool {
	base := t &^ txscript.SigHashAnyOneCanPay
	return base >= txscript.SigHashAll && base <= txscript.SigHashSingle
}

// SighashName names a sighash type as Bitcoin Core does: "ALL", "NONE|ANYONECANPAY",
// "DEFAULT"; ok is false for one that is not defined.
func SighashName(t txscript.SigHashType) (name string, ok bool) {
	if t == txscript.SigHashDefault {
		return "DEFAULT", true
	}
	if !definedSighash(t) {
		return "", false
	}
	name = [...]string{"ALL", "NONE", "SINGLE"}[(t&^txscript.SigHashAnyOneCanPay)-1]
	if t&txscript.SigHashAnyOneCanPay != 0 {
		name += "|ANYONECANPAY"
	}
	return name, true
}

// ParseSighash reads a sighash type's name.
func ParseSighash(s string) (txscript.SigHashType, error) {
	for _, t := range []txscript.SigHashType{0, 1, 2, 3, 0x81, 0x82, 0x83} {
		if name, _ := SighashName(t); name == s {
			return t, nil
		}
	}
	return 0, errs.Bad(errs.Malformed, "%q is no sighash type; use DEFAULT, ALL, NONE or SINGLE, the last three also with |ANYONECANPAY", s)
}

func checkSchnorrLength(sig []byte, name string) error {
	if len(sig) != 64 && len(sig) != 65 {
		return badField(name, "holds a signature of %d bytes instead of 64 or 65", len(sig))
	}
	return nil
}

// schnorrInRange reports whether r is below the field's prime and s below the group order,
// as BIP340 demands; the curve library reduces s instead of refusing it.
func schnorrInRange(sig []byte) bool {
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:64])
	return r.Cmp(btcec.S256().P) < 0 && s.Cmp(btcec.S256().N) < 0
}
