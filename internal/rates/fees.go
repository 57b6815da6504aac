package rates

import (
	"context"
	"strings"

	"specter/internal/btc"
	"specter/internal/errs"
)

// Estimate is a feerate and who says so.
type Estimate struct {
	Rate     btc.FeeRate
	Source   string // "node", "mempool.space", "mempool.space over Tor", the host of an own service
	Fallback bool   // another source was asked for; Reason says why it is not this one
	Reason   string // sentence for the person; "" unless Fallback
}

// onionMempool is mempool.space's onion service.
const onionMempool = "http://mempoolhqx4isw62xs7abwphsq7ldayuidyx2v2oethdhhj6mlo2r6ad.onion"

// maxRate bounds feerates that are believed: 10,000 sat/vB.
var maxRate = btc.SatPerVB(10_000)

// recommended is mempool's answer, in sat/vB.
type recommended struct {
	Fastest  number `json:"fastestFee"`
	HalfHour number `json:"halfHourFee"`
	Hour     number `json:"hourFee"`
	Economy  number `json:"economyFee"`
	Minimum  number `json:"minimumFee"`
}

// rate picks the feerate for a target of blocks.
func (r recommended) rate(blocks int) (btc.FeeRate, error) {
	text := r.Economy
	switch {
	case blocks <= 1:
		text = r.Fastest
	case blocks <= 3:
		text = r.HalfHour
	case blocks <= 6:
		text = r.Hour
	case text == "":
		text = r.Minimum
	}
	rate, err := feeRate(text)
	if err != nil {
		return 0, err
	}
	if low, err := feeRate(r.Minimum); err == nil && rate < low {
		rate = low
	}
	return rate, nil
}

// feeRate reads sat/vB; decimals beyond the third are rounded up.
func feeRate(n number) (btc.FeeRate, error) {
	text := string(n)
	if whole, frac, _ := strings.Cut(text, "."); len(frac) > 3 {
		more := strings.Trim(frac[3:], "0") != ""
		if strings.Trim(frac[3:], "0123456789") != "" {
			return 0, errs.E(errs.Unavailable, "the feerate is no number")
		}
		rate, err := btc.ParseFeeRate(whole + "." + frac[:3])
		if err == nil && more {
			rate++
		}
		return bounded(rate, err)
	}
	return bounded(btc.ParseFeeRate(text))
}

func bounded(rate btc.FeeRate, err error) (btc.FeeRate, error) {
	if err != nil || rate <= 0 || rate > maxRate {
		return 0, errs.E(errs.Unavailable, "its feerate is beyond reason")
	}
	return rate, nil
}

// Fee estimates the feerate that confirms within so many blocks (1 to 1008), from the source
// that the settings name. Where that does not answer or does not know the network, the node is
// asked, and Estimate says so; so it is where that takes too long, and its answer is there for who
// asks next. errs.Unavailable when nobody knows.
func (s *Service) Fee(ctx context.Context, set Settings, n btc.Network, blocks int) (Estimate, error) {
	patient, cancel := context.WithTimeout(ctx, s.c.Patience)
	defer cancel()
	return s.fee(ctx, patient, set, n, blocks)
}

// fee is Fee for who waits no longer for others than patient lasts.
func (s *Service) fee(ctx, patient context.Context, set Settings, n btc.Network, blocks int) (Estimate, error) {
	set, err := set.Check()
	if err != nil {
		return Estimate{}, err
	}
	blocks = min(max(blocks, 1), 1008)
	if set.Fees == FeesNode {
		return s.nodeFee(ctx, blocks)
	}
	part, known := networkPart[n]
	why := errs.E(errs.Unavailable, "mempool.space does not know %s", n)
	if known || set.Fees == FeesOwn {
		why = nil
	}
	for _, host := range s.feeHosts(set, part, known) {
		e, err := s.outsideFee(patient, host, set.TorOnly, blocks)
		if err == nil {
			if why != nil { // the onion failed, the clear net answered
				e.Fallback, e.Reason = true, why.Error()
			}
			return e, nil
		}
		why = err
		if patient.Err() != nil {
			break // slow is not broken: the next one, perhaps in the clear, is not asked
		}
	}
	e, err := s.nodeFee(ctx, blocks)
	if err != nil {
		return Estimate{}, errs.E(errs.Unavailable, "nobody knows a feerate: %s, and %w", why.Error(), err)
	}
	e.Fallback, e.Reason = true, why.Error()
	return e, nil
}

// feeHosts lists where feerates are asked for, in order: mempool.space by its onion first where
// there is Tor, in the clear only where that is allowed.
func (s *Service) feeHosts(set Settings, part string, known bool) []string {
	if set.Fees == FeesOwn {
		return []string{set.FeesURL}
	}
	var hosts []string
	if (s.c.Tor != nil || set.TorOnly) && known {
		hosts = append(hosts, s.host("mempool-onion", onionMempool)+part)
	}
	if !set.TorOnly && known {
		hosts = append(hosts, s.host("mempool", hostMempool)+part)
	}
	return hosts
}

// networkPart is where mempool.space keeps each network.
var networkPart = map[btc.Network]string{btc.Mainnet: "", btc.Testnet3: "/testnet", btc.Testnet4: "/testnet4", btc.Signet: "/signet"}

func (s *Service) outsideFee(ctx context.Context, host string, tor bool, blocks int) (Estimate, error) {
	key := "fee " + host
	if tor {
		key += " tor"
	}
	overTor := tor || strings.HasPrefix(host, s.host("mempool-onion", onionMempool))
	value, err := s.soon(ctx, key, feeAge, func(ctx context.Context) (any, error) {
		var r recommended
		err := s.get(ctx, host+"/api/v1/fees/recommended", overTor, maxAnswer, &r)
		if err == nil {
			_, err = r.rate(1)
		}
		return r, err
	})
	if err == errNotYet {
		return Estimate{}, errs.E(errs.Unavailable, "%s has not answered yet", sourceName(host, overTor))
	}
	if err != nil {
		return Estimate{}, err
	}
	rate, err := value.(recommended).rate(blocks)
	return Estimate{Rate: rate, Source: sourceName(host, overTor)}, err
}

func sourceName(host string, tor bool) string {
	_, name, _ := strings.Cut(host, "://")
	name, _, _ = strings.Cut(name, "/")
	if strings.HasPrefix(host, onionMempool) {
		name = "mempool.space"
	}
	if tor || strings.HasSuffix(name, ".onion") {
		name += " over Tor"
	}
	return name
}

func (s *Service) nodeFee(ctx context.Context, blocks int) (Estimate, error) {
	if s.c.NodeRate == nil {
		return Estimate{}, errs.E(errs.Unavailable, "there is no node to ask for a feerate")
	}
	rate, err := s.c.NodeRate(ctx, blocks)
	return Estimate{Rate: rate, Source: "node"}, err
}
