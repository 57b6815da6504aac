package tor

import (
	"bufio"
	"reflect"
	"strings"
	"testing"
)

func read(text string) (reply, error) {
	return readReply(bufio.NewReaderSize(strings.NewReader(text), maxLine))
}

func TestAnswersOfTheControlPortAreRead(t *testing.T) {
	for name, k := range map[string]struct {
		text string
		want reply
	}{
		"one line":   {"250 OK\r\n", reply{250, []line{{"OK", ""}}}},
		"several":    {"250-A=1\r\n250-B\r\n250 OK\r\n", reply{250, []line{{"A=1", ""}, {"B", ""}, {"OK", ""}}}},
		"with data":  {"250+info/x=\r\none\r\n..two\r\n.\r\n250 OK\r\n", reply{250, []line{{"info/x=", "one\n.two\n"}, {"OK", ""}}}},
		"empty data": {"250+x=\r\n.\r\n250 OK\r\n", reply{250, []line{{"x=", ""}, {"OK", ""}}}},
		"an event":   {"650 HS_DESC UPLOADED a UNKNOWN b\r\n", reply{650, []line{{"HS_DESC UPLOADED a UNKNOWN b", ""}}}},
		"no text":    {"250 \r\n", reply{250, []line{{"", ""}}}},
	} {
		got, err := read(k.text)
		if err != nil || !reflect.DeepEqual(got, k.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestAnswersThatTorDoesNotGiveAreRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no code": "hello\r\n", "a short line": "250\r\n", "another sign": "250_OK\r\n", "letters in the code": "2a0 OK\r\n", "codes mixed": "250-A\r\n550 no\r\n",
		"a code too small": "100 OK\r\n", "a code too great": "700 OK\r\n", "no carriage return": "250 OK\n", "a carriage return inside": "250 O\rK\r\n", "a nul": "250 O\x00K\r\n", "cut": "250-A\r\n",
		"data without end": "250+x=\r\none\r\n", "a long line": "250 " + strings.Repeat("a", maxLine) + "\r\n", "many lines": strings.Repeat("250-a\r\n", maxLines+1) + "250 OK\r\n",
		"much data": "250+x=\r\n" + strings.Repeat(strings.Repeat("a", 1000)+"\r\n", 300) + ".\r\n250 OK\r\n", "an HTTP server": "HTTP/1.1 400 Bad Request\r\n\r\n",
	} {
		if got, err := read(text); err == nil {
			t.Errorf("%s is taken for %+v", name, got)
		}
	}
}

func TestWordsOfALine(t *testing.T) {
	got, err := words(`METHODS=COOKIE,SAFECOOKIE COOKIEFILE="/run/a \"b\"\\\303\244" bare ="x A=b=c`)
	want := []word{{"METHODS", "COOKIE,SAFECOOKIE"}, {"COOKIEFILE", "/run/a \"b\"\\ä"}, {"", "bare"}, {"", `="x`}, {"A", "b=c"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{`A="x`, `A="\`, `A="\q"`, `A="\777"`, `A="x"y`} {
		if got, err := words(bad); err == nil {
			t.Errorf("%s is taken for %q", bad, got)
		}
	}
	if back, rest, err := unquote(quote(`a "b" \ c`)); err != nil || back != `a "b" \ c` || rest != "" {
		t.Errorf("quoting and back gives %q %q %v", back, rest, err)
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"250 OK\r\n", "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=COOKIE,SAFECOOKIE COOKIEFILE=\"/run/x\"\r\n250-VERSION Tor=\"0.4.9.11\"\r\n250 OK\r\n", "250+a=\r\n.\r\n250 OK\r\n",
		"250 AUTHCHALLENGE SERVERHASH=00 SERVERNONCE=00\r\n", "650 STATUS_CLIENT NOTICE BOOTSTRAP PROGRESS=10 SUMMARY=\"a\"\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := read(text)
		if err != nil {
			return
		}
		if len(a.lines) == 0 || len(a.lines) > maxLines+1 || a.code < 200 || a.code > 699 {
			t.Fatalf("%+v", a)
		}
		_, _ = readHello(a)
		_, _, _ = readChallenge(a)
		s := New(Config{Now: clock, Log: silent()})
		s.news(a)
		for _, l := range a.lines {
			list, err := words(l.text)
			if err != nil {
				continue
			}
			for _, w := range list {
				if back, rest, err := unquote(quote(w.value)); err == nil && (back != w.value || rest != "") {
					t.Fatalf("%q comes back as %q", w.value, back)
				}
			}
		}
	})
}

func FuzzKey(f *testing.F) {
	f.Add(NewKey().text())
	f.Add("RSA1024:AAAA")
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err != nil {
			return
		}
		again, err := ParseKey(k.text())
		if err != nil || again != k {
			t.Fatalf("%q does not come back", text)
		}
	})
}
