//go:build !offline

package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"

	"specter/internal/app"
	"specter/internal/errs"
	"specter/internal/remote/doctor"
)

// doctorCmd tests from the outside in how a running server is reached.
type doctorCmd struct {
	URL     []string `name:"url" help:"Address to test, as you type it on your phone; may be given several times." placeholder:"URL"`
	DataDir string   `help:"Data folder of the server (default ~/.specter)." env:"SPECTER_DATA_FOLDER" placeholder:"FOLDER"`
	CA      string   `name:"ca" help:"Certificates that are trusted besides the system's (PEM)." placeholder:"FILE" type:"path"`
	Plain   int      `name:"http-port" help:"Port of plain HTTP that must lead to HTTPS; 0: none is asked." default:"80"`
	JSON    bool     `name:"json" help:"Print the findings as JSON."`
}

// Help shows how it is used.
func (doctorCmd) Help() string {
	return "It ends with 0 where nothing is at fault, else with 1. Run it as the user that the server runs as.\n\nExample:\n  specter doctor --url https://my.name/"
}

// Run examines the data folder, the running server, and each address.
func (c doctorCmd) Run(h host) error {
	dir, _, err := dataDir(c.DataDir)
	if err != nil {
		return err
	}
	roots, err := c.roots()
	if err != nil {
		return err
	}
	list := c.examine(h.ctx, dir, roots)
	doctor.Sort(list)
	if c.JSON {
		e := json.NewEncoder(h.stdout)
		e.SetIndent("", "  ")
		err = e.Encode(list)
	} else {
		err = printFindings(h, list)
	}
	if err == nil && !doctor.Healthy(list) {
		err = errs.E(errs.Unavailable, "the doctor found something at fault")
	}
	return err
}

func (c doctorCmd) roots() (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if c.CA == "" {
		return pool, nil
	}
	pem, err := os.ReadFile(c.CA)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		return nil, errs.E(errs.Invalid, "%s holds no certificates that can be read", c.CA)
	}
	return pool, nil
}

// examine asks the server at its own address what it knows of itself, then tests each address.
func (c doctorCmd) examine(ctx context.Context, dir string, roots *x509.CertPool) []doctor.Finding {
	call, err := app.ReadCalling(dir)
	if err != nil {
		down := doctor.Finding{ID: "server-down", Level: doctor.Fault, What: "Specter does not run, or may not be asked: " + err.Error() + ".", Mend: "specter server, or sudo systemctl start specter; another data folder is named with --data-dir"}
		return append([]doctor.Finding{down}, app.FolderFindings(dir)...)
	}
	conf := doctor.Config{Secret: call.Secret, Dial: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, Now: time.Now, Roots: roots}
	conf.URL = call.URL
	found, seen := doctor.Here(ctx, conf)
	if seen == nil {
		found = append(found, app.FolderFindings(dir)...)
	} else {
		found = append(found, seen.Findings...)
	}
	for _, u := range c.URL {
		conf.URL, conf.Plain = u, c.Plain
		more, _ := doctor.Outside(ctx, conf)
		found = append(found, more...)
	}
	return found
}

func printFindings(h host, list []doctor.Finding) error {
	marks := map[doctor.Level]string{doctor.OK: "ok   ", doctor.Hint: "hint ", doctor.Fault: "FAULT"}
	for _, f := range list {
		fmt.Fprintf(h.stdout, "%s  %s [%s]\n", marks[f.Level], f.What, f.ID)
		if f.Why != "" {
			fmt.Fprintf(h.stdout, "       %s\n", f.Why)
		}
		if f.Mend != "" && f.Level != doctor.OK {
			fmt.Fprintf(h.stdout, "       mend: %s\n", f.Mend)
		}
	}
	return nil
}
