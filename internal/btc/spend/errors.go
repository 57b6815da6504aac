package spend

import (
	"fmt"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/errs"
)

// InsufficientError says that the coins do not pay for the recipients and the fee.
type InsufficientError struct {
	Need btcutil.Amount // recipients and fee
	Have btcutil.Amount // what the coins can contribute
}

// Error is a sentence for the person.
func (e *InsufficientError) Error() string {
	return fmt.Sprintf("there is not enough money: %s BTC are needed with the fee, %s BTC can be spent",
		btc.FormatBTC(e.Need), btc.FormatBTC(e.Have))
}

// DustError says that an output would be so small that no node relays it.
type DustError struct {
	Recipient int // place in Params.Recipients
	Amount    btcutil.Amount
	Min       btcutil.Amount
}

// Error is a sentence for the person.
func (e *DustError) Error() string {
	return fmt.Sprintf("recipient %d would get %d sat, which is dust; nodes relay no less than %d sat to such an address",
		e.Recipient+1, max(0, int64(e.Amount)), int64(e.Min))
}

// FeeRateError says that a feerate is out of bounds.
type FeeRateError struct {
	Rate, Min, Max btc.FeeRate
}

// Error is a sentence for the person.
func (e *FeeRateError) Error() string {
	switch {
	case e.Rate <= 0:
		return "the feerate must be more than 0 sat/vB"
	case e.Rate < e.Min:
		return fmt.Sprintf("a feerate of %s sat/vB is too low; the node relays nothing below %s sat/vB", e.Rate, e.Min)
	}
	return fmt.Sprintf("a feerate of %s sat/vB is far too high; the most allowed is %s sat/vB", e.Rate, e.Max)
}

// FeeError says that the fee as a whole is beyond its cap.
type FeeError struct {
	Fee, Max btcutil.Amount
}

// Error is a sentence for the person.
func (e *FeeError) Error() string {
	return fmt.Sprintf("the fee would be %s BTC, more than the most allowed, %s BTC", btc.FormatBTC(e.Fee), btc.FormatBTC(e.Max))
}

// refuse wraps a typed error as an Invalid one, so that errors.As finds it and the doors show it.
func refuse(err error) error { return errs.E(errs.Invalid, "%w", err) }
