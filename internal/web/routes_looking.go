package web

// lookingRoutes are the ways to look at wallets: files of what the lists show, statements,
// labels, advice.
func (s *Server) lookingRoutes() []route {
	return []route{
		{"GET /overview/transactions.csv", forUser, s.historyFile("transactions.csv")},
		{"GET /overview/transactions.json", forUser, s.historyFile("transactions.json")},
		{"GET /overview/utxo.csv", forUser, s.coinsFile("utxo.csv")},
		{"GET /overview/utxo.json", forUser, s.coinsFile("utxo.json")},
		{"GET /overview/statement", forUser, s.getStatementAll},
		{"GET /wallets/{alias}/balance", forUser, s.getBalance},
		{"GET /wallets/{alias}/statement", forUser, s.getStatement},
		{"GET /wallets/{alias}/transactions.csv", forUser, s.historyFile("transactions.csv")},
		{"GET /wallets/{alias}/transactions.json", forUser, s.historyFile("transactions.json")},
		{"GET /wallets/{alias}/utxo.csv", forUser, s.coinsFile("utxo.csv")},
		{"GET /wallets/{alias}/utxo.json", forUser, s.coinsFile("utxo.json")},
		{"GET /wallets/{alias}/addresses_list.csv", forUser, s.addressesFile("addresses_list.csv")},
		{"GET /wallets/{alias}/addresses_list.json", forUser, s.addressesFile("addresses_list.json")},
		{"GET /wallets/{alias}/tx/{txid}/raw", forUser, s.getTxRaw},
		{"GET /wallets/{alias}/consolidate", forUser, s.getConsolidate},
		{"GET /wallets/{alias}/labels", forUser, s.getLabels},
		{"GET /wallets/{alias}/labels/{format}", forUser, s.getLabelFile},
		{"POST /wallets/{alias}/labels/preview", forUser, s.postLabelFile},
		{"POST /wallets/{alias}/labels/import", forUser, s.postTakeLabels},
	}
}
