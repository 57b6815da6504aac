package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/wallet"
)

// looker asks pages as a browser without script does.
type looker struct {
	visitor
	t    *testing.T
	base string
}

func (l looker) send(r *http.Request, err error) (int, string, string) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
	resp, err := l.http.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header.Get("Location")
}

func (l looker) get(path string) string {
	l.t.Helper()
	status, body, _ := l.send(http.NewRequest(http.MethodGet, l.base+path, nil))
	if status != http.StatusOK {
		l.t.Fatalf("%s answers %d: %.300s", path, status, body)
	}
	return body
}

func (l looker) post(path string, form url.Values) (int, string, string) {
	l.t.Helper()
	r, err := http.NewRequest(http.MethodPost, l.base+path, strings.NewReader(form.Encode()))
	if err == nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return l.send(r, err)
}

func (l looker) upload(path, content string) (int, string, string) {
	l.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	f, err := m.CreateFormFile("file", "labels.jsonl")
	if err == nil {
		_, err = io.WriteString(f, content)
	}
	if err != nil || m.Close() != nil {
		l.t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, l.base+path, &b)
	if err == nil {
		r.Header.Set("Content-Type", m.FormDataContentType())
	}
	return l.send(r, err)
}

var waitingFile = regexp.MustCompile(`name="waiting" value="([A-Z0-9]+)"`)

// TestALabelFileComesInThroughThePages takes a BIP329 file on the demo chain: a new label, a
// conflict that is decided line by line, a stranger, a coin to freeze. Then the search, the file
// of what was found and the export know it.
func TestALabelFileComesInThroughThePages(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	ref := walletRef("spending")
	h.sync(ref)
	l := looker{newVisitor(t), t, strings.TrimSuffix(h.URL(), "/")}
	coins, err := h.wallets.Coins(ctx, ref, wallet.Query{Filter: "unspent", Size: 10})
	if err != nil || len(coins.Rows) == 0 {
		t.Fatalf("%d coins, %v", len(coins.Rows), err)
	}
	coin := coins.Rows[0]
	if err := h.wallets.SetLabel(ctx, ref, wallet.LabelAddress, coin.Address, "mine"); err != nil {
		t.Fatal(err)
	}
	stranger, _ := btc.AddressOf(btc.WitnessScript(0, bytes.Repeat([]byte{7}, 20)), btc.Regtest)
	file := fmt.Sprintf(`{"type":"tx","ref":"%s","label":"Pay of <b>March</b>"}
{"type":"addr","ref":"%s","label":"theirs"}
{"type":"output","ref":"%s","label":"do not touch","spendable":false}
{"type":"addr","ref":"%s","label":"carpenter"}
this is no label
`, coin.OutPoint.Hash, coin.Address, coin.OutPoint, stranger)
	status, body, _ := l.upload("/wallets/spending/labels/preview", file)
	if status != http.StatusOK {
		t.Fatalf("the preview answers %d: %.500s", status, body)
	}
	for _, want := range []string{"New: 2", "Other than yours: 1", "Strangers: 1", "To freeze: 1", "Pay of &lt;b&gt;March", "1 line cannot be read"} {
		if !strings.Contains(body, want) {
			t.Errorf("the preview does not say %q", want)
		}
	}
	if a, err := h.wallets.AddressInfo(ctx, ref, coin.Address); err != nil || a.Label != "mine" {
		t.Errorf("the preview changed something: %q, %v", a.Label, err)
	}
	waiting := waitingFile.FindStringSubmatch(body)
	if waiting == nil {
		t.Fatal("no file waits")
	}
	form := url.Values{"waiting": {waiting[1]}, "conflicts": {"keep"}, "freeze": {"yes"}, "row": {"", "take|addr " + coin.Address}}
	if status, body, to := l.post("/wallets/spending/labels/import", form); status != http.StatusSeeOther || to != "/wallets/spending/labels" {
		t.Fatalf("the import answers %d %s: %.500s", status, to, body)
	}
	if a, err := h.wallets.AddressInfo(ctx, ref, coin.Address); err != nil || a.Label != "theirs" {
		t.Errorf("the line that was to be taken is %q, %v", a.Label, err)
	}
	frozen, err := h.wallets.Coins(ctx, ref, wallet.Query{Filter: "frozen", Size: 10})
	if err != nil || len(frozen.Rows) != 1 || frozen.Rows[0].OutPoint != coin.OutPoint {
		t.Errorf("%d frozen coins, %v", len(frozen.Rows), err)
	}
	page := l.get("/wallets/spending/labels")
	if !strings.Contains(page, "Pay of &lt;b&gt;March") || !strings.Contains(page, "do not touch") || strings.Contains(page, "carpenter") {
		t.Error("the list of labels is not what was taken")
	}
	if csv := l.get("/wallets/spending/transactions.csv?q=of+%3Cb%3EMar"); strings.Count(csv, "\n") != 2 || !strings.HasPrefix(csv, "Date,Label,Category,Amount (BTC),Value (USD),Rate (BTC/USD),TxID,Address,Block Height,Timestamp\n") || !strings.Contains(csv, coin.OutPoint.Hash.String()) {
		t.Errorf("the file of what was found:\n%s", csv)
	}
	if out := l.get("/wallets/spending/labels/bip329"); !strings.Contains(out, `"do not touch"`) || !strings.Contains(out, `"spendable":false`) {
		t.Errorf("the export:\n%s", out)
	}
	for _, path := range []string{"/wallets/spending/statement", "/overview/statement"} {
		if pdf := l.get(path); !strings.HasPrefix(pdf, "%PDF-") {
			t.Errorf("%s is no PDF", path)
		}
	}
	if chart := l.get("/overview?period=all"); !strings.Contains(chart, `class="chart-line"`) {
		t.Error("the overview draws no balance")
	}
}

// hidden reads the hidden fields of the form that leads to the send form.
var hidden = regexp.MustCompile(`<input type="hidden" name="([a-z]+)" value="([^"]*)">`)

// TestSmallCoinsAreJoinedOnTheDemoChain follows the advice from its page through the send form to
// the network.
func TestSmallCoinsAreJoinedOnTheDemoChain(t *testing.T) {
	h := open(t, Config{Demo: &Demo{}})
	ctx := context.Background()
	ref := walletRef("spending")
	for range 3 {
		a, err := h.wallets.NewAddress(ctx, ref)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := h.chain.Faucet(a.Address, 20_000); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.chain.Mine(1, nil); err != nil {
		t.Fatal(err)
	}
	h.sync(ref)
	l := looker{newVisitor(t), t, strings.TrimSuffix(h.URL(), "/")}
	body := l.get("/wallets/spending/consolidate?feerate=1")
	_, part, ok := strings.Cut(body, `data-test="join"`)
	if !ok || !strings.Contains(body, "Joining now saves") {
		t.Fatalf("no advice: %.3000s", body)
	}
	part, _, _ = strings.Cut(part, "</form>")
	form := url.Values{"action": {"create"}}
	for _, m := range hidden.FindAllStringSubmatch(part, -1) {
		form.Add(m[1], m[2])
	}
	if len(form["coin"]) != 3 {
		t.Fatalf("%d coins are to be joined", len(form["coin"]))
	}
	before := h.record(ref).Balance.Total()
	status, body, to := l.post("/wallets/spending/send", form)
	if status != http.StatusSeeOther || !strings.HasPrefix(to, "/wallets/spending/drafts/") {
		t.Fatalf("the send form answers %d %s: %.2000s", status, to, body)
	}
	drafts, err := h.wallets.Drafts(ctx, ref)
	if err != nil || len(drafts) != 1 || len(drafts[0].Inputs) != 3 || len(drafts[0].Outputs) != 1 {
		t.Fatalf("drafts %+v, %v", drafts, err)
	}
	red, err := h.devices.Get(ctx, demoOwner, "red_key")
	if err != nil {
		t.Fatal(err)
	}
	d := h.sign(ref, drafts[0], red)
	id, err := h.wallets.Broadcast(ctx, ref, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.chain.Mine(1, nil); err != nil {
		t.Fatal(err)
	}
	h.sync(ref)
	coin, err := h.wallets.Coins(ctx, ref, wallet.Query{Search: id.String(), Filter: "unspent"})
	if err != nil || len(coin.Rows) != 1 || coin.Rows[0].Amount != 60_000-d.Fee || h.record(ref).Balance.Total() != before-d.Fee {
		t.Errorf("joined: %+v, fee %d, balance %d before %d, %v", coin.Rows, d.Fee, h.record(ref).Balance.Total(), before, err)
	}
	if page := l.get("/wallets/spending/tx/" + id.String()); strings.Count(page, ">Yours<") < 3 {
		t.Error("the transaction's page does not mark what is ours")
	}
	if raw := l.get("/wallets/spending/tx/" + id.String() + "/raw"); len(strings.TrimSpace(raw)) < 300 {
		t.Errorf("the raw file is %q", raw)
	}
}
