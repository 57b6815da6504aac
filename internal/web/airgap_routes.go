package web

// airgapRoutes are what goes by camera and file: reading codes, showing codes, and the guides of
// the devices that work so.
func (s *Server) airgapRoutes() []route {
	return []route{
		{"POST /airgap/scan", forUser, s.postScan},
		{"GET /wallets/{alias}/drafts/{id}/qr", forUser, s.getDraftQR},
		{"GET /guides", forUser, s.getGuides},
		{"GET /guides/{type}", forUser, s.getGuide},
		{"GET /help/camera", forUser, s.getCameraHelp},
	}
}
