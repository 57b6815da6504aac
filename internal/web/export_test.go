package web

// Patterns lists the route table's patterns, for the test that holds a row against each.
func (s *Server) Patterns() []string {
	var out []string
	for _, r := range s.routes() {
		out = append(out, r.pattern)
	}
	return out
}
