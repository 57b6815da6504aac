package web

// airgapRoutes are what goes by camera and file: reading codes, showing codes, and the guides of
// the devices that work so.
func (s *Server) airgapRoutes() []route {
	return []route{
		{"POST /airgap/scan", forUser, s.postScan},
		{"GET /wallets/{alias}/drafts/{id}/qr", forUser, s.getDraftQR},
		{"GET /guides", forUser, s.getGuides},
		{"GET /guides/{type}", forUser, s.getGuide},
		{"GET /wallets/{alias}/register", forUser, s.getTell},
		{"GET /wallets/{alias}/codes", forUser, s.getWalletCodes},
		{"GET /wallets/{alias}/files/{format}", forUser, s.getWalletFile},
		{"GET /wallets/{alias}/addresses/{address}/check", forUser, s.getCheck},
		{"GET /devices/{alias}/message", forUser, s.getMessage},
		{"POST /devices/{alias}/message", forUser, s.postMessage},
		{"GET /verify-message", forUser, s.getVerify},
		{"POST /verify-message", forUser, s.postVerify},
		{"GET /help/camera", forUser, s.getCameraHelp},
	}
}
