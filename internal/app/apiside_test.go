package app

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"specter/internal/auth"
	"specter/internal/setting"
)

// caller asks the API of a house with the owner's token.
type caller struct {
	*house
	jwt string
}

func newCaller(t *testing.T, c Config) *caller {
	t.Helper()
	on := true
	c.API = &on
	h := &caller{house: owned(t, c)}
	u, err := h.auth.User(context.Background(), auth.OwnerID)
	if err != nil {
		t.Fatal(err)
	}
	if _, h.jwt, err = h.auth.NewToken(context.Background(), auth.Identity{User: u}, auth.TokenRequest{Description: "all", Life: time.Hour}); err != nil {
		t.Fatal(err)
	}
	return h
}

// call asks and wants a status; the answer comes back as JSON and as text.
func (h *caller) call(method, path, body string, status int) (map[string]any, string) {
	h.t.Helper()
	r, err := http.NewRequest(method, strings.TrimSuffix(h.URL(), "/")+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+h.jwt)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	if resp.StatusCode != status {
		h.t.Fatalf("%s %s %s: %d %.400s", method, path, body, resp.StatusCode, text)
	}
	var v map[string]any
	_ = json.Unmarshal(text, &v) // files and empty bodies stay nil
	return v, string(text)
}

// TestProgramsDoWhatTheRemotePagesDo walks through the ways in with the program's real rooms: tunnels,
// onion clients, agents, the bridge, locked secrets and a backup, and greps the answers for what
// stays here.
func TestProgramsDoWhatTheRemotePagesDo(t *testing.T) {
	h := newCaller(t, Config{})
	ctx := context.Background()

	made, text := h.call("POST", "/tunnels", `{"server":"me@127.0.0.1:1","listen":"25441","names":["Specter.Example"]}`, 201)
	one := "/tunnels/" + made["id"].(string)
	if made["listen"] != "localhost:25441" || !strings.Contains(made["authorized_key"].(string), "restrict,port-forwarding,permitlisten=\"localhost:25441\"") || strings.Contains(text, "PRIVATE") {
		t.Errorf("made: %s", text)
	}
	stored, err := h.settings.Tunnels(ctx)
	if err != nil || len(stored) != 1 || stored[0].ID != made["id"] {
		t.Errorf("stored: %v (%v)", stored, err)
	}
	h.call("PATCH", one, `{"node":"localhost:8332"}`, 200)
	h.call("PATCH", one, `{"listen":"","node":""}`, 422)
	if v, text := h.call("PUT", one+"/host-key", `{"fingerprint":"SHA256:`+strings.Repeat("A", 43)+`"}`, 200); v["host_key"] != "SHA256:"+strings.Repeat("A", 43) {
		t.Errorf("pinned: %s", text)
	}
	h.call("PUT", one+"/host-key", `{"fingerprint":"AA:BB"}`, 422)
	if v, text := h.call("POST", one+"/pause", "", 200); v["paused"] != true || v["names"].([]any)[0] != "specter.example" || v["node"] != "localhost:8332" {
		t.Errorf("paused: %s", text)
	}
	if v, text := h.call("DELETE", one+"/host-key", "", 200); v["host_key"] != nil {
		t.Errorf("forgotten: %s", text)
	}
	h.call("DELETE", one, "", 204)

	client, _ := h.call("POST", "/onion-clients", `{"name":"phone"}`, 201)
	if _, text := h.call("GET", "/onion-clients", "", 200); !strings.Contains(text, "phone") || strings.Contains(text, client["private_key"].(string)) {
		t.Errorf("clients: %s", text)
	}
	h.call("DELETE", "/onion-clients/phone", "", 422)
	h.call("DELETE", "/onion-clients/phone?everybody=yes", "", 204)
	h.call("PATCH", "/onion-service", `{"wanted":true,"control":"127.0.0.1:1"}`, 503)
	if v, text := h.call("GET", "/onion-service", "", 200); v["wanted"] != false {
		t.Errorf("a service that cannot run is wanted: %s", text)
	}

	h.call("PATCH", "/bridge", `{"origins":["https://specter.example"]}`, 200)
	token, _ := h.call("POST", "/bridge/token", "", 200)
	if b, err := h.settings.Bridge(ctx); err != nil || b.Token != token["token"] || len(b.Origins) != 1 {
		t.Errorf("the bridge: %+v (%v)", b, err)
	}
	pairing, text := h.call("POST", "/agent-pairings", "", 200)
	if !strings.HasPrefix(pairing["address"].(string), h.URL()+"#") && !strings.HasPrefix(pairing["address"].(string), strings.TrimSuffix(h.URL(), "/")+"/#") {
		t.Errorf("a pairing: %s", text)
	}
	if v, text := h.call("POST", "/remote/doctor", `{}`, 200); len(v["findings"].([]any)) < 3 {
		t.Errorf("the doctor: %s", text)
	}
	if v, text := h.call("GET", "/remote", "", 200); v["https"] != false || v["login"] != true || v["reachable"] != false {
		t.Errorf("the ways in: %s", text)
	}
	h.call("POST", "/remote/certificate/renew", "", 409)

	const right = `"password":"correct horse battery"`
	h.call("PATCH", "/program/secrets", `{"starts_locked":true,"password":"wrong"}`, 403)
	if _, err := os.Stat(filepath.Join(h.folder.path, KeyFileName)); err != nil {
		t.Fatalf("the key file went without the password: %v", err)
	}
	if v, text := h.call("PATCH", "/program/secrets", `{"starts_locked":true,`+right+`}`, 200); v["starts_locked"] != true {
		t.Errorf("locked: %s", text)
	}
	if _, err := os.Stat(filepath.Join(h.folder.path, KeyFileName)); !os.IsNotExist(err) {
		t.Errorf("the key file is still there: %v", err)
	}
	h.call("PATCH", "/program/secrets", `{"starts_locked":false,"password":"wrong"}`, 403)
	h.call("PATCH", "/program/secrets", `{"starts_locked":false,`+right+`}`, 200)

	h.call("POST", "/program/backup-files", `{"passphrase":"some words that are long","password":"wrong"}`, 403)
	if _, text := h.call("POST", "/program/backup-files", `{"passphrase":"some words that are long",`+right+`}`, 200); !bytes.HasPrefix([]byte(text), []byte("age-encryption.org/v1")) {
		t.Errorf("a backup begins with %.40q", text)
	}
	key, _ := h.call("POST", "/program/backup-keys", "", 200)
	if b, err := h.settings.Backup(ctx); err != nil || len(b.Recipients) != 1 || b.Recipients[0] != key["public_key"] {
		t.Errorf("stored keys: %+v (%v)", b, err)
	}
	h.call("PATCH", "/settings", `{"bridge":"agent","logout_after_minutes":15}`, 200)
	if minutes, err := setting.New(h.db).LogoutAfter(ctx, auth.OwnerID); err != nil || minutes != 15 {
		t.Errorf("logged out after %d minutes (%v)", minutes, err)
	}
	h.call("POST", "/demo/blocks", `{"count":1}`, 404)
}

// TestNoWayInIsOpenedByTokenWhileNobodyLogsIn: what the pages refuse, programs do not get either.
func TestNoWayInIsOpenedByTokenWhileNobodyLogsIn(t *testing.T) {
	h := newCaller(t, Config{})
	h.call("PATCH", "/login-settings", `{"method":"none","password":"correct horse battery"}`, 200)
	if v, text := h.call("POST", "/tunnels", `{"server":"me@127.0.0.1:1","listen":"25441"}`, 409); !strings.Contains(v["detail"].(string), "log") {
		t.Errorf("a tunnel: %s", text)
	}
	h.call("PATCH", "/onion-service", `{"wanted":true}`, 409)
	if v, text := h.call("GET", "/remote", "", 200); v["login"] != false || v["tunnels"] != float64(0) {
		t.Errorf("the ways in: %s", text)
	}
}
