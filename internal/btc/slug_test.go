package btc_test

import (
	"testing"

	"specter/internal/btc"
)

func TestSlugAgreesWithTheOldProgram(t *testing.T) {
	for in, want := range map[string]string{
		" My  Cold-Card #2 ": "my_cold_card_2", "A - B": "a_b", "Geschäft": "geschäft", "🙂": "", "--": "",
	} {
		if got := btc.Slug(in); got != want {
			t.Errorf("Slug(%q) = %q, want %q", in, got, want)
		}
	}
}
