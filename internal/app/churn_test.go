package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/auth"
	"specter/internal/btc"
	"specter/internal/errs"
	"specter/internal/wallet"
)

// churners are the kinds of change that the child makes side by side. Each returns what can be
// looked up after the kill.
var churners = map[string]func(ctx context.Context, a *App, name string) (string, error){
	"token": func(ctx context.Context, a *App, name string) (string, error) {
		_, jwt, err := a.auth.NewToken(ctx, owner(ctx, a), auth.TokenRequest{Description: name, Life: time.Hour})
		return jwt, err
	},
	"untoken": func(ctx context.Context, a *App, name string) (string, error) {
		tok, jwt, err := a.auth.NewToken(ctx, owner(ctx, a), auth.TokenRequest{Description: name, Life: time.Hour})
		if err != nil {
			return "", err
		}
		return jwt, a.auth.DeleteToken(ctx, auth.OwnerID, tok.ID)
	},
	"user": func(ctx context.Context, a *App, name string) (string, error) {
		u, err := a.auth.AddUser(ctx, owner(ctx, a), name, "a password of "+name)
		return u.ID, err
	},
	"unuser": func(ctx context.Context, a *App, name string) (string, error) {
		u, err := a.auth.AddUser(ctx, owner(ctx, a), name, "a password of "+name)
		if err != nil {
			return "", err
		}
		return u.ID, a.auth.DeleteUser(ctx, owner(ctx, a), u.ID)
	},
	"label": func(ctx context.Context, a *App, name string) (string, error) {
		address, err := a.wallets.NewAddress(ctx, walletRef("savings_2_of_3"))
		if err != nil {
			return "", err
		}
		return address.Address, a.wallets.SetLabel(ctx, walletRef("savings_2_of_3"), wallet.LabelAddress, address.Address, name)
	},
	"draft": func(ctx context.Context, a *App, name string) (string, error) {
		d, err := churnDraft(ctx, a, name)
		return strconv.FormatInt(int64(d.ID), 10), err
	},
	"undraft": func(ctx context.Context, a *App, name string) (string, error) {
		d, err := churnDraft(ctx, a, name)
		if err != nil {
			return "", err
		}
		return strconv.FormatInt(int64(d.ID), 10), a.wallets.DeleteDraft(ctx, walletRef("spending"), d.ID)
	},
}

func owner(ctx context.Context, a *App) auth.Identity {
	u, err := a.auth.User(ctx, auth.OwnerID)
	if err != nil {
		panic(err)
	}
	return auth.Identity{User: u}
}

// churnDraft makes a draft, or puts a note on one where all coins are taken: both are changes
// that must last.
func churnDraft(ctx context.Context, a *App, name string) (wallet.Draft, error) {
	ref := walletRef("spending")
	to, err := a.wallets.ReceiveAddress(ctx, walletRef("savings_2_of_3"))
	if err != nil {
		return wallet.Draft{}, err
	}
	return a.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(1), Note: name,
		Recipients: []wallet.Recipient{{Address: to.Address, Amount: btcutil.Amount(1000 + rand.IntN(500))}}})
}

// churn makes changes side by side and says each on its own line once it was acknowledged, until
// the parent kills this process.
func churn() int {
	ctx := context.Background()
	a, err := New(ctx, Config{Host: "127.0.0.1", DataDir: os.Getenv("SPECTER_TEST_DATA"), Demo: &Demo{}, Log: quiet(), Now: time.Now,
		hash: auth.HashParams{Memory: 64, Passes: 1, Lanes: 1}})
	if err != nil {
		fmt.Println("failed", err)
		return 1
	}
	run := os.Getenv("SPECTER_TEST_RUN")
	fmt.Println("ready")
	var say sync.Mutex
	for kind, change := range churners {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%s-%s-%d", kind, run, i)
				what, err := change(ctx, a, name)
				say.Lock()
				if err == nil {
					fmt.Println("done", kind, name, what)
				} else if errs.KindOf(err) == errs.Internal {
					fmt.Println("failed", kind, err)
				}
				say.Unlock()
			}
		}()
	}
	select {} // until killed
}

// done is a change that was acknowledged.
type done struct{ kind, name, what string }

// killDuring starts a child and kills it after it has acknowledged some changes and then a random
// moment more.
func killDuring(t *testing.T, data string, run, changes int) []done {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"=churn", "SPECTER_TEST_DATA="+data, fmt.Sprintf("SPECTER_TEST_RUN=%d", run))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var all []done
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		words := strings.Split(lines.Text(), " ")
		if words[0] == "failed" {
			t.Errorf("run %d: %s", run, lines.Text())
		}
		if words[0] == "done" && len(words) == 4 {
			all = append(all, done{words[1], words[2], words[3]})
		}
		if len(all) == changes {
			wait := time.Duration(rand.IntN(8000)) * time.Microsecond
			time.AfterFunc(wait, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
		}
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait() // it was killed
	if len(all) < changes {
		t.Fatalf("run %d ended by itself after %d changes", run, len(all))
	}
	return all
}

// TestKillNineAmongAThousandChangesLosesNothing kills a process that makes tokens, users, labels
// and drafts side by side, at random points of well over a thousand changes. After each kill the
// database opens, and all that was acknowledged is there, or gone where that was acknowledged.
func TestKillNineAmongAThousandChangesLosesNothing(t *testing.T) {
	data := t.TempDir()
	kills, total, kinds := 0, 0, map[string]int{}
	for total < 1000 {
		all := killDuring(t, data, kills, 20+rand.IntN(30))
		kills++
		total += len(all)
		for _, d := range all {
			kinds[d.kind]++
		}
		checkChurn(t, data, all)
		if t.Failed() {
			t.Fatalf("after %d kills and %d changes", kills, total)
		}
	}
	t.Logf("%d changes, %d kills: %v", total, kills, kinds)
	for kind := range churners {
		if kinds[kind] < 10 {
			t.Errorf("only %d changes of kind %s", kinds[kind], kind)
		}
	}
}

// checkChurn opens the folder as the next start would and looks for each change.
func checkChurn(t *testing.T, data string, all []done) {
	t.Helper()
	ctx := context.Background()
	a, err := New(ctx, Config{Host: "127.0.0.1", DataDir: data, Demo: &Demo{}, Log: quiet(), Now: time.Now})
	if err != nil {
		t.Fatalf("after a kill the program does not start: %v", err)
	}
	defer a.close()
	for _, d := range all {
		if err := a.checkDone(ctx, d); err != nil {
			t.Errorf("%s %s was acknowledged: %v", d.kind, d.name, err)
		}
	}
	// What the killed process left behind must not pile up: its coins are free for the next one.
	drafts, err := a.wallets.Drafts(ctx, walletRef("spending"))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range drafts {
		if err := a.wallets.DeleteDraft(ctx, walletRef("spending"), d.ID); err != nil {
			t.Errorf("a draft of before the kill cannot be deleted: %v", err)
		}
	}
}

func (a *App) checkDone(ctx context.Context, d done) error {
	switch d.kind {
	case "token":
		_, err := a.auth.Bearer(ctx, d.what)
		return err
	case "untoken":
		if _, err := a.auth.Bearer(ctx, d.what); err == nil {
			return fmt.Errorf("the deleted token works again")
		}
	case "user":
		u, err := a.auth.UserByName(ctx, d.name)
		if err == nil && u.ID != d.what {
			return fmt.Errorf("is user %s now", u.ID)
		}
		return err
	case "unuser":
		if _, err := a.auth.UserByName(ctx, d.name); err == nil {
			return fmt.Errorf("the deleted user is back")
		}
	case "label":
		r, err := a.wallets.AddressInfo(ctx, walletRef("savings_2_of_3"), d.what)
		if err == nil && r.Label != d.name {
			return fmt.Errorf("the label is %q", r.Label)
		}
		return err
	case "draft", "undraft":
		id, err := strconv.ParseInt(d.what, 10, 64)
		if err != nil {
			return err
		}
		r, err := a.wallets.Draft(ctx, walletRef("spending"), wallet.DraftID(id))
		if d.kind == "undraft" {
			if errs.KindOf(err) != errs.NotFound {
				return fmt.Errorf("the deleted draft is back (%v)", err)
			}
			return nil
		}
		if err == nil && r.Note != d.name {
			return fmt.Errorf("the note is %q", r.Note)
		}
		return err
	}
	return nil
}
