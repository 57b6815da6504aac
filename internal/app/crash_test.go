package app

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"specter/internal/btc"
	"specter/internal/chain/core/coretest"
	"specter/internal/device"
	"specter/internal/node"
	"specter/internal/wallet"
)

// childEnv tells the test binary that it is a child to be killed: the step it shall do.
const childEnv = "SPECTER_TEST_STEP"

// diskChild does the work of children that are killed at a step on the disk; nil where no test of
// this system does that.
var diskChild func(what string) int

func TestMain(m *testing.M) {
	switch step := os.Getenv(childEnv); step {
	case "":
	case "churn":
		os.Exit(churn())
	case "restores at the page":
		os.Exit(pageChild())
	case "restores", "backs up":
		os.Exit(killedChild(step))
	default:
		if diskChild != nil && strings.HasPrefix(step, "disk: ") {
			os.Exit(diskChild(step))
		}
		os.Exit(childStep(step))
	}
	os.Exit(m.Run())
}

// childSteps are what a person does, one after the other, each in a process of its own that is
// killed the moment the step was acknowledged.
var childSteps = []string{"connect", "devices", "wallet", "address", "sync", "label", "draft", "sign", "sign", "broadcast", "sync"}

// childStep does one step on the data folder and waits to be killed.
func childStep(step string) int {
	ctx := context.Background()
	a, err := New(ctx, Config{Host: "127.0.0.1", DataDir: os.Getenv("SPECTER_TEST_DATA"), Log: quiet(), Now: time.Now})
	if err == nil {
		err = a.db.PutSetting(ctx, "", settingHotKeys, "yes")
	}
	if err == nil {
		err = a.childDo(ctx, step)
	}
	if err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	fmt.Println("acknowledged")
	select {} // the parent kills
}

func (a *App) childDo(ctx context.Context, step string) error {
	ref := walletRef("vault")
	switch step {
	case "connect":
		port, err := strconv.Atoi(os.Getenv("SPECTER_TEST_PORT"))
		if err != nil {
			return err
		}
		_, _, err = a.nodes.Connect(ctx, node.Node{Name: "Regtest", Kind: node.Core, Network: btc.Regtest, Protocol: "http",
			Host: "127.0.0.1", Port: port, CookieFile: os.Getenv("SPECTER_TEST_COOKIE")})
		return err
	case "devices":
		for _, k := range demoKeys {
			if _, err := a.devices.CreateHot(ctx, demoOwner, k.name, device.Seed{Words: k.words, Network: btc.Regtest}); err != nil {
				return err
			}
		}
		return nil
	case "wallet":
		devices, err := a.devices.List(ctx, demoOwner)
		if err != nil {
			return err
		}
		var keys []string
		for _, d := range devices {
			keys = append(keys, d.KeysFor(btc.Regtest, "wsh")[0].Expression())
		}
		_, err = a.wallets.Create(ctx, demoOwner, btc.Regtest, wallet.NewWallet{Name: "Vault", ScriptType: "wsh", Threshold: 2, Keys: keys})
		return err
	case "address":
		address, err := a.wallets.NewAddress(ctx, ref)
		if err == nil {
			fmt.Println("address", address.Address)
		}
		return err
	case "sync":
		return a.wallets.Sync(ctx, ref)
	case "label":
		page, err := a.wallets.History(ctx, ref, wallet.Query{})
		if err != nil || len(page.Rows) != 1 {
			return fmt.Errorf("history %+v: %w", page, err)
		}
		return a.wallets.SetLabel(ctx, ref, wallet.LabelTx, page.Rows[0].TxID.String(), "the first coin")
	case "draft":
		_, err := a.wallets.NewDraft(ctx, ref, wallet.SpendRequest{FeeRate: btc.SatPerVB(4),
			Recipients: []wallet.Recipient{{Address: os.Getenv("SPECTER_TEST_PAYEE"), Amount: 20_000_000, Label: "shop"}}})
		return err
	}
	return a.childFinish(ctx, step, ref)
}

// childFinish does the steps of a draft.
func (a *App) childFinish(ctx context.Context, step string, ref wallet.Ref) error {
	drafts, err := a.wallets.Drafts(ctx, ref)
	if err != nil || len(drafts) != 1 {
		return fmt.Errorf("%d drafts: %w", len(drafts), err)
	}
	if step == "broadcast" {
		_, err := a.wallets.Broadcast(ctx, ref, drafts[0].ID)
		return err
	}
	for _, s := range drafts[0].Signers {
		if !s.Signed {
			_, err := a.wallets.SignHot(ctx, ref, drafts[0].ID, s.DeviceID, "")
			return err
		}
	}
	return fmt.Errorf("everybody has signed")
}

// TestKillNineBetweenAnyTwoStepsLosesNothing runs each step of the main job in a process of its
// own that is killed with SIGKILL as soon as the step was acknowledged.
func TestKillNineBetweenAnyTwoStepsLosesNothing(t *testing.T) {
	n := coretest.Start(t, coretest.Options{})
	data := t.TempDir()
	payee := n.NewAddress()
	for i, step := range childSteps {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+step, "SPECTER_TEST_DATA="+data, "SPECTER_TEST_PAYEE="+payee,
			fmt.Sprintf("SPECTER_TEST_PORT=%d", n.Port()), "SPECTER_TEST_COOKIE="+n.CookieFile())
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var said []string
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said = append(said, lines.Text())
			if address, ok := strings.CutPrefix(lines.Text(), "address "); ok {
				n.Send(address, "0.5")
				n.Mine(1)
			}
			if lines.Text() == "acknowledged" {
				break
			}
		}
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // it was killed
		if len(said) == 0 || said[len(said)-1] != "acknowledged" {
			t.Fatalf("step %d, %s: %v", i, step, said)
		}
	}
	n.Mine(1)
	h := open(t, Config{DataDir: data})
	h.agree(n, actor{kind: "wsh", ref: walletRef("vault")}, "after "+strconv.Itoa(len(childSteps))+" kills")
	page, err := h.wallets.History(context.Background(), walletRef("vault"), wallet.Query{})
	if err != nil {
		t.Fatal(err)
	}
	labels := map[string]bool{}
	for _, r := range page.Rows {
		labels[r.Label] = true
	}
	if !labels["the first coin"] || !labels["shop"] {
		t.Errorf("labels are lost: %v", labels)
	}
}
