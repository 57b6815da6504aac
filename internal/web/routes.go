package web

import (
	"net/http"

	"specter/internal/errs"
)

// route is one line of the table: method and path, for whom it is, and who answers.
type route struct {
	pattern string
	who     audience
	h       handler
}

// routes is the one list of all that this server answers. Each area has its own part.
func (s *Server) routes() []route {
	var all []route
	for _, part := range [][]route{s.baseRoutes(), s.nodeRoutes(), s.deviceRoutes(), s.walletRoutes(), s.lookingRoutes(), s.draftRoutes(), s.authRoutes(), s.settingsRoutes(), s.restoreRoutes(), s.usbRoutes(), s.usbDialogRoutes(), s.airgapRoutes(), s.remoteRoutes(), s.torRoutes(), s.doctorRoutes()} {
		all = append(all, part...)
	}
	return all
}

// baseRoutes are the ways between the pages, the shared frame, and the play chain.
func (s *Server) baseRoutes() []route {
	return []route{
		{"GET /{$}", forUser, s.getHome},
		{"GET /static/{file...}", forEveryone, s.getStatic},
		{"GET /events", forUser, s.getEvents},
		{"GET /nav", forUser, s.getNav},
		{"GET /welcome", forUser, s.getWelcome},
		{"GET /overview", forUser, s.getOverview},
		{"GET /overview/coins", forUser, s.getOverviewCoins},
		{"POST /demo/faucet", forUser, s.postFaucet},
		{"POST /demo/mine", forUser, s.postMine},
	}
}

// nodeRoutes: members see how the node stands; its address and password are the owner's.
func (s *Server) nodeRoutes() []route {
	return []route{
		{"GET /nodes", forUser, s.getNodes},
		{"GET /new-node", forOwner, s.getNewNode},
		{"POST /new-node", forOwner, s.postNewNode},
		{"GET /nodes/{alias}", forOwner, s.getNode},
		{"POST /nodes/{alias}", forOwner, s.postNode},
		{"POST /nodes/{alias}/activate", forOwner, s.postActivateNode},
		{"POST /nodes/{alias}/rename", forOwner, s.postRenameNode},
		{"POST /nodes/{alias}/delete", forOwner, s.postDeleteNode},
	}
}

// deviceRoutes are the signing devices of who asks.
func (s *Server) deviceRoutes() []route {
	return []route{
		{"GET /new-device", forUser, s.getNewDevice},
		{"GET /new-device/hot", forUser, s.getHot},
		{"POST /new-device/hot", forUser, s.postHot},
		{"POST /new-device/hot/confirm", forUser, s.postHotConfirm},
		{"POST /new-device/hot/allow", forOwner, s.postHotAllow},
		{"GET /new-device/{type}", forUser, s.getNewDeviceKeys},
		{"POST /new-device/{type}", forUser, s.postNewDevice},
		{"GET /devices/{alias}", forUser, s.getDevice},
		{"GET /devices/{alias}/key", forUser, s.getDeviceKey},
		{"GET /devices/{alias}/keys", forUser, s.getAddKeys},
		{"POST /devices/{alias}/keys", forUser, s.postAddKeys},
		{"POST /devices/{alias}/keys/delete", forUser, s.postDeleteKey},
		{"POST /devices/{alias}/rename", forUser, s.postRenameDevice},
		{"POST /devices/{alias}/type", forUser, s.postDeviceType},
		{"POST /devices/{alias}/forget", forUser, s.postForget},
	}
}

// walletRoutes are the wallets of who asks.
func (s *Server) walletRoutes() []route {
	return []route{
		{"GET /new-wallet", forUser, s.getNewWallet},
		{"GET /new-wallet/{kind}", forUser, s.getNewWalletKind},
		{"POST /new-wallet/{kind}", forUser, s.postNewWallet},
		{"GET /wallets/{alias}", forUser, s.getWallet},
		{"GET /wallets/{alias}/history", forUser, s.getHistory},
		{"GET /wallets/{alias}/coins", forUser, s.getCoins},
		{"POST /wallets/{alias}/coins", forUser, s.postCoins},
		{"GET /wallets/{alias}/tx/{txid}", forUser, s.getTx},
		{"POST /wallets/{alias}/tx/{txid}/repair", forUser, s.postRepair},
		{"GET /wallets/{alias}/tx/{txid}/bump/{way}", forUser, s.getBump},
		{"POST /wallets/{alias}/tx/{txid}/bump/{way}", forUser, s.postBump},
		{"POST /wallets/{alias}/tx/{txid}/bump/{way}/preview", forUser, s.postBumpPreview},
		{"POST /wallets/{alias}/tx/{txid}/abandon", forUser, s.postAbandon},
		{"POST /wallets/{alias}/tx/{txid}/rebroadcast", forUser, s.postRebroadcast},
		{"POST /wallets/{alias}/labels", forUser, s.postLabel},
		{"GET /wallets/{alias}/addresses", forUser, s.getAddresses},
		{"GET /wallets/{alias}/addresses/{address}", forUser, s.getAddress},
		{"GET /wallets/{alias}/receive", forUser, s.getReceive},
		{"POST /wallets/{alias}/receive", forUser, s.postNewAddress},
		{"GET /wallets/{alias}/send", forUser, s.getSend},
		{"POST /wallets/{alias}/send", forUser, s.postSend},
		{"POST /wallets/{alias}/preview", forUser, s.postPreview},
		{"GET /wallets/{alias}/import", forUser, s.getImport},
		{"POST /wallets/{alias}/import", forUser, s.postImport},
		{"GET /wallets/{alias}/next", forUser, s.getNextSteps},
		{"GET /wallets/{alias}/settings", forUser, s.getWalletSettings},
		{"GET /wallets/{alias}/export", forUser, s.getWalletExport},
		{"GET /wallets/{alias}/advanced", forUser, s.getWalletAdvanced},
		{"GET /wallets/{alias}/backup", forUser, s.getBackupSheet},
		{"POST /wallets/{alias}/gap", forUser, s.postGap},
		{"POST /wallets/{alias}/rebuild", forUser, s.postRebuild},
		{"GET /wallets/{alias}/export/{format}", forUser, s.getExport},
		{"POST /wallets/{alias}/rename", forUser, s.postRenameWallet},
		{"POST /wallets/{alias}/delete", forUser, s.postDeleteWallet},
		{"POST /wallets/{alias}/rescan", forUser, s.postRescan},
		{"POST /wallets/{alias}/rescan/abort", forUser, s.postAbortRescan},
		{"POST /wallets/{alias}/sync", forUser, s.postSync},
	}
}

// draftRoutes are the payments on their way, of who asks.
func (s *Server) draftRoutes() []route {
	return []route{
		{"GET /wallets/{alias}/drafts", forUser, s.getDrafts},
		{"GET /wallets/{alias}/drafts/compare", forUser, s.getCompare},
		{"GET /wallets/{alias}/drafts/{id}", forUser, s.getDraft},
		{"GET /wallets/{alias}/drafts/{id}/psbt", forUser, s.getPSBT},
		{"POST /wallets/{alias}/drafts/{id}/signatures", forUser, s.postSignatures},
		{"POST /wallets/{alias}/drafts/{id}/sign", forUser, s.postSign},
		{"POST /wallets/{alias}/drafts/{id}/note", forUser, s.postNote},
		{"POST /wallets/{alias}/drafts/{id}/renew", forUser, s.postRenewDraft},
		{"POST /wallets/{alias}/drafts/{id}/repair", forUser, s.postRepairDraft},
		{"POST /wallets/{alias}/drafts/{id}/broadcast", forUser, s.postBroadcast},
		{"POST /wallets/{alias}/drafts/{id}/delete", forUser, s.postDeleteDraft},
	}
}

// RouteInfo is one line of the route table as others see it: the pattern of net/http's ServeMux
// (without the path prefix) and for whom it is: "everyone", "first", "user" or "owner".
type RouteInfo struct {
	Pattern  string
	Audience string
}

// Routes lists the route table, for tests that hold every route against every kind of visitor.
func (s *Server) Routes() []RouteInfo {
	var out []RouteInfo
	for _, rt := range s.routes() {
		out = append(out, RouteInfo{rt.pattern, rt.who.String()})
	}
	return out
}

// mux answers the table's paths, and everything else with a page that says so. A route that
// does not say for whom it is is a mistake of this program: no server is made.
func (s *Server) mux(routes []route) (http.Handler, error) {
	m := http.NewServeMux()
	for _, rt := range routes {
		if rt.who < forEveryone || rt.who > forFirst {
			return nil, errs.E(errs.Internal, "the route %s does not say for whom it is", rt.pattern)
		}
		m.Handle(rt.pattern, s.answer(rt))
	}
	m.Handle("GET /", s.answer(route{"GET /", forUser, func(http.ResponseWriter, *http.Request) error {
		return errs.E(errs.NotFound, "there is no page at this address")
	}}))
	s.pages = m
	if s.c.URLPrefix == "" {
		return m, nil
	}
	outer := http.NewServeMux()
	outer.Handle(s.c.URLPrefix+"/", http.StripPrefix(s.c.URLPrefix, m))
	return outer, nil
}
