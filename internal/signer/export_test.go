package signer

// BranchHash is for tests that build hostile trees.
var BranchHash = branchHash
