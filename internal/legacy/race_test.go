//go:build race

package legacy_test

func init() { raced = true }
