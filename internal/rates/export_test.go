package rates

// Kept tells how many answers are remembered.
func Kept(s *Service) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept)
}
