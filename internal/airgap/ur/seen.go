package ur

// Seen tells of each part whether it is known. A fountain code has no fixed parts: there it tells
// which fragments have an equation of their own, as many as Parts counts.
func (d *Decoder) Seen() []bool {
	_, total := d.Parts()
	seen := make([]bool, total)
	for i := range seen {
		switch {
		case d.done != nil:
			seen[i] = true
		case d.fountain != nil:
			seen[i] = d.fountain.rows[i] != nil
		case d.legacy != nil:
			seen[i] = d.legacy.pieces[i] != ""
		}
	}
	return seen
}
