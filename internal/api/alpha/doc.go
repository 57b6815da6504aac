// Package alpha is the old Specter's REST API, version v1alpha: health, tokens with Basic auth,
// and wallets, transactions and PSBTs with Bearer tokens. Programs written for the old Specter
// find the same paths, field names and messages; where the old one answered 500 to bad input,
// this one says what is wrong.
//
// It decides nothing about money: it asks the services that the pages ask, and writes JSON.
// Amounts are printed from integers. Answers that grow with a wallet are read from the database
// at one moment and kept in a temporary file when they are large, so that memory stays small
// and a slow reader holds nothing up.
package alpha
