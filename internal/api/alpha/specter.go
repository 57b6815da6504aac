package alpha

import (
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"slices"
	"strings"

	"specter/internal/auth"
	"specter/internal/node"
	"specter/internal/wallet"
)

// specterAnswer is the program as a whole, as the owner sees it.
type specterAnswer struct {
	DataFolder    string            `json:"data_folder"`
	Config        map[string]any    `json:"config"`
	Info          json.RawMessage   `json:"info"`
	NetworkInfo   json.RawMessage   `json:"network_info"`
	DevicesFolder string            `json:"device_manager_datafolder"`
	DevicesNames  []string          `json:"devices_names"`
	WalletsNames  []string          `json:"wallets_names"`
	LastUpdate    string            `json:"last_update"`
	AliasName     map[string]string `json:"alias_name"`
	NameAlias     map[string]string `json:"name_alias"`
	WalletsAlias  []string          `json:"wallets_alias"`
	Version       string            `json:"version"`
}

// lastUpdate is how the old Specter prints a moment.
const lastUpdate = "01/02/2006, 15:04:05"

func (s *Server) getSpecter(w http.ResponseWriter, r *http.Request, c call) error {
	if !c.May(auth.Read) {
		return refuse(http.StatusForbidden, lacksRead)
	}
	ctx := r.Context()
	n, err := s.network(ctx)
	if err != nil {
		return err
	}
	list, err := s.c.Wallets.List(ctx, wallet.Owner(c.User.ID), n)
	if err != nil {
		return err
	}
	devices, err := s.c.Devices.List(ctx, c.User.ID)
	if err != nil {
		return err
	}
	a := specterAnswer{DataFolder: s.c.DataDir, DevicesFolder: filepath.Join(s.c.DataDir, "devices"), DevicesNames: []string{}, LastUpdate: s.c.Now().Format(lastUpdate), Version: s.c.Version}
	for _, d := range devices {
		a.DevicesNames = append(a.DevicesNames, d.Name)
	}
	a.WalletsNames, a.WalletsAlias, a.AliasName, a.NameAlias = names(list)
	for _, l := range [][]string{a.DevicesNames, a.WalletsNames, a.WalletsAlias} {
		slices.Sort(l)
	}
	if a.Config, err = s.config(ctx, c.User.ID); err != nil {
		return err
	}
	facts := s.c.Nodes.Facts(ctx)
	a.Info, a.NetworkInfo = nodeInfo(facts), orNull(facts.Network)
	s.json(w, r, http.StatusOK, a)
	return nil
}

// config is what was chosen, in the old Specter's words. Nothing in it is a secret.
func (s *Server) config(ctx context.Context, userID string) (map[string]any, error) {
	unit, err := s.c.Settings.Setting(ctx, userID, "unit")
	if err != nil {
		return nil, err
	}
	if unit == "" {
		unit = "btc"
	}
	hide, err := s.c.Settings.Setting(ctx, userID, "hide-amounts")
	if err != nil {
		return nil, err
	}
	uid, err := s.c.Nodes.UID(ctx)
	if err != nil {
		return nil, err
	}
	logins := s.c.Auth.Settings()
	var active any
	if st := s.c.Nodes.Status(ctx); st.Active {
		active = st.Node.Alias
	}
	explorers := map[string]string{"main": "", "test": "", "regtest": "", "signet": ""}
	ids := map[string]string{"main": "CUSTOM", "test": "CUSTOM", "regtest": "CUSTOM", "signet": "CUSTOM"}
	return map[string]any{
		"auth":      map[string]any{"method": string(logins.Method), "password_min_chars": logins.MinPassword, "registration_link_timeout": logins.InvitationHours},
		"explorers": explorers, "explorer_id": ids, "active_node_alias": active, "uid": uid, "unit": strings.ToLower(unit), "hide_sensitive_info": hide == "yes",
		"autologout_timeout_hours": int(logins.Idle.Hours()), "validate_merkle_proofs": false, "fee_estimator": "bitcoin_core", "fee_estimator_custom_url": "",
		"price_check": false, "price_provider": "", "alt_rate": 1, "alt_symbol": "BTC", "hwi_bridge_url": "/hwi/api/", "only_tor": false, "tor_status": false, "tor_type": "disabled",
	}, nil
}

// nodeInfo is getblockchaininfo with what the old Specter adds to it; null when no node has
// answered yet.
func nodeInfo(f node.Facts) json.RawMessage {
	var info map[string]json.RawMessage
	if json.Unmarshal(f.Blockchain, &info) != nil || info == nil {
		return json.RawMessage("null")
	}
	var indexes map[string]json.RawMessage
	filters := json.Unmarshal(f.Indexes, &indexes) == nil && indexes["basic block filter index"] != nil
	var scan struct {
		Progress *json.Number `json:"progress"`
	}
	progress := json.RawMessage("null")
	if json.Unmarshal(f.Scan, &scan) == nil && scan.Progress != nil {
		progress = json.RawMessage(scan.Progress.String())
	}
	info["mempool_info"], info["uptime"], info["utxorescan"] = orNull(f.Mempool), orNull(f.Uptime), progress
	info["blockfilterindex"] = json.RawMessage("false")
	if filters {
		info["blockfilterindex"] = json.RawMessage("true")
	}
	b, err := json.Marshal(info)
	if err != nil {
		return json.RawMessage("null")
	}
	return b
}

func orNull(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("null")
	}
	return raw
}
