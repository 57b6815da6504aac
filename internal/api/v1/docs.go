package v1

import (
	_ "embed" // the documents below

	"specter/internal/wallet"
)

// openapi is the description of the API, kept by hand.
//
//go:embed openapi.json
var openapi []byte

// manual is the page of examples; docs/api.md is the same file.
//
//go:embed api.md
var manual string

// getOpenAPI serves the description; it holds no secrets.
func getOpenAPI(*call) (any, error) {
	return wallet.File{Type: "application/json", Data: openapi}, nil
}

// getManual serves the page of examples.
func getManual(c *call) (any, error) {
	return wallet.File{Type: "text/html; charset=utf-8", Data: c.s.docs}, nil
}
