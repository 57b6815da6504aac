package safe_test

import (
	"testing"

	"specter/internal/safe"
)

// What encrypting every page of a database would cost: docs/adr/0018-whole-database.md.
func BenchmarkPage(b *testing.B) {
	s := safe.New()
	page := make([]byte, 4096)
	sealed, err := s.Seal("page", page)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("seal", func(b *testing.B) {
		b.SetBytes(4096)
		for b.Loop() {
			if _, err := s.Seal("page", page); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("open", func(b *testing.B) {
		b.SetBytes(4096)
		for b.Loop() {
			if _, err := s.Open("page", sealed); err != nil {
				b.Fatal(err)
			}
		}
	})
}
