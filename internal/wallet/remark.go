package wallet

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/btc"
	"specter/internal/btc/psbt"
	"specter/internal/btc/spend"
	"specter/internal/errs"
)

// Remark is something that a person should know before signing: a code, its values, and the
// English sentence. Package spend lists the codes.
type Remark = spend.Remark

// texts are remarks as English sentences.
func texts(list []Remark) []string {
	var out []string
	for _, r := range list {
		out = append(out, r.String())
	}
	return out
}

// maxLooked bounds how many recipients are held against the history.
const maxLooked = 50

// remarks are those of the plan, and what wallet, history and node add to them.
func (s *Service) remarks(ctx context.Context, r Record, w *openWallet, q SpendRequest, plan *spend.Result, inputs []CoinRow) ([]Remark, error) {
	out := slices.Clone(plan.Remarks)
	out = append(out, feeRemarks(plan, s.lastMarket())...)
	out = append(out, amountRemarks(r, q, plan)...)
	about, err := s.addressRemarks(ctx, r, plan)
	if err != nil {
		return nil, err
	}
	out = append(out, about...)
	out = append(out, s.traceRemarks(r, w, plan, inputs)...)
	twice, err := s.signedTwice(ctx, r, w, plan)
	return append(out, twice...), err
}

// feeRemarks hold the feerate against the estimate and the mempool.
func feeRemarks(plan *spend.Result, m market) []Remark {
	var out []Remark
	if m.fast > 0 && plan.FeeRate > 3*m.fast && plan.FeeRate > m.fast+btc.SatPerVB(10) {
		out = append(out, spend.NewRemark(spend.FeeRateHigh, plan.FeeRate, m.fast))
	}
	if m.floor.Min > 0 && plan.FeeRate < m.floor.Min {
		out = append(out, spend.NewRemark(spend.BelowMempool, plan.FeeRate, m.floor.Min))
	}
	return out
}

// Amounts that make one ask whether BTC and sat were mixed up: so many whole BTC that the number
// reads like one of sat, or so few sat that the number reads like one of BTC that would fit.
const (
	manyBTC = 100 * btcutil.SatoshiPerBitcoin
	fewSat  = 10_000
)

// amountRemarks look for mistaken units and for amounts that give the change away.
func amountRemarks(r Record, q SpendRequest, plan *spend.Result) []Remark {
	var out []Remark
	var sent btcutil.Amount
	takesAll := slices.ContainsFunc(q.Recipients, func(to Recipient) bool { return to.Max })
	have := r.Balance.Confirmed + r.Balance.Pending - r.Balance.Frozen
	for _, o := range plan.Outputs {
		if o.Recipient < 0 || o.Recipient >= len(q.Recipients) || q.Recipients[o.Recipient].Max {
			continue
		}
		sent += o.Amount
		asBTC := int64(o.Amount) <= fewSat && int64(o.Amount)*btcutil.SatoshiPerBitcoin <= int64(have)
		if o.Amount >= manyBTC && o.Amount%btcutil.SatoshiPerBitcoin == 0 || asBTC {
			out = append(out, spend.NewRemark(spend.UnitMixUp, o.Recipient+1, int64(o.Amount)))
		}
		if plan.Change > 0 && round(o.Amount) && !round(plan.Change) {
			out = append(out, spend.NewRemark(spend.RoundAmount, o.Recipient+1))
		}
	}
	if !takesAll && len(q.Coins) == 0 && q.Replaces == nil && have > 0 && sent*100 >= have*95 {
		out = append(out, spend.NewRemark(spend.NearlyAll, int64(sent)*100/int64(have)))
	}
	return out
}

// round reports whether an amount has few digits: people choose such, change never has.
func round(a btcutil.Amount) bool {
	return a >= 100_000 && a%100_000 == 0 || a >= 1_000 && a < 100_000 && a%10_000 == 0
}

// mixedUp adds a question to "not enough money" where an amount of BTC would be one of sat.
func mixedUp(err error, q SpendRequest) error {
	var short *spend.InsufficientError
	if !errors.As(err, &short) {
		return err
	}
	for i, to := range q.Recipients {
		if n := to.Amount / btcutil.SatoshiPerBitcoin; to.Amount > short.Have && n >= 294 && to.Amount%btcutil.SatoshiPerBitcoin == 0 && n <= short.Have {
			return errs.E(errs.Invalid, "%w. Recipient %d gets %d BTC: did you mean %d sat?", short, i+1, int64(n), int64(n))
		}
	}
	return err
}

// addressRemarks hold the recipients against addresses of ours and of the history.
func (s *Service) addressRemarks(ctx context.Context, r Record, plan *spend.Result) ([]Remark, error) {
	var out []Remark
	scripts := make([][]byte, len(plan.Outputs))
	for i, o := range plan.Outputs {
		scripts[i] = o.Script
	}
	ours, err := s.c.Store.AddressesOf(ctx, r.ID, scripts)
	if err != nil {
		return nil, err
	}
	others, err := s.ofOthers(ctx, r, plan)
	if err != nil {
		return nil, err
	}
	looked := 0
	for _, o := range plan.Outputs {
		address, ok := btc.AddressOf(o.Script, r.Network)
		if o.Recipient < 0 || !ok || looked >= maxLooked {
			continue
		}
		looked++
		if a, own := ours[string(o.Script)]; own {
			code := spend.OwnAddress
			if a.Used {
				code = spend.OwnUsed
			}
			out = append(out, spend.NewRemark(code, o.Recipient+1, address))
			continue
		}
		if name, own := others[string(o.Script)]; own {
			out = append(out, spend.NewRemark(spend.OwnOther, o.Recipient+1, name, address))
		}
		known, err := s.alike(ctx, r, address)
		if err != nil {
			return nil, err
		}
		switch {
		case slices.Contains(known, address):
			out = append(out, spend.NewRemark(spend.PaidBefore, o.Recipient+1, address))
		case len(known) > 0:
			out = append(out, spend.NewRemark(spend.LookAlike, o.Recipient+1, address, known[0]))
		}
	}
	return out, nil
}

// ofOthers finds recipients that are addresses of the user's other wallets, by script; the value
// is the wallet's name.
func (s *Service) ofOthers(ctx context.Context, r Record, plan *spend.Result) (map[string]string, error) {
	var scripts [][]byte
	for _, o := range plan.Outputs {
		if o.Recipient >= 0 && len(scripts) < maxLooked {
			scripts = append(scripts, o.Script)
		}
	}
	list, err := s.c.Store.Wallets(ctx, r.Owner, r.Network)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, other := range list {
		if other.ID == r.ID {
			continue
		}
		found, err := s.c.Store.AddressesOf(ctx, other.ID, scripts)
		if err != nil {
			return nil, err
		}
		for script := range found {
			names[script] = other.Name
		}
	}
	return names, nil
}

// alike lists addresses of the history that begin and end as one does: itself, or one that was
// made to be taken for it. People compare about four characters at each end.
func (s *Service) alike(ctx context.Context, r Record, address string) ([]string, error) {
	head, tail := ends(address)
	if tail == "" {
		return nil, nil
	}
	list, err := s.c.Store.Ending(ctx, r.ID, tail, 100)
	return slices.DeleteFunc(list, func(a string) bool {
		h, _ := ends(a)
		return h != head
	}), err
}

// ends are the four characters at each end of an address that differ between addresses: what all
// of a network and type have in common is left out.
func ends(address string) (head, tail string) {
	rest := address
	if hrp, data, ok := strings.Cut(strings.ToLower(address), "1"); ok && slices.Contains([]string{"bc", "tb", "bcrt"}, hrp) && len(data) > 1 {
		rest = data[1:] // the version of the witness program
	} else if len(rest) > 1 {
		rest = rest[1:]
	}
	if len(rest) < 12 {
		return "", ""
	}
	return rest[:4], rest[len(rest)-4:]
}

// traceRemarks tell what the transaction shows to everybody.
func (s *Service) traceRemarks(r Record, w *openWallet, plan *spend.Result, inputs []CoinRow) []Remark {
	var out []Remark
	if plan.ChangeVout >= 0 {
		change := scriptKind(plan.Outputs[plan.ChangeVout].Script)
		other := func(o spend.Output) bool { return o.Recipient >= 0 && scriptKind(o.Script) != change }
		if slices.ContainsFunc(plan.Outputs, other) {
			out = append(out, spend.NewRemark(spend.ScriptTypes))
		}
	}
	var labels []string
	reused := 0
	for _, c := range inputs {
		if c.Label != "" && !slices.Contains(labels, c.Label) {
			labels = append(labels, c.Label)
		}
		if c.Reused {
			reused++
		}
	}
	if len(labels) > 1 {
		if len(labels) > 5 {
			labels = append(labels[:5], "…")
		}
		out = append(out, spend.NewRemark(spend.LinkedLabels, strings.Join(labels, ", ")))
	}
	if reused > 0 {
		out = append(out, spend.NewRemark(spend.ReusedCoins, reused))
	}
	return out
}

// scriptKind is the type of an address: everybody can see it.
func scriptKind(script []byte) string {
	if v, program, ok := btc.WitnessProgram(script); ok {
		return string(rune('a'+v)) + string(rune(len(program)))
	}
	switch len(script) {
	case 23:
		return "p2sh"
	case 25:
		return "p2pkh"
	}
	return "other"
}

// signedTwice warns where another draft spends one of the coins with segwit version 0, for other
// outputs, and has been signed. Such signatures commit to the amount of one input alone (BIP143):
// a computer that lies to the device about amounts can make one transaction of two halves.
func (s *Service) signedTwice(ctx context.Context, r Record, w *openWallet, plan *spend.Result) ([]Remark, error) {
	if v, _, ok := btc.WitnessProgram(plan.Inputs[0].Script); ok && v > 0 || !segwitZero(r.ScriptType) {
		return nil, nil
	}
	all, err := s.c.Store.Drafts(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	txid, err := plan.Packet.TxID()
	if err != nil {
		return nil, err
	}
	var out []Remark
	for _, d := range all {
		if d.TxID == txid {
			continue
		}
		p, err := psbt.Parse(d.PSBT)
		if err != nil || !(answer{packet: p}).signed() && d.Final == nil {
			continue
		}
		tx, err := p.UnsignedTx()
		if err != nil {
			continue
		}
		for _, in := range tx.TxIn {
			if slices.ContainsFunc(plan.Inputs, func(c spend.Coin) bool { return c.OutPoint == in.PreviousOutPoint }) {
				out = append(out, spend.NewRemark(spend.DoubleSign, int64(d.ID)))
				break
			}
		}
	}
	return out, nil
}

// segwitZero reports whether a wallet's inputs are signed as BIP143 says.
func segwitZero(scriptType string) bool {
	switch scriptType {
	case "wpkh", "sh-wpkh", "wsh", "sh-wsh":
		return true
	}
	return false
}
