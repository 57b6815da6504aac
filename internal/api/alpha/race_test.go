//go:build race

package alpha

func init() { raced = true }
