package v1

import (
	"io"
	"net/http"
	"slices"

	"specter/internal/errs"
	"specter/internal/wallet"
)

// foreignView is a wallet as another program's file tells it.
type foreignView struct {
	Name       string   `json:"name"`
	Descriptor string   `json:"descriptor"`
	Format     string   `json:"format"`
	FromHeight *int32   `json:"from_height"`
	Warnings   []string `json:"warnings"`
}

// asPath makes a refused word of the path what it is to a client: nothing there.
func asPath(err error) error {
	if errs.Is(err, errs.Invalid) && errs.CodeOf(err) == errs.Malformed {
		return notFound(err.Error())
	}
	return err
}

// getExport hands out a wallet as a file of ours or of another program.
func getExport(c *call) (any, error) {
	format := c.PathValue("format")
	write := c.s.c.Wallets.Export
	if slices.Contains(wallet.ExportFormats(), format) && format != "specter" && format != "descriptor" {
		write = c.s.c.Wallets.ExportFile
	}
	f, err := write(c.ctx(), c.ref(), format)
	return f, asPath(err)
}

// postWalletFile understands another program's wallet file; what it tells goes into a new wallet.
func postWalletFile(c *call) (any, error) {
	var in fileInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	f, err := c.s.c.Wallets.ReadFile([]byte(in.File), c.network)
	return foreignView{Name: f.Name, Descriptor: f.Descriptor, Format: f.Format, FromHeight: maybe(f.FromHeight), Warnings: texts(f.Warnings)}, err
}

// table streams a list as CSV, with amounts in sat unless unit=btc asks for the old form.
func (c *call) table(list string, filters, sorts []string, write func(w io.Writer, q wallet.TableRequest) error) (any, error) {
	q, err := c.rowsQuery(filters, sorts)
	if err != nil {
		return nil, err
	}
	if list == "utxo" && q.Filter == "all" {
		return nil, invalid("filter", "a file of coins is of unspent, free, frozen, reserved or spent ones")
	}
	unit := c.params.Get("unit")
	if err := oneOf("unit", unit, units); err != nil {
		return nil, err
	}
	if q.Sort == "index" {
		q.Sort = ""
	}
	req := wallet.TableRequest{Owner: c.owner(), Network: c.network, Alias: c.wallet.Alias, Query: q, Sat: unit != "btc"}
	if err := oneOf("prices", c.params.Get("prices"), []string{"no", "yes"}); err != nil {
		return nil, err
	}
	if c.params.Get("prices") == "yes" {
		if c.s.c.PastPrices != nil {
			req.Currency, req.Price = c.s.c.PastPrices(c.ctx(), c.owner())
		}
		if req.Price == nil {
			return nil, invalid("prices", "no provider of past prices is chosen; choose one in the settings first")
		}
	}
	out := &tableWriter{w: c.w, name: req.Name(list)}
	if err := write(out, req); err != nil {
		if out.begun {
			c.s.log.Warn("a list was cut off", "operation", c.route.OperationID, "err", err)
			panic(http.ErrAbortHandler) // the reader must not take a part for the whole
		}
		return nil, err
	}
	out.begin()
	return streamed{}, nil
}

// tableWriter sends its headers with the first row, so that an error before it has its own.
type tableWriter struct {
	w     http.ResponseWriter
	name  string
	begun bool
}

func (t *tableWriter) begin() {
	if t.begun {
		return
	}
	t.begun = true
	_ = writeFile(t.w, wallet.File{Name: t.name, Type: "text/csv; charset=utf-8"})
}

// Write sends rows.
func (t *tableWriter) Write(b []byte) (int, error) {
	t.begin()
	return t.w.Write(b)
}

func getHistoryTable(c *call) (any, error) {
	return c.table("transactions", historyFilters, historySorts, func(w io.Writer, q wallet.TableRequest) error {
		return c.s.c.Wallets.WriteHistory(c.ctx(), w, q)
	})
}

func getCoinTable(c *call) (any, error) {
	return c.table("utxo", coinFilters, coinSorts, func(w io.Writer, q wallet.TableRequest) error {
		return c.s.c.Wallets.WriteCoins(c.ctx(), w, q)
	})
}

func getAddressTable(c *call) (any, error) {
	return c.table("addresses_list", addressFilters, addressSorts, func(w io.Writer, q wallet.TableRequest) error {
		return c.s.c.Wallets.WriteAddresses(c.ctx(), w, q)
	})
}
