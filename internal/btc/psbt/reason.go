package psbt

import (
	"encoding/hex"
	"fmt"

	"specter/internal/errs"
)

// Reason says why an answer or a signature is refused.
type Reason string

// The reasons. They are stable words: pages translate them, programs compare them.
const (
	ReasonOtherTransaction  Reason = "other-transaction"   // nothing in common with ours
	ReasonVersionChanged    Reason = "version-changed"     // of the transaction
	ReasonLockTimeChanged   Reason = "locktime-changed"    //
	ReasonInputAdded        Reason = "input-added"         //
	ReasonInputRemoved      Reason = "input-removed"       //
	ReasonInputChanged      Reason = "input-changed"       // spends another coin, or other order
	ReasonSequenceChanged   Reason = "sequence-changed"    //
	ReasonOutputAdded       Reason = "output-added"        //
	ReasonOutputRemoved     Reason = "output-removed"      //
	ReasonOutputChanged     Reason = "output-changed"      // pays another script
	ReasonAmountChanged     Reason = "amount-changed"      // of an output
	ReasonSighash           Reason = "sighash"             // a sighash type that we did not ask for
	ReasonForeignKey        Reason = "foreign-key"         // a signature by a key that is no key of the input
	ReasonInvalidSignature  Reason = "invalid-signature"   //
	ReasonWrongPreviousTx   Reason = "wrong-previous-tx"   // not the transaction that the input spends from
	ReasonCoinAmountChanged Reason = "coin-amount-changed" // witness UTXO with another amount
	ReasonCoinScriptChanged Reason = "coin-script-changed" // witness UTXO with another script
	ReasonConflict          Reason = "conflict"            // another value for a field that we have
	ReasonUnmappedWitness   Reason = "unmapped-witness"    // final scripts without a signature by an expected key
	ReasonScriptFails       Reason = "script-fails"        // final scripts that the script engine refuses
	ReasonCannotVerify      Reason = "cannot-verify"       // our own PSBT lacks the coin or its scripts
)

var reasonSentences = map[Reason]string{
	ReasonOtherTransaction:  "this is another transaction, it spends none of the coins of ours",
	ReasonVersionChanged:    "the transaction version was changed",
	ReasonLockTimeChanged:   "the locktime was changed",
	ReasonInputAdded:        "an input was added",
	ReasonInputRemoved:      "an input was removed",
	ReasonInputChanged:      "an input spends another coin than ours",
	ReasonSequenceChanged:   "the sequence of an input was changed",
	ReasonOutputAdded:       "an output was added",
	ReasonOutputRemoved:     "an output was removed",
	ReasonOutputChanged:     "an output pays to another script",
	ReasonAmountChanged:     "the amount of an output was changed",
	ReasonSighash:           "it is signed with a sighash type that was not asked for",
	ReasonForeignKey:        "it is signed by a key that does not belong to the input",
	ReasonInvalidSignature:  "a signature is invalid",
	ReasonWrongPreviousTx:   "the previous transaction is not the one that the input spends from",
	ReasonCoinAmountChanged: "the amount of the coin that the input spends was changed",
	ReasonCoinScriptChanged: "the script of the coin that the input spends was changed",
	ReasonConflict:          "a field that we have came back with another value",
	ReasonUnmappedWitness:   "the final scripts hold no signature by a key that we expect",
	ReasonScriptFails:       "the final scripts do not satisfy the coin's script",
	ReasonCannotVerify:      "our own PSBT lacks the coin or its scripts, so signatures cannot be verified",
}

// MergeError is a refused answer. Input and Output are indexes, or -1 where the reason is not
// about one.
type MergeError struct {
	Reason Reason
	Input  int
	Output int
	PubKey []byte // of the signature, if the reason is about one
	Field  string // the field in hexadecimal, for ReasonConflict
	Cause  error  // may be nil
}

// Error returns a sentence for the person.
func (e *MergeError) Error() string {
	s := "refused: " + reasonSentences[e.Reason]
	switch {
	case e.Input >= 0:
		s += fmt.Sprintf(" (input %d", e.Input)
	case e.Output >= 0:
		s += fmt.Sprintf(" (output %d", e.Output)
	default:
		return s
	}
	s += keyText(e.PubKey)
	if e.Field != "" {
		s += ", field " + e.Field
	}
	return s + ")"
}

// Unwrap returns the refusal as an error of kind Invalid with code mismatch, for the doors.
func (e *MergeError) Unwrap() error {
	return errs.Bad(errs.Mismatch, "%s", e.Error())
}

func keyText(pub []byte) string {
	if len(pub) == 0 {
		return ""
	}
	return ", key " + hex.EncodeToString(pub)
}
