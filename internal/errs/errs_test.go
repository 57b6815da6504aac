package errs_test

import (
	"errors"
	"fmt"
	"testing"

	"specter/internal/errs"
)

func TestKindAndCodeSurviveWrapping(t *testing.T) {
	cause := errors.New("disk on fire")
	err := fmt.Errorf("open wallet: %w", errs.E(errs.Unavailable, "the node is away: %w", cause))
	if errs.KindOf(err) != errs.Unavailable || !errors.Is(err, cause) {
		t.Fatalf("kind %v, cause lost in %v", errs.KindOf(err), err)
	}
	bad := fmt.Errorf("import: %w", errs.Bad(errs.BadChecksum, "checksum does not match"))
	if errs.CodeOf(bad) != errs.BadChecksum || errs.KindOf(bad) != errs.Invalid {
		t.Fatalf("code %q kind %v", errs.CodeOf(bad), errs.KindOf(bad))
	}
	if errs.KindOf(cause) != errs.Internal || errs.CodeOf(cause) != "" {
		t.Fatal("an unclassified error must be internal and without a code")
	}
}
