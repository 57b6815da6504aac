package bbqr

// Seen tells of each part whether it is known.
func (d *Decoder) Seen() []bool {
	seen := make([]bool, len(d.pieces))
	for i, p := range d.pieces {
		seen[i] = p != nil
	}
	return seen
}
