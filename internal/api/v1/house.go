package v1

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

	"github.com/btcsuite/btcd/btcutil/v2"

	"specter/internal/auth"
	"specter/internal/backup"
	"specter/internal/btc"
	"specter/internal/btc/message"
	"specter/internal/errs"
	"specter/internal/setting"
)

// houseRoutes: how secrets are locked, backups that are handed out, messages, and the play chain.
func houseRoutes() []Route {
	return []Route{
		{"PATCH", "/me", auth.Admin, AnyUser, Whole, "renameSelf", patchMe, options{in: nameInput{}, out: meView{}}},
		{"GET", "/program/secrets", auth.Admin, OwnerOnly, Whole, "readSecrets", getSecrets, options{out: secretsView{}}},
		{"PATCH", "/program/secrets", auth.Admin, OwnerOnly, Whole, "changeSecrets", patchSecrets, options{in: secretsPatch{}, out: secretsView{}}},
		{"POST", "/program/backup-keys", auth.Admin, OwnerOnly, Whole, "createBackupKey", postBackupKey, options{out: backupKeyView{}, secret: true}},
		{"POST", "/program/backup-files", auth.Admin, OwnerOnly, Whole, "downloadBackup", postBackupFile, options{in: backupFileInput{}, file: "application/octet-stream", secret: true, slow: true}},
		{"POST", "/message-checks", auth.Read, AnyUser, Whole, "checkMessage", postMessageCheck, options{in: messageInput{}, out: messageView{}}},
		{"POST", "/demo/payments", auth.Write, AnyUser, Whole, "payFromFaucet", postFaucet, options{in: faucetInput{}}},
		{"POST", "/demo/blocks", auth.Write, AnyUser, Whole, "mineDemoBlocks", postMine, options{in: mineInput{}}},
	}
}

// secretsView is how the stored secrets are locked.
type secretsView struct {
	StartsLocked bool    `json:"starts_locked"`
	KeyFile      *string `json:"key_file"`
	Password     bool    `json:"password_opens"`
}

// secretsPatch changes it, with the owner's password.
type secretsPatch struct {
	StartsLocked bool   `json:"starts_locked" need:"yes"`
	Password     string `json:"password" need:"yes"`
}

// backupKeyView is a pair of keys for backups, of which the secret one is told once.
type backupKeyView struct {
	Secret string `json:"secret_key"`
	Public string `json:"public_key"`
}

// backupFileInput asks for a backup that goes over the line.
type backupFileInput struct {
	Passphrase string `json:"passphrase" need:"yes"`
	Password   string `json:"password" need:"yes"`
}

// messageInput is a signed message.
type messageInput struct {
	Address   string `json:"address" need:"yes"`
	Message   string `json:"message" need:"yes"`
	Signature string `json:"signature" need:"yes"`
}

// messageView is how a good signature was made.
type messageView struct {
	Format string `json:"format"`
}

// faucetInput asks the faucet for play money.
type faucetInput struct {
	Address   string `json:"address" need:"yes"`
	AmountSat int64  `json:"amount_sat" need:"yes"`
}

// mineInput asks for blocks of the play chain.
type mineInput struct {
	Count int `json:"count" need:"yes"`
}

// proved asks the owner's password besides the token, for what a token alone must not do: whoever
// found one shall neither unlock the house nor carry it away. Guesses are slowed down as at the login.
func (c *call) proved(password string) error {
	if !c.id.User.Password {
		return errs.E(errs.Conflict, "this asks for your password besides the token, and you have none; set one on the pages first")
	}
	_, err := c.s.c.Auth.Basic(c.ctx(), c.id.User.Name, password, c.s.c.Client(c.Request))
	var tooFast *auth.TooFast
	if err != nil && !errors.As(err, &tooFast) && errs.Is(err, errs.Denied) {
		return &problemError{status: http.StatusForbidden, code: "denied", field: "password", detail: "this is not your password; nothing was done"}
	}
	return err
}

// patchMe changes the own name, by which one logs in.
func patchMe(c *call) (any, error) {
	var in nameInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if err := c.s.c.Auth.RenameUser(c.ctx(), c.user(), in.Name); err != nil {
		return nil, err
	}
	u, err := c.s.c.Auth.User(c.ctx(), c.user())
	if err != nil {
		return nil, err
	}
	c.id.User = u
	return getMe(c)
}

var errNoSecrets = errs.E(errs.Unavailable, "this program keeps no locked secrets here")

func getSecrets(c *call) (any, error) {
	if c.s.c.Secrets == nil {
		return nil, errNoSecrets
	}
	file, password := c.s.c.Secrets.Secrets()
	return secretsView{file == "", maybe(file), password}, nil
}

func patchSecrets(c *call) (any, error) {
	var in secretsPatch
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if c.s.c.Secrets == nil {
		return nil, errNoSecrets
	}
	if err := c.proved(in.Password); err != nil {
		return nil, err
	}
	if err := c.s.c.Secrets.KeepLocked(c.ctx(), in.StartsLocked, in.Password); err != nil {
		return nil, err
	}
	return getSecrets(c)
}

// postBackupKey makes a pair of keys and encrypts backups to it from now on.
func postBackupKey(c *call) (any, error) {
	if c.s.c.Backups == nil {
		return nil, errNoBackups
	}
	secret, public, err := backup.KeyPair()
	if err != nil {
		return nil, err
	}
	_, err = c.s.c.Backups.Change(c.ctx(), func(b *setting.Backup) error {
		b.Recipients = append(b.Recipients, public)
		return nil
	})
	return backupKeyView{secret, public}, err
}

// postBackupFile hands out a backup under a passphrase. It holds everything, so it asks for the
// password besides the token.
func postBackupFile(c *call) (any, error) {
	var in backupFileInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	if c.s.c.BackupFiles == nil {
		return nil, errNoBackups
	}
	if c.Header.Get("Idempotency-Key") != "" {
		return nil, invalid("", "a backup that is handed out is made anew each time; leave the Idempotency-Key away")
	}
	if err := c.proved(in.Password); err != nil {
		return nil, err
	}
	name, size, body, err := c.s.c.BackupFiles.Download(c.ctx(), in.Passphrase)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	h := c.w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	_, _ = io.Copy(c.w, body) // the reader has gone: nobody to tell
	return streamed{}, nil
}

// postMessageCheck verifies a signature of anybody, of any known form.
func postMessageCheck(c *call) (any, error) {
	var in messageInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	r, err := message.Verify(in.Address, c.network, in.Message, in.Signature)
	return messageView{string(r.Format)}, err
}

// demo is the play chain; on a real one there is none.
func (c *call) demo() (Demo, error) {
	if c.s.c.Demo == nil {
		return nil, notFound("only the demo has a faucet and blocks to be mined")
	}
	return c.s.c.Demo, nil
}

func postFaucet(c *call) (any, error) {
	var in faucetInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	d, err := c.demo()
	if err != nil {
		return nil, err
	}
	if in.AmountSat < 1 || in.AmountSat > int64(btc.MaxMoney) {
		return nil, invalid("amount_sat", "an amount is 1 to %d sat", int64(btc.MaxMoney))
	}
	return nil, d.Faucet(c.ctx(), in.Address, btcutil.Amount(in.AmountSat))
}

// maxMined bounds the blocks of one request.
const maxMined = 100

func postMine(c *call) (any, error) {
	var in mineInput
	if err := c.take(&in); err != nil {
		return nil, err
	}
	d, err := c.demo()
	if err != nil {
		return nil, err
	}
	if in.Count < 1 || in.Count > maxMined {
		return nil, invalid("count", "1 to %d blocks are mined at once", maxMined)
	}
	return nil, d.Mine(c.ctx(), in.Count)
}
