package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/wallet"
)

// Sizes of the chart: its own units, which the style sheet stretches to the page's width, and
// how many points it has at most, so that each stays wide enough to be pointed at.
const (
	chartWidth  = 1000
	chartHeight = 200
	chartPoints = 122
	chartRows   = 31
)

// chartDays is what is asked of the wallet: one point a day for more than thirteen years.
const chartDays = 5_000

// periods are the spans a chart can show, in days; 0: all.
var periods = []struct {
	name string
	days int
}{{"30d", 30}, {"1y", 365}, {"all", 0}}

// chart is a balance over time, drawn on the server: no script is needed to see it.
type chart struct {
	Period string
	Points []chartPoint
	Rows   []wallet.BalancePoint // the same as a table, fewer of them
	Line   string                // of the svg path
	Area   string
	Top    btcutil.Amount // of the scale
	From   time.Time
	To     time.Time
	path   string // of the page
}

// chartPoint is a day that can be pointed at.
type chartPoint struct {
	wallet.BalancePoint
	X     string
	Width string
}

// Half is the middle of the scale.
func (c chart) Half() btcutil.Amount { return c.Top / 2 }

// Last is the balance at the end.
func (c chart) Last() btcutil.Amount { return c.Points[len(c.Points)-1].Balance }

// First is the balance at the beginning.
func (c chart) First() btcutil.Amount { return c.Points[0].Balance }

// URL is the link to another period of the same chart.
func (c chart) URL(period string) string { return c.path + "?period=" + period }

// readPeriod reads the period that a page's chart is to show.
func readPeriod(r *http.Request) string {
	return oneOf(r.URL.Query().Get("period"), "1y", "30d", "all")
}

// drawChart draws one value a day. Balances are steps: money comes at one moment.
func drawChart(days []wallet.BalancePoint, period, path string) *chart {
	c := &chart{Period: period, path: path}
	span := 0
	for _, p := range periods {
		if p.name == period {
			span = p.days
		}
	}
	days = lastDays(days, span)
	if len(days) < 2 {
		return nil
	}
	days = thinned(days, chartPoints)
	c.From, c.To = days[0].Time, days[len(days)-1].Time
	for _, d := range days {
		c.Top = max(c.Top, d.Balance)
	}
	c.Rows = thinned(days, chartRows)
	c.draw(days)
	return c
}

// lastDays cuts the last days out; before the first transaction there was nothing.
func lastDays(days []wallet.BalancePoint, span int) []wallet.BalancePoint {
	if len(days) == 0 {
		return nil
	}
	last, first := days[len(days)-1].Time, days[0].Time
	from := last.AddDate(0, 0, -span)
	if span == 0 {
		from = first.AddDate(0, 0, -1)
	}
	var out []wallet.BalancePoint
	for day := from; day.Before(first); day = day.AddDate(0, 0, 1) {
		out = append(out, wallet.BalancePoint{Time: day})
	}
	for _, d := range days {
		if !d.Time.Before(from) {
			out = append(out, d)
		}
	}
	return out
}

// thinned keeps at most n points, the first and the last always.
func thinned(days []wallet.BalancePoint, n int) []wallet.BalancePoint {
	if len(days) <= n {
		return days
	}
	out := make([]wallet.BalancePoint, n)
	for i := range out {
		out[i] = days[i*(len(days)-1)/(n-1)]
	}
	return out
}

func (c *chart) draw(days []wallet.BalancePoint) {
	total := c.To.Sub(c.From).Hours()
	x := func(t time.Time) float64 { return t.Sub(c.From).Hours() / total * chartWidth }
	// drawn numbers alone are floats; amounts stay whole
	y := func(a btcutil.Amount) float64 {
		if c.Top <= 0 {
			return chartHeight
		}
		return chartHeight - float64(max(a, 0))/float64(c.Top)*(chartHeight-8)
	}
	var line strings.Builder
	fmt.Fprintf(&line, "M0 %.1f", y(days[0].Balance))
	for i, d := range days {
		at, before := x(d.Time), 0.0
		if i > 0 {
			before = x(days[i-1].Time)
			fmt.Fprintf(&line, "H%.1fV%.1f", at, y(d.Balance))
		}
		c.Points = append(c.Points, chartPoint{d, fmt.Sprintf("%.1f", before), fmt.Sprintf("%.1f", max(at-before, 1))})
	}
	c.Line = line.String()
	c.Area = c.Line + fmt.Sprintf("V%dH0Z", chartHeight)
}
