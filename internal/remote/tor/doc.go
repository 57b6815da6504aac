// Package tor makes onion services (version 3) through the control port of a tor that runs
// already: it logs in there, has tor publish a service under a key that is kept here, holds the
// line, and makes the service anew when tor was restarted. It starts no tor of its own and opens
// no way out; what arrives is handed to a web server by a Gate.
//
// The words spoken are those of Tor's control-spec; addresses and keys are those of
// rend-spec-v3. Whoever answers at the control port is not believed blindly: replies are bounded
// and parsed strictly, a cookie is proven and not shown where tor can do that, and the address
// that tor tells must be the one that follows from our key.
package tor
