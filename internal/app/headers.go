package app

import (
	"os"

	"specter/internal/btc"
	"specter/internal/chain/ownchain"
)

// headerChain makes the keeper of the program's own chains of block headers. Their files lie in
// the data folder beside the database and not in it: they can be fetched again, a backup need
// not hold them. Nothing is opened before somebody wants transactions proved.
func (a *App) headerChain() *ownchain.Keeper {
	return ownchain.New(ownchain.Config{Now: a.c.Now, Log: a.c.Log, Open: func(n btc.Network) (ownchain.File, error) {
		return os.OpenFile(a.folder.file("headers-"+n.String()+".dat"), os.O_RDWR|os.O_CREATE, 0o600)
	}})
}
