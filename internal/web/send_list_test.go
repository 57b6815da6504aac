package web_test

import (
	"net/url"
	"strings"
	"testing"

	"specter/internal/btc"
	"specter/internal/web"
)

const secondAddress = "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk"

func TestListsOfPaymentsAreRead(t *testing.T) {
	uri := "bitcoin:" + testAddress + "?amount=0.25&label=Bob"
	for name, x := range map[string]struct{ list, want string }{
		"commas":              {testAddress + ", 0.1, rent\n" + secondAddress + ",2", testAddress + " 0.10000000 rent|" + secondAddress + " 2.00000000 "},
		"semicolons, quotes":  {`"` + testAddress + `";0.1;"rent; and heat"`, testAddress + " 0.10000000 rent; and heat"},
		"tabs":                {testAddress + "\t0.1\trent, heat", testAddress + " 0.10000000 rent, heat"},
		"blanks":              {testAddress + " 0.1 the rent of May", testAddress + " 0.10000000 the rent of May"},
		"headings":            {"Label,Amount (sat),Recipient address\r\nrent,1500," + testAddress + "\r\n", testAddress + " 0.00001500 rent"},
		"own units":           {testAddress + ",1500 sat\n" + secondAddress + ",0.5 BTC", testAddress + " 0.00001500 |" + secondAddress + " 0.50000000 "},
		"max":                 {testAddress + ",max,all of it", testAddress + " max all of it"},
		"a URI":               {uri, testAddress + " 0.25000000 Bob"},
		"URIs in one line":    {uri + " bitcoin:" + secondAddress + "?amount=1", testAddress + " 0.25000000 Bob|" + secondAddress + " 1.00000000 "},
		"URIs stuck together": {uri + "BITCOIN:" + secondAddress + "?amount=1", testAddress + " 0.25000000 Bob|" + secondAddress + " 1.00000000 "},
		"byte order mark":     {"\ufeff" + testAddress + ",0.1", testAddress + " 0.10000000 "},
		"empty lines":         {"\n\n" + testAddress + ",0.1\n \n", testAddress + " 0.10000000 "},
		"no amount":           {testAddress, "error"},
		"another network":     {"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4,1", "error"},
		"a comma in digits":   {testAddress + ";0,5", "error"},
		"negative":            {testAddress + ",-1", "error"},
		"a formula":           {testAddress + ",=1+1", "error"},
		"words":               {"hello, world", "error"},
	} {
		got := strings.Join(web.ReadPayments(x.list, btc.Regtest), "|")
		if strings.HasSuffix(x.want, "error") {
			if !strings.HasPrefix(got, "error") {
				t.Errorf("%s: %q, want an error", name, got)
			}
		} else if got != x.want {
			t.Errorf("%s: %q, want %q", name, got, x.want)
		}
	}
}

func TestAListFillsTheFormOnlyWhenEveryLineCanBePaid(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	bad := "address,amount,label\n" + testAddress + ",0.1,one\nnonsense,2,two\n" + testAddress + ",0.3,three"
	a := c.post(sendPath, url.Values{"address": {""}, "list": {bad}, "action": {"list-add"}}).want(200)
	lines := a.all("list-line")
	if len(lines) != 3 || !strings.Contains(text(lines[1]), "nonsense") || !strings.HasPrefix(text(lines[1]), "3") || !strings.Contains(text(lines[2]), "as in line 2") {
		t.Fatalf("%d lines: %s", len(lines), a.one("list-lines"))
	}
	a.says("list-sum", "3 payments").says("list-sum", "0.40000000").says("list-sum", "1 line needs")
	form := a.fields(sendPath)
	if len(form["address"]) != 1 || form.Get("list") == "" {
		t.Fatalf("a list with a mistake was taken: %v", form["address"])
	}
	form.Set("list", strings.Replace(bad, "nonsense", secondAddress, 1))
	form.Set("action", "list-check")
	a = c.post(sendPath, form).want(200).says("list-sum", "2.40000000")
	if form = a.fields(sendPath); len(form["address"]) != 1 {
		t.Fatal("checking a list took it")
	}
	form.Set("action", "list-add")
	form = c.post(sendPath, form).want(200).fields(sendPath)
	if len(form["address"]) != 3 || strings.Join(form["amount"], " ") != "0.10000000 2.00000000 0.30000000" || strings.Join(form["label"], " ") != "one two three" || form.Get("list") != "" {
		t.Fatalf("taken: %v", form)
	}
	if len(h.asked.Recipients) != 3 {
		t.Error("no preview after taking the list")
	}
	c.post(sendPath, url.Values{"list": {" "}, "action": {"list-check"}}).want(200).says("list-error", "Paste a list")
	many := strings.Repeat(testAddress+",0.1\n", 501)
	c.post(sendPath, url.Values{"list": {many}, "action": {"list-check"}}).want(200).says("list-error", "more than 500")
	c.upload(sendPath, "listfile", map[string]string{"pay.csv": testAddress + ",0.7,roof"}).want(200)
}

// Several links pasted into one address field become several recipients.
func TestSeveralLinksInOneField(t *testing.T) {
	h := newHouse("")
	c := open(t, h)
	c.post(sendPath, url.Values{"address": {"bitcoin:" + testAddress + "?amount=0.25&label=Bob bitcoin:" + secondAddress + "?amount=1"}, "amount": {""}, "action": {"create"}}).want(200)
	r := h.asked.Recipients
	if len(r) != 2 || r[0].Amount != 25_000_000 || r[0].Label != "Bob" || r[1].Address != secondAddress || r[1].Amount != 100_000_000 {
		t.Errorf("asked to pay %+v", r)
	}
}

func FuzzListsOfPayments(f *testing.F) {
	f.Add(testAddress + ",0.1,rent")
	f.Add("address;amount\n\"" + testAddress + "\";1")
	f.Add("bitcoin:" + testAddress + "?amount=1bitcoin:x")
	f.Add("\ufeff\x00\"\n,;\t")
	f.Fuzz(func(t *testing.T, list string) {
		rows := web.ReadPayments(list, btc.Regtest)
		if len(rows) > 501 {
			t.Errorf("%d rows of %d bytes", len(rows), len(list))
		}
	})
}
