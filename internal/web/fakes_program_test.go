package web_test

import (
	"context"
	"slices"

	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/rates"
	"specter/internal/remote/doctor"
	"specter/internal/remote/tor"
	"specter/internal/setting"
	"specter/internal/wallet"
	"specter/internal/web"
)

// steward is the program as the owner's pages see it: its settings lie with the house's others.
type steward struct {
	h     *house
	lines []string
	busy  bool // the database is being compacted
}

func (s *steward) ChangeProgram(ctx context.Context, change func(*setting.Program) error) (setting.Program, error) {
	return setting.New(s.h).ChangeProgram(ctx, change)
}
func (s *steward) LogLines() []string { return slices.Clone(s.lines) }
func (s *steward) Storage(context.Context) (setting.Storage, error) {
	return setting.Storage{Database: 12_345_678, Spare: 2_000_000, Free: 90_000_000_000, Rows: []setting.Rows{{Table: "history", Count: 1000}}}, nil
}
func (s *steward) Compact(context.Context) (before, after int64, err error) {
	if s.busy {
		return 0, 0, errs.E(errs.Conflict, "the database is being compacted already")
	}
	return 12_345_678, 10_345_678, nil
}

// oracle tells prices and nothing else.
type oracle struct {
	quote *rates.Quote // nil: nobody answers
	asked int
}

func (o *oracle) FeeRates(context.Context, wallet.Owner) rates.Table { return rates.Table{} }
func (o *oracle) Price(context.Context, wallet.Owner) (rates.Quote, bool) {
	o.asked++
	if o.quote == nil {
		return rates.Quote{}, false
	}
	return *o.quote, true
}
func (o *oracle) Senders(context.Context, wallet.Owner, btc.Network) []wallet.Sender { return nil }

// torKeeper is the onion service as the owner's page sees it.
type torKeeper struct {
	h       *house
	clients []tor.Client
	noTor   error // what tor says to being switched on
	steps   []tor.ProxyStep
}

func (k *torKeeper) Onion(ctx context.Context) (tor.Standing, error) {
	t, err := setting.New(k.h).Tor(ctx)
	v := tor.Standing{On: t.On, Control: t.Control, Password: t.Password != "", Clients: slices.Clone(k.clients), Proxy: "127.0.0.1:9050"}
	if t.On {
		v.Name = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion"
		v.State.Trouble = "tor is still connecting to its network (45 %)"
	}
	return v, err
}

func (k *torKeeper) ChangeOnion(ctx context.Context, change func(*setting.Tor) error) error {
	_, err := setting.New(k.h).ChangeTor(ctx, func(t *setting.Tor) error {
		if err := change(t); err != nil || !t.On {
			return err
		}
		return k.noTor
	})
	return err
}

func (k *torKeeper) AddOnionClient(_ context.Context, name string) (tor.Pass, error) {
	if name == "" {
		return tor.Pass{}, errs.E(errs.Invalid, "give the device or the person a name of at most %d letters", 60)
	}
	k.clients = append(k.clients, tor.Client{Name: name})
	return tor.Pass{Key: "SECRETKEY", Line: "name:descriptor:x25519:SECRETKEY"}, nil
}

func (k *torKeeper) RemoveOnionClient(_ context.Context, name string) error {
	k.clients = slices.DeleteFunc(k.clients, func(c tor.Client) bool { return c.Name == name })
	return nil
}

func (k *torKeeper) TestProxy(context.Context) ([]tor.ProxyStep, error) { return k.steps, nil }

// examined is what the doctor finds.
func examined(_ context.Context, address string) []doctor.Finding {
	return []doctor.Finding{{ID: "proxy-proto", Level: doctor.Fault, What: "fault at <" + address + ">", Mend: "mend it"}, {ID: "clock", Level: doctor.OK, What: "The clocks agree."}}
}

func (s *steward) Secrets() (keyFile string, password bool) { return "/data/secrets.key", true }

func (s *steward) KeepLocked(_ context.Context, locked bool, password string) error {
	if locked && password != "hunter22" {
		return errs.E(errs.Denied, "this is not the owner's password")
	}
	return nil
}

// oldOnes is an old Specter that was looked at, with a name that is no HTML.
type oldOnes struct{}

func (oldOnes) OldFolder(context.Context) string { return "/home/<satoshi>/.specter" }

func (oldOnes) ImportState() web.ImportState {
	return web.ImportState{From: "old.zip", Dry: true, Ready: true, Lines: []web.ImportLine{{Kind: "wallet", User: "ann", Name: "<Savings>", Outcome: "taken", Detail: "3 labels"}},
		Problems: []string{"otps.json: it cannot be read"}}
}

func (oldOnes) LookImport(context.Context, web.ImportRequest) error { return nil }

func (oldOnes) TakeImport(context.Context) error { return nil }
