//go:build race

package signertest

// raceDetector is on: everything takes some ten times as long.
const raceDetector = true
