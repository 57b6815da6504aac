package app

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"specter/internal/auth"
	"specter/internal/door"
	"specter/internal/errs"
	"specter/internal/remote/doctor"
	"specter/internal/remote/sshtunnel"
	"specter/internal/signer/transport"
)

// doctorFile tells the command "specter doctor", which can read the data folder, where the server
// is and how it knows its answers. It is there while the server runs.
const doctorFile = "doctor.json"

// Calling is what stands in that file.
type Calling struct {
	URL    string        `json:"url"` // as seen from this machine
	Secret doctor.Secret `json:"secret"`
}

// callDoctor writes the file.
func (a *App) callDoctor() error {
	a.called = Calling{a.URL() + strings.TrimPrefix(a.c.URLPrefix, "/"), doctor.NewSecret()}
	raw, err := json.Marshal(a.called)
	if err != nil {
		return err
	}
	return replaceFile(a.folder.file(doctorFile), raw)
}

// ReadCalling reads the file; errs.Unavailable where no server runs on this folder.
func ReadCalling(dir string) (Calling, error) {
	var c Calling
	raw, err := os.ReadFile(filepath.Join(dir, doctorFile))
	if errors.Is(err, fs.ErrNotExist) {
		return c, errs.E(errs.Unavailable, "no Specter runs on the data folder %s", dir)
	}
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		return c, errs.E(errs.Denied, "how to reach the running Specter cannot be read: %w. Run this as the user that Specter runs as: sudo -u specter specter doctor", err)
	}
	return c, nil
}

// serveDoctor answers the doctor's questions, and nobody else's.
func (a *App) serveDoctor(w http.ResponseWriter, r *http.Request) {
	asked := r.Header.Get(doctor.HeaderAsk)
	if r.Method != http.MethodGet || !a.called.Secret.Asked(asked, a.outside.now()) {
		http.NotFound(w, r)
		return
	}
	if below(r.URL.Path, doctor.PathEvents) {
		a.streamForDoctor(w, r)
		return
	}
	peer, _, _ := strings.Cut(r.RemoteAddr, "]")
	if i := strings.LastIndexByte(peer, ':'); !strings.HasPrefix(peer, "[") && i >= 0 {
		peer = peer[:i]
	}
	body, err := json.Marshal(doctor.Seen{Client: door.ClientOf(r), Peer: strings.TrimPrefix(peer, "["), Host: r.Host, HTTPS: door.IsHTTPS(r), Relayed: door.Relayed(r), Believed: a.believes(strings.TrimPrefix(peer, "[")), Inside: a.believes(door.ClientOf(r)), Now: a.outside.now(), Findings: a.findings(r.Context())})
	if err != nil {
		http.Error(w, "the findings cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(doctor.HeaderProof, a.called.Secret.Proof(asked, body))
	_, _ = w.Write(body) // the other side has gone; nobody is left to tell
}

// streamForDoctor sends two events with a pause between them, as the pages' events are sent.
func (a *App) streamForDoctor(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	for _, word := range []string{"first", "second"} {
		fmt.Fprintf(w, "data: %s\n\n", word)
		if out.Flush() != nil || word == "second" {
			return
		}
		pause := time.NewTimer(doctor.EventsPause)
		select {
		case <-pause.C:
		case <-r.Context().Done():
			pause.Stop()
			return
		}
	}
}

// The room on the disk, in bytes.
const (
	diskLeast = 200 << 20
	diskSoon  = 2 << 30
)

// FolderFindings looks at a data folder; it needs no running server.
func FolderFindings(dir string) []doctor.Finding {
	info, err := os.Stat(dir)
	if err != nil {
		return []doctor.Finding{{ID: "folder", Level: doctor.Fault, What: fmt.Sprintf("The data folder %s cannot be read: %v.", dir, err), Mend: "specter server makes it; another one is named with --data-dir"}}
	}
	var out []doctor.Finding
	open := ""
	if runtime.GOOS != "windows" {
		for _, name := range []string{".", databaseFile, signersFile, doctorFile, "tor/onion.key", "tls/authority.key"} {
			if i, err := os.Stat(filepath.Join(dir, name)); err == nil && i.Mode().Perm()&0o077 != 0 {
				open = filepath.Join(dir, name)
				break
			}
		}
	}
	if open != "" {
		out = append(out, doctor.Finding{ID: "folder-open", Level: doctor.Fault, What: fmt.Sprintf("Other users of this machine may read %s.", open), Why: "Keys, addresses and balances lie there.", Mend: "chmod -R go= " + dir})
	} else if info.IsDir() {
		out = append(out, doctor.Finding{ID: "folder", Level: doctor.OK, What: fmt.Sprintf("The data folder %s is closed to others.", dir)})
	}
	if f := diskFinding(diskFree(dir)); f.ID != "" {
		out = append(out, f)
	}
	return out
}

func diskFinding(free int64) doctor.Finding {
	f := doctor.Finding{ID: "disk", Level: doctor.OK, What: fmt.Sprintf("%d MB are free on the disk.", free>>20)}
	switch {
	case free < 0:
		return doctor.Finding{}
	case free < diskLeast:
		f.Level, f.Why, f.Mend = doctor.Fault, "Without room nothing that you do is kept.", "Make room (df -h shows where), or move the data folder and name it with --data-dir"
	case free < diskSoon:
		f.Level, f.Mend = doctor.Hint, "Make room (df -h shows where)"
	}
	return f
}

// findings are what the program knows of itself.
func (a *App) findings(ctx context.Context) []doctor.Finding {
	out := FolderFindings(a.folder.path)
	out = append(out, a.loginFinding(), a.nodeFinding(ctx))
	if s, ok := a.Certificate(); ok && s.Trouble != "" {
		out = append(out, doctor.Finding{ID: "certificate-trouble", Level: doctor.Fault, What: s.Trouble, Mend: "Settings, Remote access, tells more"})
	}
	if list, err := a.tunnels.Tunnels(ctx); err == nil {
		for _, t := range list {
			f := doctor.Finding{ID: "tunnel", Level: doctor.OK, What: fmt.Sprintf("The tunnel to %s is up.", t.Target)}
			if !t.Paused && !t.Status.Up {
				f = doctor.Finding{ID: "tunnel-down", Level: doctor.Fault, What: fmt.Sprintf("The tunnel to %s is down: %s", t.Target, t.Status.Trouble), Why: "Nobody reaches Specter through it.", Mend: "Settings, Remote access, shows the key for authorized_keys and tries again"}
			}
			if !t.Paused {
				out = append(out, f)
			}
		}
	}
	out = append(out, a.onionFindings(ctx)...)
	if runtime.GOOS == "linux" && a.c.DoctorRoot != noRules {
		if err := transport.CheckRules(a.c.DoctorRoot); err != nil {
			out = append(out, doctor.Finding{ID: "udev", Level: doctor.Hint, What: "USB devices need rules before programs may use them: " + err.Error(), Why: "Only for signing devices at this machine.", Mend: "sudo specter udev install"})
		}
	}
	return out
}

// noRules says that udev's rules are nobody's matter here.
const noRules = "-"

func (a *App) loginFinding() doctor.Finding {
	switch a.auth.Settings().Method {
	case auth.MethodUnset:
		return doctor.Finding{ID: "setup", Level: doctor.Hint, What: "The set-up is not finished: nobody owns this Specter yet.", Mend: "Open the link that the program printed at its start"}
	case auth.MethodNone:
		return doctor.Finding{ID: "login-off", Level: doctor.Hint, What: "Nobody logs in to this Specter.", Why: "It may be reached from this computer alone, and it refuses ways in from outside.", Mend: "Settings, Authentication"}
	}
	return doctor.Finding{ID: "login", Level: doctor.OK, What: "People log in before they see anything."}
}

func (a *App) nodeFinding(ctx context.Context) doctor.Finding {
	s := a.nodes.Status(ctx)
	switch {
	case !s.Active:
		return doctor.Finding{ID: "node", Level: doctor.Hint, What: "No node is connected.", Mend: "Settings, Nodes"}
	case s.Away:
		return doctor.Finding{ID: "node-away", Level: doctor.Fault, What: fmt.Sprintf("The node %s does not answer: %s", s.Node.Name, s.Trouble), Why: "Balances are those of when it last did.", Mend: "Start it, and test the connection on its page"}
	}
	return doctor.Finding{ID: "node", Level: doctor.OK, What: fmt.Sprintf("The node %s answers.", s.Node.Name)}
}

func (a *App) onionFindings(ctx context.Context) []doctor.Finding {
	v, err := a.onions.Onion(ctx)
	switch {
	case err != nil || !v.On:
		return nil
	case v.Trouble != "" || !v.State.Made:
		return []doctor.Finding{{ID: "onion-down", Level: doctor.Fault, What: "The onion service is wanted and does not run: " + v.Trouble + v.State.Trouble, Mend: "Settings, Remote access, Tor"}}
	case !v.State.Up:
		return []doctor.Finding{{ID: "onion-unannounced", Level: doctor.Fault, What: "The onion service cannot be reached yet: " + v.State.Trouble, Mend: "Wait a minute; then look at tor's own log (journalctl -u tor@default)"}}
	}
	if v.Proxy == "" || len(v.Clients) > 0 {
		return []doctor.Finding{{ID: "onion", Level: doctor.OK, What: "The onion service is announced."}}
	}
	if err := a.outside.reachThrough(ctx, v.Proxy, v.Name+":80"); err != nil {
		return []doctor.Finding{{ID: "onion-unreachable", Level: doctor.Fault, What: err.Error(), Mend: "Look at tor's own log (journalctl -u tor@default), and at the clock"}}
	}
	return []doctor.Finding{{ID: "onion", Level: doctor.OK, What: "The onion service is reached through the proxy."}}
}

// Examine tests an address from outside, and the program itself. "" tests the program alone.
func (a *App) Examine(ctx context.Context, address string) []doctor.Finding {
	var out []doctor.Finding
	if address != "" {
		out, _ = doctor.Outside(ctx, doctor.Config{URL: address, Secret: a.called.Secret, Dial: a.outside.named, Plain: 80, Roots: a.ownRoots(), Now: a.outside.now})
	}
	out = append(out, a.findings(ctx)...)
	doctor.Sort(out)
	return out
}

// ownRoots are the authorities that the doctor trusts: the system's, and the own one.
func (a *App) ownRoots() *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if pem, _ := a.Authority(); pem != nil {
		pool.AppendCertsFromPEM(pem)
	}
	return pool
}

// believes reports whether a peer is a trusted proxy.
func (a *App) believes(peer string) bool {
	at, err := netip.ParseAddr(peer)
	return err == nil && (at == sshtunnel.Trusted || slices.ContainsFunc(a.c.Trusted, func(p netip.Prefix) bool { return p.Contains(at.Unmap()) }))
}
