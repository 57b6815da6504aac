package auth_test

import (
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/errs"
)

func TestSpansAreReadAsTheOldAPIReadsThem(t *testing.T) {
	for text, seconds := range map[string]float64{
		"30 days": 2592000, "6 minutes": 360, "1h30m": 5400, "1.5 hours": 5400, "1d,2h": 93600, "1 day / 2 hours": 93600,
		"1M": 60, "1.75 s": 1.75, "1 wks 2 dys": 777600, "1:30": 90, ":22": 22, "2:04:13:02": 187982, "2:04:13:02.266": 187982.266,
		"2 days, 4:13:02": 187982, "1d 25:00:00": 176400, "25:61": 1561,
		"  +1 Week ": 604800, "1w2d3h4m5s": 788645, "1 wk, 2 dy / 3 hrs 4 mins,5 secs": 788645, "4:13:02": 15182, ":22.5": 22.5, "1:02.25": 62.25,
		"0.0001 weeks": 60, "1.0001 minutes": 60, "0.5s": 0.5, "1 week 1:00:00": 608400, "100:00:00": 360000, ".5h": 1800, "1. h": 3600, "876600h": 3155760000,
	} {
		got, err := auth.ParseSpan(text)
		if err != nil || got != time.Duration(seconds*1000)*time.Millisecond {
			t.Errorf("%q is %v, want %v s: %v", text, got, seconds, err)
		}
	}
}

func TestWhatIsNoSpanIsRefused(t *testing.T) {
	for _, text := range []string{
		"300", "", "abc", "1 month", "1 year", "5:5", "5 sec 3 min", "1h 1h", "4-02:03:04", "1.2.3h", "-1 hour", "0s", "-1.5m30s", "0 days", ":00", "0.5 minutes 0.4h",
		".", ". h", "h", "1,h", "1h,,2m", "1d:22", "1h 2:00:00", "1d 1:30", "1d 1:00:00:00", "1:2:3", "1:60:5", "1:00:00:00:00", ":1:22", "::22", "1:22.", "1:22.5.5", "1.5:22", "123:22",
		"|1h", "+-1h", "1h -2m", "1h 2", "1h:", ":", "0.2 minutes 1x", "0.00001 m", "0.0000000001s", "1 h\x00", "１ h", "876600h 1s", "99999999999999999999999 w", strings.Repeat("1", 101) + "s",
	} {
		if got, err := auth.ParseSpan(text); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q is %v, %v; want it refused", text, got, err)
		}
	}
}

func FuzzParseSpan(f *testing.F) {
	for _, text := range []string{"30 days", "2 days, 4:13:02", "2:04:13:02.266", ":22", "1.75 s", "1.2.3h", "-1 h", "1w2d3h4m5s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := auth.ParseSpan(text)
		if err != nil {
			if !errs.Is(err, errs.Invalid) || d != 0 {
				t.Errorf("%q: %v, %v", text, d, err)
			}
			return
		}
		if d <= 0 || d > 36525*24*time.Hour {
			t.Errorf("%q is %v", text, d)
		}
		if again, err := auth.ParseSpan(" +" + strings.ToUpper(text) + " "); len(text) < 90 && !strings.HasPrefix(strings.TrimSpace(text), "+") && (err != nil || again != d) {
			t.Errorf("%q is %v, in capitals %v, %v", text, d, again, err)
		}
	})
}
