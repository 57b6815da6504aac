//go:build !race

package signertest

const raceDetector = false
