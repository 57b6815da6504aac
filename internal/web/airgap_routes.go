package web

// airgapRoutes are what goes by camera and file: reading codes, showing codes, and the guides of
// the devices that work so.
func (s *Server) airgapRoutes() []route {
	return []route{
		{"POST /airgap/scan", forUser, s.postScan},
	}
}
