package web

import (
	"net/http"

	"specter/internal/errs"
)

// route is one line of the table: method and path, and who answers.
type route struct {
	pattern string
	h       handler
}

// routes is the one list of all that this server answers.
func (s *Server) routes() []route {
	return []route{
		{"GET /{$}", s.getHome},
		{"GET /static/{file...}", s.getStatic},
		{"GET /events", s.getEvents},
		{"GET /nav", s.getNav},
		{"GET /welcome", s.getWelcome},
		{"GET /overview", s.getOverview},
		{"GET /overview/coins", s.getOverviewCoins},
		{"GET /settings", s.getSettings},
		{"POST /settings", s.postSettings},

		{"GET /nodes", s.getNodes},
		{"GET /new-node", s.getNewNode},
		{"POST /new-node", s.postNewNode},
		{"GET /nodes/{alias}", s.getNode},
		{"POST /nodes/{alias}", s.postNode},
		{"POST /nodes/{alias}/activate", s.postActivateNode},
		{"POST /nodes/{alias}/rename", s.postRenameNode},
		{"POST /nodes/{alias}/delete", s.postDeleteNode},

		{"GET /new-device", s.getNewDevice},
		{"GET /new-device/hot", s.getHot},
		{"POST /new-device/hot", s.postHot},
		{"POST /new-device/hot/confirm", s.postHotConfirm},
		{"GET /new-device/{type}", s.getNewDeviceKeys},
		{"POST /new-device/{type}", s.postNewDevice},
		{"GET /devices/{alias}", s.getDevice},
		{"GET /devices/{alias}/keys", s.getAddKeys},
		{"POST /devices/{alias}/keys", s.postAddKeys},
		{"POST /devices/{alias}/keys/delete", s.postDeleteKey},
		{"POST /devices/{alias}/rename", s.postRenameDevice},
		{"POST /devices/{alias}/type", s.postDeviceType},
		{"POST /devices/{alias}/forget", s.postForget},

		{"GET /new-wallet", s.getNewWallet},
		{"GET /new-wallet/{kind}", s.getNewWalletKind},
		{"POST /new-wallet/{kind}", s.postNewWallet},
		{"GET /wallets/{alias}", s.getWallet},
		{"GET /wallets/{alias}/history", s.getHistory},
		{"GET /wallets/{alias}/coins", s.getCoins},
		{"POST /wallets/{alias}/coins", s.postCoins},
		{"GET /wallets/{alias}/tx/{txid}", s.getTx},
		{"POST /wallets/{alias}/tx/{txid}/repair", s.postRepair},
		{"POST /wallets/{alias}/labels", s.postLabel},
		{"GET /wallets/{alias}/addresses", s.getAddresses},
		{"GET /wallets/{alias}/addresses/{address}", s.getAddress},
		{"GET /wallets/{alias}/receive", s.getReceive},
		{"POST /wallets/{alias}/receive", s.postNewAddress},
		{"GET /wallets/{alias}/send", s.getSend},
		{"POST /wallets/{alias}/send", s.postSend},
		{"POST /wallets/{alias}/preview", s.postPreview},
		{"GET /wallets/{alias}/import", s.getImport},
		{"POST /wallets/{alias}/import", s.postImport},

		{"GET /wallets/{alias}/drafts", s.getDrafts},
		{"GET /wallets/{alias}/drafts/{id}", s.getDraft},
		{"GET /wallets/{alias}/drafts/{id}/psbt", s.getPSBT},
		{"POST /wallets/{alias}/drafts/{id}/signatures", s.postSignatures},
		{"POST /wallets/{alias}/drafts/{id}/sign", s.postSign},
		{"POST /wallets/{alias}/drafts/{id}/note", s.postNote},
		{"POST /wallets/{alias}/drafts/{id}/broadcast", s.postBroadcast},
		{"POST /wallets/{alias}/drafts/{id}/delete", s.postDeleteDraft},

		{"GET /wallets/{alias}/settings", s.getWalletSettings},
		{"GET /wallets/{alias}/export/{format}", s.getExport},
		{"POST /wallets/{alias}/rename", s.postRenameWallet},
		{"POST /wallets/{alias}/delete", s.postDeleteWallet},
		{"POST /wallets/{alias}/rescan", s.postRescan},
		{"POST /wallets/{alias}/rescan/abort", s.postAbortRescan},
		{"POST /wallets/{alias}/sync", s.postSync},

		{"POST /demo/faucet", s.postFaucet},
		{"POST /demo/mine", s.postMine},
	}
}

// mux answers the table's paths, and everything else with a page that says so.
func (s *Server) mux() http.Handler {
	m := http.NewServeMux()
	for _, rt := range s.routes() {
		m.Handle(rt.pattern, s.serve(rt.h))
	}
	m.Handle("GET /", s.serve(func(http.ResponseWriter, *http.Request) error {
		return errs.E(errs.NotFound, "there is no page at this address")
	}))
	if s.c.URLPrefix == "" {
		return m
	}
	outer := http.NewServeMux()
	outer.Handle(s.c.URLPrefix+"/", http.StripPrefix(s.c.URLPrefix, m))
	return outer
}
