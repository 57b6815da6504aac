package v1

import (
	"specter/internal/auth"
)

// Query parameters that several routes take.
var (
	paged  = []string{"limit", "cursor"}
	sorted = []string{"limit", "cursor", "search", "sort", "desc", "filter"}
	tables = []string{"search", "sort", "desc", "filter", "unit", "prices"}
)

// routes is the one list of all that the API answers. Each noun has its own part.
func (s *Server) routes() []Route {
	var all []Route
	for _, part := range [][]Route{baseRoutes(), loginRoutes(), nodeRoutes(), deviceRoutes(), walletRoutes(), setupRoutes(), rowRoutes(), lookingRoutes(), fileRoutes(), draftRoutes(), waitingRoutes(), remoteRoutes(), tunnelRoutes(), onionRoutes(), usbRoutes(), houseRoutes(), codeRoutes(), importRoutes()} {
		all = append(all, part...)
	}
	return all
}

// baseRoutes: the description, who asks, and what changes.
func baseRoutes() []Route {
	return []Route{
		{"GET", "", "", Everyone, "", "readManual", getManual, options{file: "text/html"}},
		{"GET", "/openapi.json", "", Everyone, "", "readOpenAPI", getOpenAPI, options{out: map[string]any{}}},
		{"GET", "/me", auth.Read, AnyUser, Filtered, "whoAmI", getMe, options{out: meView{}}},
		{"POST", "/me/password", auth.Admin, AnyUser, Whole, "changeOwnPassword", postOwnPassword, options{in: ownPasswordInput{}}},
		{"GET", "/status", auth.Read, AnyUser, Whole, "readStatus", getStatus, options{out: statusView{}}},
		{"GET", "/events", auth.Read, AnyUser, Filtered, opEvents, getEvents, options{file: "text/event-stream", query: []string{"wallet"}}},
		{"GET", "/settings", auth.Read, AnyUser, Whole, "readSettings", getSettings, options{out: settingsView{}}},
		{"PATCH", "/settings", auth.Manage, AnyUser, Whole, "changeSettings", patchSettings, options{in: settingsPatch{}, out: settingsView{}}},
		{"GET", "/price", auth.Read, AnyUser, Whole, "readPrice", getPrice, options{out: priceView{}}},
		{"GET", "/program", auth.Admin, OwnerOnly, Whole, "readProgram", getProgram, options{out: programView{}}},
		{"PATCH", "/program", auth.Admin, OwnerOnly, Whole, "changeProgram", patchProgram, options{in: programPatch{}, out: programView{}}},
		{"GET", "/program/log", auth.Admin, OwnerOnly, Whole, "readLog", getLog, options{file: "text/plain"}},
		{"GET", "/program/storage", auth.Admin, OwnerOnly, Whole, "readStorage", getStorage, options{out: storageView{}}},
		{"GET", "/program/backups", auth.Admin, OwnerOnly, Whole, "readBackups", getBackups, options{out: backupsView{}}},
		{"PATCH", "/program/backups", auth.Admin, OwnerOnly, Whole, "changeBackups", patchBackups, options{in: backupsPatch{}, out: backupsView{}}},
		{"POST", "/program/backups", auth.Admin, OwnerOnly, Whole, "makeBackup", postBackup, options{out: backupsView{}, slow: true}},
		{"POST", "/program/compact", auth.Admin, OwnerOnly, Whole, "compactStorage", postCompact, options{out: storageView{}, slow: true}},
	}
}

// loginRoutes: users, tokens, sessions.
func loginRoutes() []Route {
	return []Route{
		{"GET", "/tokens", auth.Admin, AnyUser, Whole, "listTokens", getTokens, options{out: tokenPage{}, query: paged, basic: true}},
		{"POST", "/tokens", auth.Admin, AnyUser, Whole, "createToken", postToken, options{in: tokenInput{}, out: newTokenView{}, status: 201, basic: true, secret: true}},
		{"GET", "/tokens/{id}", auth.Admin, AnyUser, Whole, "readToken", getToken, options{out: tokenView{}}},
		{"DELETE", "/tokens/{id}", auth.Admin, AnyUser, Whole, "deleteToken", deleteToken, options{}},
		{"GET", "/sessions", auth.Admin, AnyUser, Whole, "listSessions", getSessions, options{out: sessionPage{}, query: paged}},
		{"DELETE", "/sessions", auth.Admin, AnyUser, Whole, "endSessions", deleteSessions, options{}},
		{"DELETE", "/sessions/{id}", auth.Admin, AnyUser, Whole, "endSession", deleteSession, options{}},
		{"GET", "/login-events", auth.Admin, AnyUser, Whole, "listLoginEvents", getLoginEvents, options{out: loginEventPage{}, query: paged}},
		{"GET", "/login-settings", auth.Admin, OwnerOnly, Whole, "readLoginSettings", getLoginSettings, options{out: loginSettingsView{}}},
		{"PATCH", "/login-settings", auth.Admin, OwnerOnly, Whole, "changeLoginSettings", patchLoginSettings, options{in: loginSettingsPatch{}, out: loginSettingsView{}}},
		{"GET", "/users", auth.Admin, OwnerOnly, Whole, "listUsers", getUsers, options{out: userPage{}, query: paged}},
		{"POST", "/users", auth.Admin, OwnerOnly, Whole, "createUser", postUser, options{in: userInput{}, out: userView{}, status: 201}},
		{"GET", "/users/{id}", auth.Admin, OwnerOnly, Whole, "readUser", getUser, options{out: userView{}}},
		{"PATCH", "/users/{id}", auth.Admin, OwnerOnly, Whole, "renameUser", patchUser, options{in: nameInput{}, out: userView{}}},
		{"DELETE", "/users/{id}", auth.Admin, OwnerOnly, Whole, "deleteUser", deleteUser, options{}},
		{"POST", "/users/{id}/password", auth.Admin, OwnerOnly, Whole, "setUserPassword", postUserPassword, options{in: passwordInput{}}},
		{"GET", "/invitations", auth.Admin, OwnerOnly, Whole, "listInvitations", getInvitations, options{out: invitationPage{}, query: paged}},
		{"POST", "/invitations", auth.Admin, OwnerOnly, Whole, "createInvitation", postInvitation, options{in: invitationInput{}, out: newInvitationView{}, status: 201, secret: true}},
		{"DELETE", "/invitations/{id}", auth.Admin, OwnerOnly, Whole, "revokeInvitation", deleteInvitation, options{}},
	}
}

// nodeRoutes are the owner's alone: a node's address and login are in them.
func nodeRoutes() []Route {
	return []Route{
		{"GET", "/nodes", auth.Admin, OwnerOnly, Whole, "listNodes", getNodes, options{out: nodePage{}, query: paged}},
		{"POST", "/nodes", auth.Admin, OwnerOnly, Whole, "createNode", postNode, options{in: nodeInput{}, out: nodeView{}, status: 201, slow: true}},
		{"GET", "/nodes/{alias}", auth.Admin, OwnerOnly, Whole, "readNode", getNode, options{out: nodeView{}}},
		{"PATCH", "/nodes/{alias}", auth.Admin, OwnerOnly, Whole, "changeNode", patchNode, options{in: nodePatch{}, out: nodeView{}}},
		{"DELETE", "/nodes/{alias}", auth.Admin, OwnerOnly, Whole, "deleteNode", deleteNode, options{}},
		{"POST", "/nodes/{alias}/activate", auth.Admin, OwnerOnly, Whole, "activateNode", postActivateNode, options{out: nodeView{}}},
		{"POST", "/nodes/{alias}/test", auth.Admin, OwnerOnly, Whole, "testStoredNode", postStoredNodeTest, options{out: reportView{}, slow: true}},
		{"POST", "/node-tests", auth.Admin, OwnerOnly, Whole, "testNode", postNodeTest, options{in: nodeInput{}, out: reportView{}, slow: true}},
		{"POST", "/node-searches", auth.Admin, OwnerOnly, Whole, "findNodes", postCandidates, options{out: candidatePage{}, slow: true}},
	}
}

// deviceRoutes are the signing devices of who asks.
func deviceRoutes() []Route {
	return []Route{
		{"GET", "/device-types", auth.Read, AnyUser, Whole, "listDeviceTypes", getDeviceTypes, options{out: deviceTypePage{}, query: paged}},
		{"GET", "/devices", auth.Read, AnyUser, Whole, "listDevices", getDevices, options{out: devicePage{}, query: paged}},
		{"POST", "/devices", auth.Manage, AnyUser, Whole, "createDevice", postDevice, options{in: deviceInput{}, out: deviceDetailView{}, status: 201}},
		{"POST", "/hot-devices", auth.Manage, AnyUser, Whole, "createHotDevice", postHotDevice, options{in: hotDeviceInput{}, out: deviceDetailView{}, status: 201}},
		{"POST", "/seed-words", auth.Manage, AnyUser, Whole, "createSeedWords", postWords, options{in: wordsInput{}, out: wordsView{}, secret: true}},
		{"POST", "/key-checks", auth.Read, AnyUser, Whole, "checkKeys", postKeyCheck, options{in: keysInput{}, out: parsedKeysView{}}},
		{"GET", "/devices/{alias}", auth.Read, AnyUser, Whole, "readDevice", getDevice, options{out: deviceDetailView{}}},
		{"PATCH", "/devices/{alias}", auth.Manage, AnyUser, Whole, "changeDevice", patchDevice, options{in: devicePatch{}, out: deviceDetailView{}}},
		{"DELETE", "/devices/{alias}", auth.Manage, AnyUser, Whole, "deleteDevice", deleteDevice, options{}},
		{"POST", "/devices/{alias}/keys", auth.Manage, AnyUser, Whole, "addDeviceKeys", postDeviceKeys, options{in: keysInput{}, out: deviceDetailView{}}},
		{"DELETE", "/devices/{alias}/keys/{xpub}", auth.Manage, AnyUser, Whole, "removeDeviceKey", deleteDeviceKey, options{out: deviceDetailView{}, query: []string{"script_type"}}},
	}
}

// walletRoutes make wallets and keep them.
func walletRoutes() []Route {
	const one = "/wallets/{alias}"
	return []Route{
		{"GET", "/wallets", auth.Read, AnyUser, Filtered, "listWallets", getWallets, options{out: walletPage{}, query: paged}},
		{"POST", "/wallets", auth.Manage, AnyUser, Whole, "createWallet", postWallet, options{in: walletInput{}, out: walletView{}, status: 201}},
		{"POST", "/wallet-checks", auth.Manage, AnyUser, Whole, "checkWallet", postWalletCheck, options{in: walletInput{}, out: proposalView{}}},
		{"GET", one, auth.Read, AnyUser, OneWallet, "readWallet", getWallet, options{out: walletView{}}},
		{"PATCH", one, auth.Manage, AnyUser, OneWallet, "renameWallet", patchWallet, options{in: nameInput{}, out: walletView{}}},
		{"DELETE", one, auth.Manage, AnyUser, OneWallet, "deleteWallet", deleteWallet, options{}},
		{"POST", one + "/sync", auth.Write, AnyUser, OneWallet, "syncWallet", postSync, options{out: walletView{}, slow: true}},
		{"POST", one + "/rescan", auth.Manage, AnyUser, OneWallet, "rescanWallet", postRescan, options{in: rescanInput{}, out: walletView{}, status: 202}},
		{"DELETE", one + "/rescan", auth.Manage, AnyUser, OneWallet, "abortRescan", deleteRescan, options{out: walletView{}}},
	}
}

// rowRoutes: what a wallet has, and the user's words about it.
func rowRoutes() []Route {
	const one = "/wallets/{alias}"
	return []Route{
		{"GET", one + "/addresses", auth.Read, AnyUser, OneWallet, "listAddresses", getAddresses, options{out: addressPage{}, query: sorted}},
		{"POST", one + "/addresses", auth.Write, AnyUser, OneWallet, "createAddress", postAddress, options{out: addressView{}, status: 201}},
		{"GET", one + "/addresses/{address}", auth.Read, AnyUser, OneWallet, "readAddress", getAddress, options{out: addressView{}}},
		{"GET", one + "/receive-address", auth.Write, AnyUser, OneWallet, "readReceiveAddress", getReceive, options{out: addressView{}}},
		{"GET", one + "/history", auth.Read, AnyUser, OneWallet, "listHistory", getHistory, options{out: historyPage{}, query: sorted}},
		{"GET", "/history", auth.Read, AnyUser, Whole, "listAllHistory", getHistoryAll, options{out: historyPage{}, query: sorted}},
		{"GET", one + "/transactions/{txid}", auth.Read, AnyUser, OneWallet, "readTransaction", getTransaction, options{out: transactionView{}}},
		{"POST", one + "/transactions/{txid}/repair", auth.Write, AnyUser, OneWallet, "repairTransaction", postRepair, options{out: transactionView{}, slow: true}},
		{"GET", one + "/coins", auth.Read, AnyUser, OneWallet, "listCoins", getCoins, options{out: coinPage{}, query: sorted}},
		{"GET", "/coins", auth.Read, AnyUser, Whole, "listAllCoins", getCoinsAll, options{out: coinPage{}, query: sorted}},
		{"POST", one + "/coins/freeze", auth.Write, AnyUser, OneWallet, "freezeCoins", postFreeze, options{in: freezeInput{}, out: walletView{}}},
		{"GET", one + "/labels", auth.Read, AnyUser, OneWallet, "listLabels", getLabels, options{out: labelPage{}, query: []string{"limit", "cursor", "search", "filter"}}},
		{"PUT", one + "/labels", auth.Write, AnyUser, OneWallet, "setLabel", putLabel, options{in: labelInput{}}},
	}
}

// fileRoutes: what comes from other programs and goes to them.
func fileRoutes() []Route {
	const one = "/wallets/{alias}"
	return []Route{
		{"POST", "/wallet-files", auth.Manage, AnyUser, Whole, "readWalletFile", postWalletFile, options{in: fileInput{}, out: foreignView{}}},
		{"GET", one + "/export/{format}", auth.Read, AnyUser, OneWallet, "exportWallet", getExport, options{file: "*/*"}},
		{"GET", one + "/label-files/{format}", auth.Read, AnyUser, OneWallet, "exportLabels", getLabelFile, options{file: "*/*"}},
		{"POST", one + "/label-previews", auth.Read, AnyUser, OneWallet, "previewLabels", postLabelPreview, options{in: fileInput{}, out: labelPreviewView{}}},
		{"POST", one + "/label-imports", auth.Write, AnyUser, OneWallet, "importLabels", postLabelImport, options{in: labelFileInput{}, out: labelResultView{}}},
		{"GET", one + "/history.csv", auth.Read, AnyUser, OneWallet, "exportHistory", getHistoryTable, options{file: "text/csv", query: tables, slow: true}},
		{"GET", one + "/coins.csv", auth.Read, AnyUser, OneWallet, "exportCoins", getCoinTable, options{file: "text/csv", query: tables, slow: true}},
		{"GET", one + "/addresses.csv", auth.Read, AnyUser, OneWallet, "exportAddresses", getAddressTable, options{file: "text/csv", query: tables, slow: true}},
		{"GET", "/history.csv", auth.Read, AnyUser, Whole, "exportAllHistory", getHistoryTable, options{file: "text/csv", query: tables, slow: true}},
		{"GET", "/coins.csv", auth.Read, AnyUser, Whole, "exportAllCoins", getCoinTable, options{file: "text/csv", query: tables, slow: true}},
	}
}

// draftRoutes: from a payment that is planned to one that is sent.
func draftRoutes() []Route {
	const one, draft, tx = "/wallets/{alias}", "/wallets/{alias}/drafts/{id}", "/wallets/{alias}/transactions/{txid}"
	return []Route{
		{"POST", one + "/previews", auth.Read, AnyUser, OneWallet, "previewDraft", postPreview, options{in: spendInput{}, out: previewView{}}},
		{"GET", one + "/drafts", auth.Read, AnyUser, OneWallet, "listDrafts", getDrafts, options{out: draftPage{}, query: paged}},
		{"POST", one + "/drafts", auth.Write, AnyUser, OneWallet, "createDraft", postDraft, options{in: spendInput{}, out: draftDetailView{}, status: 201}},
		{"POST", one + "/psbts", auth.Write, AnyUser, OneWallet, "importPSBT", postPSBT, options{in: psbtInput{}, out: draftDetailView{}, status: 201, binary: true}},
		{"POST", tx + "/replacement-previews", auth.Read, AnyUser, OneWallet, "previewReplacement", postReplacementPreview, options{in: replaceInput{}, out: previewView{}, slow: true}},
		{"POST", tx + "/replacements", auth.Write, AnyUser, OneWallet, "createReplacement", postReplacement, options{in: replaceInput{}, out: draftDetailView{}, status: 201, slow: true}},
		{"POST", tx + "/child-previews", auth.Read, AnyUser, OneWallet, "previewChild", postChildPreview, options{in: childInput{}, out: previewView{}, slow: true}},
		{"POST", tx + "/children", auth.Write, AnyUser, OneWallet, "createChild", postChild, options{in: childInput{}, out: draftDetailView{}, status: 201, slow: true}},
		{"GET", draft, auth.Read, AnyUser, OneWallet, "readDraft", getDraft, options{out: draftDetailView{}}},
		{"PATCH", draft, auth.Write, AnyUser, OneWallet, "changeDraft", patchDraft, options{in: noteInput{}, out: draftDetailView{}}},
		{"DELETE", draft, auth.Write, AnyUser, OneWallet, "deleteDraft", deleteDraft, options{}},
		{"GET", draft + "/psbt", auth.Read, AnyUser, OneWallet, "readPSBT", getPSBT, options{file: "application/octet-stream", query: []string{"format"}}},
		{"POST", draft + "/signatures", auth.Write, AnyUser, OneWallet, "addSignatures", postSignatures, options{in: signatureInput{}, out: draftDetailView{}, binary: true}},
		{"POST", draft + "/sign-hot", auth.Write, AnyUser, OneWallet, "signHot", postSignHot, options{in: signInput{}, out: draftDetailView{}}},
		{"POST", draft + "/broadcast", auth.Broadcast, AnyUser, OneWallet, "broadcastDraft", postBroadcast, options{out: broadcastView{}, query: []string{"via"}, slow: true}},
	}
}
