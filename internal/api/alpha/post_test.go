package alpha

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/wallet"
)

// order is the body of a POST with one recipient, changed by pairs of names and values.
func order(changes ...any) map[string]any {
	to := map[string]any{"address": stranger(1), "amount": 100_000, "unit": "sat"}
	body := map[string]any{"recipients": []any{to}, "fee_rate": 5}
	for i := 0; i < len(changes); i += 2 {
		name, value := changes[i].(string), changes[i+1]
		where := body
		if rest, inner := strings.CutPrefix(name, "to."); inner {
			where, name = to, rest
		}
		if where[name] = value; value == "absent" {
			delete(where, name)
		}
	}
	return body
}

func TestPaymentsAsTheOldSpecterTakesThem(t *testing.T) {
	h := newHouse(t)
	ref := h.create("admin", "Full", "wpkh", "alice").Ref()
	h.fund(ref, 2*btcutil.SatoshiPerBitcoin)
	token := h.token(auth.OwnerID, auth.Scope{})
	full := func(o map[string]any) bool { return o["fee_rate"].(json.Number).String() >= "4.9" }
	for name, c := range map[string]struct {
		body map[string]any
		ok   func(o map[string]any) bool
	}{
		"plain":                    {order(), full},
		"amount as text":           {order("to.amount", "100000"), full},
		"amount as float":          {order("to.amount", json.RawMessage("100000.0")), full},
		"amount with an exponent":  {order("to.amount", json.RawMessage("1e5")), full},
		"btc":                      {order("to.amount", json.RawMessage("0.001"), "to.unit", "btc"), full},
		"btc, as Python prints it": {order("to.amount", json.RawMessage("1e-3"), "to.unit", "btc"), full},
		"btc, computed in floats":  {order("to.amount", json.RawMessage("0.0010000000000000001"), "to.unit", "BTC"), full},
		"upper-case address":       {order("to.address", strings.ToUpper(stranger(1))), full},
		"rate as text":             {order("fee_rate", "5.0"), full},
		"rate below 1": {order("fee_rate", 0.3), func(o map[string]any) bool {
			return strings.HasPrefix(o["fee_rate"].(json.Number).String(), "1.") || strings.HasPrefix(o["fee_rate"].(json.Number).String(), "0.99")
		}},
		"the node decides": {order("fee_rate", 0), func(o map[string]any) bool { return o["fee_sat"].(json.Number).String() > "0" }},
		"empty rbf_tx_id":  {order("rbf_tx_id", ""), full},
		"nulls":            {order("rbf_tx_id", nil, "subtract", nil, "subtract_from", nil, "rbf", nil), full},
		"unknown members":  {order("estimate_fee", true, "to.btc_amount", 1), full},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			o := h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, c.body).want(200).object()["result"].(map[string]any)
			if got := keysIn(o); !slices.Equal(got, psbtKeys) {
				t.Errorf("members %v", got)
			}
			must(t, same("sats", decodeText([]byte("[100000]")), o["sats"]))
			must(t, same("amount", decodeText([]byte("[0.001]")), o["amount"]))
			if !c.ok(o) {
				t.Errorf("fee %v at %v", o["fee_sat"], o["fee_rate"])
			}
			h.drop(ref)
		})
	}
}

// drop deletes all drafts of a wallet, so that its coins are free again.
func (h *house) drop(ref wallet.Ref) {
	h.t.Helper()
	list, err := h.wallets.Drafts(context.Background(), ref)
	must(h.t, err)
	for _, d := range list {
		must(h.t, h.wallets.DeleteDraft(context.Background(), ref, d.ID))
	}
}

func TestADraftIsKeptItsCoinsHeldAndItsLabelsStored(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("admin", "Full", "wpkh", "alice").Ref()
	h.fund(ref, 1_000_000, 1_000_000)
	token := h.token(auth.OwnerID, auth.Scope{})
	must(t, h.wallets.SetLabel(ctx, ref, wallet.LabelAddress, stranger(1), "older"))
	made := h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, order("to.label", "rent", "rbf", true)).want(200).object()["result"].(map[string]any)
	r, err := h.wallets.Get(ctx, ref)
	must(t, err)
	if r.Balance.Reserved != 1_000_000 {
		t.Errorf("%d sat are held", r.Balance.Reserved)
	}
	list, err := h.wallets.Drafts(ctx, ref)
	must(t, err)
	if len(list) != 1 || !list[0].Replaceable || list[0].Recipients[0].Address != stranger(1) || list[0].Outputs[0].Label != "rent" && list[0].Outputs[1].Label != "rent" {
		t.Errorf("drafts %+v", list)
	}
	all := h.ask("GET", "/api/v1alpha/wallets/full/psbt", token, nil).want(200).object()["result"].(map[string]any)
	if keys := slices.Collect(maps.Keys(all)); len(keys) != 1 || keys[0] != list[0].TxID.String() {
		t.Errorf("listed %v", keys)
	}
	must(t, same("listed", made, all[list[0].TxID.String()]))
	other := h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, order()).want(200).object()["result"].(map[string]any)
	vin := other["tx"].(map[string]any)["vin"].([]any)
	if fmt.Sprint(vin) == fmt.Sprint(made["tx"].(map[string]any)["vin"]) || fmt.Sprint(vin[0].(map[string]any)["sequence"]) < "4294967294" {
		t.Errorf("the second spends %v", vin)
	}
	h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, order()).want(412).says(insufficient)
}

func TestTheFeeIsSubtracted(t *testing.T) {
	h := newHouse(t)
	ref := h.create("admin", "Full", "wpkh", "alice").Ref()
	h.fund(ref, 1_000_000)
	token := h.token(auth.OwnerID, auth.Scope{})
	two := []any{map[string]any{"address": stranger(1), "amount": 400_000, "unit": "sat"}, map[string]any{"address": stranger(2), "amount": "0.006", "unit": "btc"}}
	h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, order("recipients", two)).want(412).says(insufficient)
	for from, place := range map[string]any{"absent": 0, "1": 1} {
		body := order("recipients", two, "subtract", true, "subtract_from", from)
		d := h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, body).want(200).object()["result"].(map[string]any)
		fee := sumOf(d["fee_sat"])
		want := map[string]int{stranger(1): 400_000, stranger(2): 600_000}
		want[[]string{stranger(1), stranger(2)}[place.(int)]] -= fee
		for i, a := range d["address"].([]any) {
			if got := sumOf(d["sats"].([]any)[i]); got != want[a.(string)] {
				t.Errorf("subtract_from %s: %v gets %d, want %d", from, a, got, want[a.(string)])
			}
		}
		h.drop(ref)
	}
	h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, order("subtract_from", 7)).want(200) // not read
}

// A payment that waits in the mempool gives its place to another one, which may pay others.
func TestAPaymentTakesAnothersPlace(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ref := h.create("admin", "Full", "wpkh", "alice").Ref()
	h.fund(ref, 1_000_000)
	token := h.token(auth.OwnerID, auth.Scope{})
	d, err := h.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(5), Recipients: []wallet.Recipient{{Address: stranger(1), Amount: 900_000}}})
	must(t, err)
	d, err = h.wallets.SignHot(ctx, ref, d.ID, 1, "")
	must(t, err)
	old, err := h.wallets.Broadcast(ctx, ref, d.ID)
	must(t, err)
	h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, order("to.amount", 800_000)).want(412)
	o := h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, order("to.amount", 800_000, "to.address", stranger(2), "rbf_tx_id", old.String(), "fee_rate", 20, "rbf", true)).want(200).object()["result"].(map[string]any)
	vin := o["tx"].(map[string]any)["vin"].([]any)[0].(map[string]any)
	if len(o["inputs"].([]any)) != 1 || vin["txid"] != d.Inputs[0].OutPoint.Hash.String() || o["address"].([]any)[0] != stranger(2) {
		t.Errorf("the replacement spends %v and pays %v", vin, o["address"])
	}
	h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, order("to.amount", 800_000, "rbf_tx_id", old.String(), "fee_rate", 2)).want(400) // BIP125 wants more
	h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, order("to.amount", 2_000_000, "rbf_tx_id", old.String(), "fee_rate", 20)).want(412).says(insufficient)
}

func TestPaymentsThatAreRefused(t *testing.T) {
	h := newHouse(t)
	ref := h.create("admin", "Full", "wpkh", "alice").Ref()
	h.fund(ref, 1_000_000)
	token := h.token(auth.OwnerID, auth.Scope{})
	for name, c := range map[string]struct {
		body   any
		status int
	}{
		"more than there is":        {order("to.amount", 1_000_001), 412},
		"all, and the fee besides":  {order("to.amount", 1_000_000), 412},
		"more than can be added up": {order("recipients", slices.Repeat([]any{map[string]any{"address": stranger(1), "amount": 21_000_000, "unit": "btc"}}, 5_000)), 412},
		"an unknown unit":           {order("to.unit", "eur"), 400},
		"no unit":                   {order("to.unit", "absent"), 400},
		"no amount":                 {order("to.amount", "absent"), 400},
		"no address":                {order("to.address", "absent"), 400},
		"no recipients":             {order("recipients", "absent"), 400},
		"recipients of nobody":      {order("recipients", []any{}), 400},
		"recipients as an object":   {order("recipients", map[string]any{}), 400},
		"no fee_rate":               {order("fee_rate", "absent"), 400},
		"a negative rate":           {order("fee_rate", -1), 400},
		"a rate of words":           {order("fee_rate", "fast"), 400},
		"an absurd rate":            {order("fee_rate", "1e30"), 400},
		"a bad address":             {order("to.address", "bcrt1qqqqqqqq"), 400},
		"another network":           {order("to.address", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"), 400},
		"a mixed-case address":      {order("to.address", strings.ToUpper(stranger(1)[:20])+stranger(1)[20:]), 400},
		"nothing":                   {order("to.amount", 0), 400},
		"less than nothing":         {order("to.amount", -5), 400},
		"dust":                      {order("to.amount", 10), 400},
		"half a satoshi":            {order("to.amount", json.RawMessage("100000.5")), 400},
		"nine decimals":             {order("to.amount", "0.123456789", "to.unit", "btc"), 400},
		"an endless exponent":       {order("to.amount", json.RawMessage("1e999999999")), 400},
		"an amount of words":        {order("to.amount", "many"), 400},
		"an amount as a fraction":   {order("to.amount", "1/2"), 400},
		"a hex amount":              {order("to.amount", "0x10"), 400},
		"subtract as words":         {order("subtract", "perhaps"), 400},
		"subtract from nobody":      {order("subtract", true, "subtract_from", 1), 400},
		"subtract from before":      {order("subtract", true, "subtract_from", -1), 400},
		"a label of two lines":      {order("to.label", "a\nb"), 400},
		"a replacement of words":    {order("rbf_tx_id", "the last one"), 400},
		"a replacement of half":     {order("rbf_tx_id", "00ff"), 400},
		"a replacement of nothing":  {order("rbf_tx_id", strings.Repeat("00", 32)), 404},
		"a list":                    {[]byte(`[]`), 400},
		"nothing at all":            {[]byte(``), 400},
		"two objects":               {[]byte(`{}{}`), 400},
		"a form":                    {"recipients=1", 415},
		"too large":                 {[]byte(`{"x": "` + strings.Repeat("x", maxBody) + `"}`), 413},
	} {
		t.Run(name, func(t *testing.T) {
			h.t = t
			a := h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, c.body).want(c.status)
			if m, _ := a.object()["message"].(string); m == "" || m == unexpected {
				t.Errorf("message %q", m)
			}
		})
	}
	h.t = t
	if list, err := h.wallets.Drafts(context.Background(), ref); err != nil || len(list) != 0 {
		t.Errorf("%d drafts were made, %v", len(list), err)
	}
}

func TestAmountsArePrintedExactly(t *testing.T) {
	for a, want := range map[btcutil.Amount]string{0: "0.0", 1: "0.00000001", -1: "-0.00000001", 1400: "0.000014", 10_000_000: "0.1", 100_000_000: "1.0", 2_000_000_000: "20.0",
		-123_456_789: "-1.23456789", btc.MaxMoney: "21000000.0", 9_007_199_254_740_993: "90071992.54740993"} {
		if got := string(coins(a)); got != want {
			t.Errorf("%d sat is %s, want %s", a, got, want)
		}
	}
	for fee, want := range map[btcutil.Amount]string{1400: "9.09", 154: "1.0", 0: "0.0", 155: "1.01", 1540: "10.0", 15409: "100.06"} {
		if got := string(rateOf(fee, 154)); got != want {
			t.Errorf("%d sat for 154 vbytes is %s, want %s", fee, got, want)
		}
	}
}

// bodies are what the fuzzer and the mutations begin with.
func bodies(t testing.TB) (out [][]byte) {
	for _, seed := range []any{order(), order("subtract", true, "subtract_from", "0", "rbf", "true", "fee_rate", "1e1"), order("to.unit", "btc", "to.amount", 0.001, "to.label", "x"), order("rbf_tx_id", "ff")} {
		b, err := json.Marshal(seed)
		must(t, err)
		out = append(out, b)
	}
	return append(out, []byte(`{"recipients":[{"address":"","amount":1e-8,"unit":"btc"}],"fee_rate":"0.00000001"}`))
}

// FuzzRequest reads bodies that nobody thought of: what is not refused is a payment that could
// be made.
func FuzzRequest(f *testing.F) {
	for _, b := range bodies(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		q, err := parseRequest(data)
		if err != nil {
			if status, _ := verdict(err); status != 400 {
				t.Errorf("status %d: %v", status, err)
			}
			return
		}
		if len(q.Recipients) == 0 || q.FeeRate < 0 || len(q.SubtractFee) > 1 {
			t.Errorf("read %+v", q)
		}
		for _, r := range q.Recipients {
			if r.Amount <= 0 || r.Amount > btc.MaxMoney || r.Address == "" || r.Max {
				t.Errorf("recipient %+v", r)
			}
		}
	})
}

// FuzzAmount holds the reader of numbers against the printer.
func FuzzAmount(f *testing.F) {
	for _, s := range []string{"0.1", "1e-8", "20.0", "-3", "1e40", ".5", "0.30000000000000004"} {
		f.Add(s, true)
	}
	f.Fuzz(func(t *testing.T, text string, inBTC bool) {
		unit := map[bool]string{true: "btc", false: "sat"}[inBTC]
		a, err := amount(text, unit)
		if err != nil {
			return
		}
		again, err := amount(string(coins(a)), "btc")
		if err != nil || again != a {
			t.Errorf("%q %s is %d sat, which prints as %s and reads as %d (%v)", text, unit, a, coins(a), again, err)
		}
	})
}

// Bodies with a few bytes changed at random are never this program's fault.
func TestOddBodiesAreRefusedOrPaid(t *testing.T) {
	h := newHouse(t)
	ref := h.create("admin", "Full", "wpkh", "alice").Ref()
	h.fund(ref, 1_000_000)
	token := h.token(auth.OwnerID, auth.Scope{})
	rnd := rand.New(rand.NewPCG(4, 2))
	seeds := bodies(t)
	spare := []byte(`{}[]":,0123456789eE+-.\ tfn` + "\x00\xff")
	seen := map[int]int{}
	tries := 800
	if testing.Short() {
		tries = 100
	}
	for range tries {
		b := slices.Clone(seeds[rnd.IntN(len(seeds))])
		for range 1 + rnd.IntN(4) {
			switch i := rnd.IntN(len(b)); rnd.IntN(3) {
			case 0:
				b[i] = spare[rnd.IntN(len(spare))]
			case 1:
				b = slices.Delete(b, i, min(len(b), i+1+rnd.IntN(3)))
			default:
				b = slices.Insert(b, i, spare[rnd.IntN(len(spare))])
			}
		}
		a := h.ask("POST", "/api/v1alpha/wallets/full/psbt", token, b)
		seen[a.status]++
		if a.status >= 500 || a.object() == nil {
			t.Fatalf("status %d for %q: %s", a.status, b, a.body)
		}
		if a.status == 200 {
			h.drop(ref)
		}
	}
	if seen[200] == 0 || seen[400] == 0 {
		t.Errorf("only %v", seen)
	}
}
