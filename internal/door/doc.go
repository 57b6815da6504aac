// Package door is what every request passes before pages or API see it: the Host allow-list
// against DNS rebinding, refusal of changes that other sites send, headers that hold for errors
// too, bounds on bodies and time, the client's real address behind trusted proxies, request ids
// and the access log. It knows nothing of users or wallets.
package door
