package interop_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"specter/internal/btc"
	"specter/internal/btc/descriptor"
	"specter/internal/errs"
	"specter/internal/interop"
)

func sheetKeys(tb testing.TB, n int) []interop.SheetKey {
	tb.Helper()
	path, err := btc.ParsePath("48h/0h/0h/2h")
	if err != nil {
		tb.Fatal(err)
	}
	var out []interop.SheetKey
	for i := range n {
		m, err := btc.NewMaster(bytes.Repeat([]byte{byte(i + 1)}, 32), true)
		if err != nil {
			tb.Fatal(err)
		}
		k, err := m.Derive(path)
		if err != nil {
			tb.Fatal(err)
		}
		out = append(out, interop.SheetKey{Fingerprint: m.Fingerprint().String(), Path: path.Full(), XPub: k.Public().String(), Device: fmt.Sprintf("Coldcard %d", i+1)})
	}
	return out
}

func testSheet(tb testing.TB, m, n int) interop.Sheet {
	tb.Helper()
	keys := sheetKeys(tb, n)
	var list []string
	for _, k := range keys {
		list = append(list, "["+k.Fingerprint+strings.TrimPrefix(k.Path, "m")+"]"+k.XPub+"/<0;1>/*")
	}
	d, err := descriptor.Parse(fmt.Sprintf("wsh(sortedmulti(%d,%s))", m, strings.Join(list, ",")), descriptor.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	s := interop.Sheet{Name: "Förvaring Фонд 日本 🟠", Network: btc.Mainnet, Kind: fmt.Sprintf("%d of %d Multisig (Segwit)", m, n), Policy: d.Summary(), Descriptor: d.String(),
		Keys: keys, Birthday: time.Date(2024, 5, 6, 0, 0, 0, 0, time.UTC), Printed: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)}
	receive, err := d.Branch(0)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range uint32(5) {
		out, err := receive.Derive(i)
		if err != nil {
			tb.Fatal(err)
		}
		a, _ := out.Address(btc.Mainnet)
		s.Addresses = append(s.Addresses, a)
	}
	return s
}

// rendered runs poppler over a PDF: its text without blanks, and its pages.
func rendered(t *testing.T, pdf []byte) (text string, pages []image.Image) {
	t.Helper()
	for _, tool := range []string{"pdftotext", "pdftoppm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("NOT PROVED HERE: %s (poppler-utils) is not installed", tool)
		}
	}
	dir := t.TempDir()
	if keep := os.Getenv("SPECTER_SCREENSHOTS"); keep != "" {
		dir = filepath.Join(keep, strings.ReplaceAll(t.Name(), "/", "_"))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "sheet.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-layout", file, "-").Output()
	if err != nil {
		t.Fatal(err)
	}
	if msg, err := exec.Command("pdftoppm", "-r", "120", "-png", file, filepath.Join(dir, "page")).CombinedOutput(); err != nil || len(msg) > 0 {
		t.Fatalf("pdftoppm: %v: %s", err, msg)
	}
	names, err := filepath.Glob(filepath.Join(dir, "page*.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, img)
	}
	return strings.Join(strings.Fields(string(out)), ""), pages
}

// scan reads the first QR code of a picture.
func scan(img image.Image) (string, error) {
	bits, err := gozxing.NewBinaryBitmapFromImage(img)
	if err != nil {
		return "", err
	}
	r, err := qrcode.NewQRCodeReader().Decode(bits, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return "", err
	}
	return r.GetText(), nil
}

// halves are a page and its upper and lower part, for pages with two codes.
func halves(img image.Image) []image.Image {
	sub := img.(interface {
		SubImage(image.Rectangle) image.Image
	})
	b := img.Bounds()
	mid := b.Min.Y + b.Dy()*48/100 // between two codes of the largest size
	return []image.Image{img, sub.SubImage(image.Rect(b.Min.X, b.Min.Y, b.Max.X, mid)), sub.SubImage(image.Rect(b.Min.X, mid, b.Max.X, b.Max.Y))}
}

func TestBackupSheetHoldsTheWallet(t *testing.T) {
	for _, c := range []struct{ m, n, pages int }{{2, 3, 2}, {1, 1, 2}, {8, 15, 5}} {
		t.Run(fmt.Sprintf("%d of %d", c.m, c.n), func(t *testing.T) {
			s := testSheet(t, c.m, c.n)
			pdf, err := s.PDF()
			if err != nil {
				t.Fatal(err)
			}
			text, pages := rendered(t, pdf)
			want := append([]string{s.Descriptor, "FörvaringФонд[65E5][672C][1F7E0]", "2024-05-06", "createwallet", "importdescriptors", `"timestamp":1714953600`}, s.Addresses...)
			for _, k := range s.Keys {
				want = append(want, k.XPub, k.Fingerprint)
			}
			for _, w := range want {
				if !strings.Contains(text, strings.ReplaceAll(w, " ", "")) {
					t.Errorf("the sheet does not say %q", w)
				}
			}
			var codes []string
			for _, img := range pages {
				for _, half := range halves(img) {
					if got, err := scan(half); err == nil && !slices.Contains(codes, got) {
						codes = append(codes, got)
					}
				}
			}
			if c.n <= 3 && (len(codes) != 1 || codes[0] != s.Descriptor) {
				t.Errorf("the codes read %q", codes)
			}
			if c.n == 15 {
				slices.Sort(codes)
				if len(codes) != 2 || strings.TrimPrefix(codes[0], "p1of2 ")+strings.TrimPrefix(codes[1], "p2of2 ") != s.Descriptor {
					t.Errorf("the codes read %q", codes)
				}
			}
			if len(pages) > c.pages {
				t.Errorf("%d pages, want at most %d", len(pages), c.pages)
			}
			again, err := s.PDF()
			if err != nil || !bytes.Equal(pdf, again) {
				t.Errorf("printed twice it differs (%v)", err)
			}
		})
	}
}

func TestSheetRefusesSecrets(t *testing.T) {
	s := testSheet(t, 1, 1)
	m, err := btc.NewMaster(bytes.Repeat([]byte{9}, 32), true)
	if err != nil {
		t.Fatal(err)
	}
	s.Descriptor = "wpkh(" + m.String() + "/<0;1>/*)"
	if pdf, err := s.PDF(); !errs.Is(err, errs.Invalid) {
		t.Errorf("%d bytes with a private key, %v", len(pdf), err)
	}
}

func TestCoreCommandsAreWhatBitcoinCoreTakes(t *testing.T) {
	s := testSheet(t, 2, 3)
	d, err := descriptor.Parse(s.Descriptor, descriptor.Options{})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := interop.CoreCommands(d, "Bob's; rm -rf /", btc.Signet, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(lines[0], "bitcoin-cli -chain=signet -named createwallet wallet_name=") || strings.ContainsAny(lines[0], ";'/") {
		t.Errorf("first line %q", lines[0])
	}
	_, quoted, ok := strings.Cut(lines[1], " importdescriptors '")
	var list []map[string]any
	if err := json.Unmarshal([]byte(strings.TrimSuffix(quoted, "'")), &list); !ok || err != nil || len(list) != 2 || list[1]["internal"] != true || list[0]["timestamp"] != 0.0 {
		t.Errorf("second line %q: %v", lines[1], err)
	}
	for i, e := range list {
		branch, err := d.Branch(i)
		if err != nil || e["desc"] != branch.String() {
			t.Errorf("entry %d: %v", i, e)
		}
	}
}

func testStatement(rows int) interop.Statement {
	st := interop.Statement{Name: "Savings", Network: btc.Mainnet, From: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC),
		Opening: 12_345_678, Printed: time.Date(2027, 1, 2, 0, 0, 0, 0, time.UTC)}
	for i := range rows {
		a := btcutil.Amount(100_000)
		if i%3 == 2 {
			a = -150_001
		}
		st.Rows = append(st.Rows, interop.StatementRow{Time: st.From.Add(time.Duration(i) * time.Hour), Text: strings.Repeat("A long label ", 1+i%9), TxID: fmt.Sprintf("%064x", i), Amount: a})
	}
	return st
}

func TestStatementAddsUp(t *testing.T) {
	st := testStatement(60)
	pdf, err := st.PDF()
	if err != nil {
		t.Fatal(err)
	}
	if want := st.Opening + 40*100_000 - 20*150_001; st.Closing() != want {
		t.Errorf("closing %d, want %d", st.Closing(), want)
	}
	text, pages := rendered(t, pdf)
	for _, w := range []string{"Openingbalance0.12345678", "Closingbalance0.13345658", "Received0.04000000", "feesincluded-0.03000020", st.Rows[59].TxID, "2026-01-01to2026-12-31"} {
		if !strings.Contains(text, w) {
			t.Errorf("the statement does not say %q", w)
		}
	}
	if len(pages) < 2 {
		t.Error("one page holds 60 rows")
	}
	if _, err := testStatement(interop.MaxStatement + 1).PDF(); !errs.Is(err, errs.Invalid) {
		t.Errorf("too many rows: %v", err)
	}
	if _, err := testStatement(0).PDF(); err != nil {
		t.Error(err)
	}
}

// Names come from people and other programs; none may break the sheet.
func FuzzSheetText(f *testing.F) {
	s := testSheet(f, 1, 1)
	f.Add("Savings")
	f.Add("\x00\xff\u202e{pages}\n")
	f.Add("0\xff")
	f.Fuzz(func(t *testing.T, name string) {
		if len(name) > 1000 {
			return
		}
		s.Name, s.Keys[0].Device = name, name
		if _, err := s.PDF(); err != nil {
			t.Error(err)
		}
	})
}
