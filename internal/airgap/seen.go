package airgap

// Seen tells of each part of a message whether it is known, for a picture of the progress; of
// fountain codes, which unknown pieces the codes so far have pinned down. It is empty before the
// first code.
func (s *Scanner) Seen() []bool {
	switch {
	case s.ur != nil:
		return s.ur.Seen()
	case s.bbqr != nil:
		return s.bbqr.Seen()
	case s.chunks != nil:
		return append([]bool(nil), s.chunks.have...)
	case s.done != nil:
		return []bool{true}
	}
	return nil
}
