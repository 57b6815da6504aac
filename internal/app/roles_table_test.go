package app

// rolesTable has a row for every route: method, path, then what nobody, another member, the
// member whose things are asked for and the owner get, then a body. roles_test.go says what the
// marks mean and what stands for $words. Who adds a route adds a row.
const rolesTable = `
# method path nobody other member owner body
GET /{$} - + + +
GET /static/{file...} - - - -
GET /events - + + +
GET /nav - + + +
GET /welcome - + + +
GET /overview - + + +
GET /overview/coins - + + +
POST /demo/faucet - + + + address=$foreign&amount=0.1
POST /demo/mine - + + +
GET /nodes - + + +
GET /new-node - - - +
POST /new-node - - - +
GET /nodes/{alias} - - - +
POST /nodes/{alias} - - - +
POST /nodes/{alias}/activate - - - +
POST /nodes/{alias}/rename - - - + name=spare
POST /nodes/{alias}/delete - - - +
GET /new-device - + + +
GET /new-device/hot - + + +
POST /new-device/hot - + + +
POST /new-device/hot/confirm - + + +
POST /new-device/hot/allow - - - + on=yes&sure=yes
GET /new-device/{type} - + + +
POST /new-device/{type} - + + +
GET /devices/{alias} - - + -
GET /devices/{alias}/key - - + - xpub=$xpub
GET /devices/{alias}/keys - - + -
POST /devices/{alias}/keys - - + - keys=$xpub
POST /devices/{alias}/keys/delete - - + - xpub=$xpub&script=wpkh
POST /devices/{alias}/rename - - + - name=mine
POST /devices/{alias}/type - - + - type=coldcard
POST /devices/{alias}/forget - - + - sure=yes
GET /new-wallet - + + +
GET /new-wallet/{kind} - + + +
POST /new-wallet/{kind} - + + +
GET /wallets/{alias} - - + -
GET /wallets/{alias}/history - - + -
GET /wallets/{alias}/coins - - + -
POST /wallets/{alias}/coins - - + - action=freeze&coin=$coin
GET /wallets/{alias}/tx/{txid} - - + -
POST /wallets/{alias}/tx/{txid}/repair - - + -
GET /wallets/{alias}/tx/{txid}/bump/{way} - - + -
POST /wallets/{alias}/tx/{txid}/bump/{way} - - + - fee=least
POST /wallets/{alias}/tx/{txid}/bump/{way}/preview - - + - fee=least
POST /wallets/{alias}/tx/{txid}/abandon - - + -
POST /wallets/{alias}/tx/{txid}/rebroadcast - - + -
POST /wallets/{alias}/labels - - + - kind=addr&key=$address&label=mine
GET /overview/transactions.csv - + + +
GET /overview/transactions.json - + + +
GET /overview/utxo.csv - + + +
GET /overview/utxo.json - + + +
GET /overview/statement - + + +
GET /wallets/{alias}/balance - - + -
GET /wallets/{alias}/statement - - + -
GET /wallets/{alias}/transactions.csv - - + -
GET /wallets/{alias}/transactions.json - - + -
GET /wallets/{alias}/utxo.csv - - + -
GET /wallets/{alias}/utxo.json - - + -
GET /wallets/{alias}/addresses_list.csv - - + -
GET /wallets/{alias}/addresses_list.json - - + -
GET /wallets/{alias}/tx/{txid}/raw - - + -
GET /wallets/{alias}/consolidate - - + -
GET /wallets/{alias}/labels - - + -
GET /wallets/{alias}/labels/{format} - - + -
POST /wallets/{alias}/labels/preview - - + - labels={}
POST /wallets/{alias}/labels/import - - + - waiting=nothing
GET /wallets/{alias}/addresses - - + -
GET /wallets/{alias}/addresses/{address} - - + -
GET /wallets/{alias}/receive - - + -
POST /wallets/{alias}/receive - - + -
GET /wallets/{alias}/send - - + -
POST /wallets/{alias}/send - - + - address=$foreign&amount=0.001&feerate=2
POST /wallets/{alias}/preview - - + - address=$foreign&amount=0.001&feerate=2
GET /wallets/{alias}/import - - + -
POST /wallets/{alias}/import - - + - psbt=$psbt
GET /wallets/{alias}/settings - - + -
GET /wallets/{alias}/export/{format} - - + -
POST /wallets/{alias}/rename - - + - name=mine
GET /wallets/{alias}/next - - + -
GET /wallets/{alias}/export - - + -
GET /wallets/{alias}/advanced - - + -
GET /wallets/{alias}/backup - - + -
POST /wallets/{alias}/gap - - + - gap=30
POST /wallets/{alias}/rebuild - - + -
POST /wallets/{alias}/delete - - + - typed=x
POST /wallets/{alias}/rescan - - + - from=0
POST /wallets/{alias}/rescan/abort - - + -
POST /wallets/{alias}/sync - - + -
GET /wallets/{alias}/drafts - - + -
GET /wallets/{alias}/drafts/compare - - + -
GET /wallets/{alias}/drafts/{id} - - + -
GET /wallets/{alias}/drafts/{id}/psbt - - + -
POST /wallets/{alias}/drafts/{id}/signatures - - + - psbt=$signed
POST /wallets/{alias}/drafts/{id}/sign - - + - device=$deviceid
POST /wallets/{alias}/drafts/{id}/note - - + - note=mine
POST /wallets/{alias}/drafts/{id}/renew - - + -
POST /wallets/{alias}/drafts/{id}/repair - - + -
POST /wallets/{alias}/drafts/{id}/broadcast - - + -
POST /wallets/{alias}/drafts/{id}/delete - - + -
GET /setup + + + +
POST /setup + + + +
GET /auth/login + + + +
POST /auth/login - - - -
GET /auth/logout + + + +
POST /auth/logout - - - -
GET /auth/register - - - -
POST /auth/register - - - -
GET /auth/session - + + +
GET /auth/kept - + + +
POST /auth/kept/{id}/send - - - -
POST /auth/kept/{id}/forget - + + +
GET /settings - + + +
POST /settings - + + +
GET /settings/auth - - - +
POST /settings/auth - - - +
POST /settings/api - - - +
GET /settings/remote - - - +
POST /settings/remote/tunnels - - - + target=me@127.0.0.1:1&in=yes&listen=25441
POST /settings/remote/tunnels/{id}/pause - - - -
POST /settings/remote/tunnels/{id}/resume - - - -
POST /settings/remote/tunnels/{id}/retry - - - -
POST /settings/remote/tunnels/{id}/forget - - - -
POST /settings/remote/tunnels/{id}/delete - - - -
GET /settings/remote/tor - - - +
POST /settings/remote/tor - - - + control=127.0.0.1:9051
POST /settings/remote/tor/clients - - - + name=phone
POST /settings/remote/tor/clients/remove - - - + name=phone
POST /settings/remote/tor/test - - - +
GET /settings/remote/doctor - - - +
POST /settings/remote/doctor - - - +
GET /authority/{$} - - - -
GET /authority/specter.crt - - - -
GET /authority/specter.pem - - - -
GET /settings/usb - + + +
POST /settings/usb - + + + kind=local
POST /settings/usb/test - + + +
POST /settings/usb/agents - + + +
POST /settings/usb/agents/{id}/name - - + - name=Cellar
POST /settings/usb/agents/{id}/revoke - - + -
GET /hwi/{$} + + + +
GET /hwi/settings/{$} - - - +
POST /hwi/settings/{$} - - - + action=update&whitelisted_domains=https://specter.example
GET /settings/program - - - +
POST /settings/program - - - + log-level=info
GET /settings/program/log - - - +
POST /settings/program/compact - - - +
GET /settings/backups - - - +
POST /settings/backups - - - + keep=7
POST /settings/backups/now - - - +
POST /settings/backups/key - - - +
POST /settings/backups/download - - - + passphrase=some+words+here&again=some+words+here
GET /setup/restore + + + +
POST /setup/restore + + + +
POST /setup/restore/drop + + + +
POST /setup/restore/take + + + +
GET /settings/backups/restore - - - +
POST /settings/backups/restore - - - + secret-text=x
POST /settings/backups/restore/back - - - +
POST /settings/backups/restore/drop - - - +
POST /settings/backups/restore/take - - - + id=x&current=$mypassword
GET /auth/restored + + + +
GET /settings/import - - - +
POST /settings/import - - - + folder=/nowhere
POST /settings/import/take - - - +
GET /settings/secrets - - - +
POST /settings/secrets - - - + locked=no
GET /settings/specter-backup.zip - + + +
GET /settings/account - + + +
POST /settings/account/password - + + + current=$mypassword&password=$mypassword&again=$mypassword
POST /settings/account/name - + + + name=$myname
POST /settings/account/logout-after - + + +
POST /settings/account/sessions/end-others - + + +
POST /settings/account/sessions/{id}/end - - + -
GET /settings/tokens - + + +
POST /settings/tokens - + + + description=new&life=1+hour
POST /settings/tokens/{id}/delete - - + -
GET /settings/users - - - +
POST /settings/users/invite - - - + hours=1
POST /settings/users/invitations/{id}/revoke - - - +
POST /settings/users/{id}/password - - - +
GET /settings/users/{id}/delete - - - +
POST /settings/users/{id}/delete - - - + name=x
GET /settings/record - + + *
POST /wallets/{alias}/registrations - - + - action=forget&fingerprint=01020304&kind=ledger
POST /airgap/scan - + + +
GET /wallets/{alias}/drafts/{id}/qr - - + -
GET /guides - + + +
GET /guides/{type} - + + +
GET /help/camera - + + +
GET /healthz/liveness + + + +
GET /healthz/readyness + + + +
GET /api/ + + + +
GET /api/healthz/liveness + + + +
GET /api/healthz/readyness + + + +
GET /api/v1alpha/token/ - + + +
POST /api/v1alpha/token/ - + + + {"jwt_token_description":"new","jwt_token_life":"1 hour"}
GET /api/v1alpha/token/{arg}/ - - + -
DELETE /api/v1alpha/token/{arg}/ - - + -
GET /api/v1alpha/specter - - - +
GET /api/v1alpha/specter/full_txlist/ - - - +
GET /api/v1alpha/wallets/{arg}/ - - + -
GET /api/v1alpha/wallets/{arg}/psbt - - + -
POST /api/v1alpha/wallets/{arg}/psbt - - + - {"recipients":[{"address":"$foreign","amount":0.001,"unit":"btc","label":"x"}],"fee_rate":2}
GET /api/v1 + + + +
GET /api/v1/openapi.json + + + +
GET /api/v1/me - + + +
POST /api/v1/me/password - + + + {"old":"$mypassword","new":"$mypassword"}
GET /api/v1/status - + + +
GET /api/v1/events - + + +
GET /api/v1/settings - + + +
PATCH /api/v1/settings - + + + {}
GET /api/v1/price - + + +
GET /api/v1/program - - - +
PATCH /api/v1/program - - - + {}
GET /api/v1/program/log - - - +
GET /api/v1/program/storage - - - +
GET /api/v1/program/backups - - - +
PATCH /api/v1/program/backups - - - + {"keep":7}
POST /api/v1/program/backups - - - +
GET /api/v1/me/specter-backup - + + +
GET /api/v1/program/import - - - +
POST /api/v1/program/import - - - + {"folder":"/nowhere"}
POST /api/v1/program/compact - - - +
PATCH /api/v1/me - + + + {"name":"$myname"}
GET /api/v1/remote - - - +
GET /api/v1/remote/certificate - - - +
POST /api/v1/remote/certificate/renew - - - +
GET /api/v1/remote/authority - - - -
POST /api/v1/remote/doctor - - - + {}
GET /api/v1/tunnels - - - +
POST /api/v1/tunnels - - - + {"server":"me@127.0.0.1:1","listen":"25441"}
GET /api/v1/tunnels/{id} - - - -
PATCH /api/v1/tunnels/{id} - - - - {"listen":"25442"}
DELETE /api/v1/tunnels/{id} - - - -
POST /api/v1/tunnels/{id}/pause - - - -
POST /api/v1/tunnels/{id}/resume - - - -
POST /api/v1/tunnels/{id}/retry - - - -
PUT /api/v1/tunnels/{id}/host-key - - - - {"fingerprint":"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
DELETE /api/v1/tunnels/{id}/host-key - - - -
GET /api/v1/onion-service - - - +
PATCH /api/v1/onion-service - - - + {"control":"127.0.0.1:9051"}
GET /api/v1/onion-clients - - - +
POST /api/v1/onion-clients - - - + {"name":"tablet"}
DELETE /api/v1/onion-clients/{name} - - - +
POST /api/v1/proxy-tests - - - +
GET /api/v1/bridge - - - +
PATCH /api/v1/bridge - - - + {"origins":["https://specter.example"]}
POST /api/v1/bridge/token - - - +
DELETE /api/v1/bridge/token - - - +
POST /api/v1/bridge-tests - + + +
GET /api/v1/agents - + + +
POST /api/v1/agent-pairings - + + +
GET /api/v1/agents/{id} - - + -
PATCH /api/v1/agents/{id} - - + - {"name":"desk"}
DELETE /api/v1/agents/{id} - - + -
GET /api/v1/wallets/{alias}/registrations - - + -
PUT /api/v1/wallets/{alias}/registrations - - + - {"fingerprint":"01020304","kind":"ledger","name":"x"}
DELETE /api/v1/wallets/{alias}/registrations/{fingerprint}/{kind} - - + -
GET /api/v1/program/secrets - - - +
PATCH /api/v1/program/secrets - - - + {"starts_locked":false,"password":"$mypassword"}
POST /api/v1/program/backup-keys - - - +
POST /api/v1/program/backup-files - - - + {"passphrase":"some words here","password":"$mypassword"}
POST /api/v1/message-checks - + + + {"address":"$foreign","message":"m","signature":"s"}
POST /api/v1/demo/payments - + + + {"address":"$foreign","amount_sat":100000}
POST /api/v1/demo/blocks - + + + {"count":1}
POST /api/v1/code-readings - + + + {"codes":["hello"]}
GET /api/v1/wallets/{alias}/drafts/{id}/codes - - + -
GET /api/v1/tokens - + + +
POST /api/v1/tokens - + + + {"description":"more","life":"10 minutes"}
GET /api/v1/tokens/{id} - - + -
DELETE /api/v1/tokens/{id} - - + -
GET /api/v1/sessions - + + +
DELETE /api/v1/sessions - + + +
DELETE /api/v1/sessions/{id} - - + -
GET /api/v1/login-events - + + *
GET /api/v1/login-settings - - - +
PATCH /api/v1/login-settings - - - + {}
GET /api/v1/users - - - +
POST /api/v1/users - - - + {"name":"a","password":"short"}
GET /api/v1/users/{id} - - - +
PATCH /api/v1/users/{id} - - - + {"name":"Renamed"}
DELETE /api/v1/users/{id} - - - +
POST /api/v1/users/{id}/password - - - + {"password":"correct horse battery"}
GET /api/v1/invitations - - - +
POST /api/v1/invitations - - - + {"hours":1}
DELETE /api/v1/invitations/{id} - - - +
GET /api/v1/nodes - - - +
POST /api/v1/nodes - - - + {"name":"x"}
GET /api/v1/nodes/{alias} - - - +
PATCH /api/v1/nodes/{alias} - - - + {"user":"v"}
DELETE /api/v1/nodes/{alias} - - - +
POST /api/v1/nodes/{alias}/activate - - - +
POST /api/v1/nodes/{alias}/test - - - +
POST /api/v1/node-tests - - - + {"name":"x","protocol":"http","host":"127.0.0.1","port":1}
POST /api/v1/node-searches - - - +
GET /api/v1/device-types - + + +
GET /api/v1/devices - + + +
POST /api/v1/devices - + + + {"name":"mine","type":"coldcard","keys":[]}
POST /api/v1/hot-devices - + + + {"name":"mine","words":"abandon"}
POST /api/v1/seed-words - + + + {"count":12}
POST /api/v1/key-checks - + + + {"keys":["$xpub"]}
GET /api/v1/devices/{alias} - - + -
PATCH /api/v1/devices/{alias} - - + - {"name":"mine"}
DELETE /api/v1/devices/{alias} - - + -
POST /api/v1/devices/{alias}/keys - - + - {"keys":["$xpub"]}
DELETE /api/v1/devices/{alias}/keys/{xpub} - - + -
GET /api/v1/wallets - + + +
POST /api/v1/wallets - + + + {"name":"mine"}
POST /api/v1/wallet-checks - + + + {"name":"mine"}
GET /api/v1/wallets/{alias} - - + -
PATCH /api/v1/wallets/{alias} - - + - {"name":"mine"}
DELETE /api/v1/wallets/{alias} - - + -
POST /api/v1/wallets/{alias}/sync - - + -
POST /api/v1/wallets/{alias}/rescan - - + - {"from_height":0}
DELETE /api/v1/wallets/{alias}/rescan - - + -
GET /api/v1/wallets/{alias}/backup-sheet - - + -
GET /api/v1/wallets/{alias}/losses - - + -
GET /api/v1/wallets/{alias}/key-pool - - + -
PUT /api/v1/wallets/{alias}/key-pool - - + - {"gap_limit":30}
POST /api/v1/wallets/{alias}/rebuild - - + -
GET /api/v1/hot-keys - + + +
PUT /api/v1/hot-keys - - - + {"allowed":true}
GET /api/v1/wallets/{alias}/addresses - - + -
POST /api/v1/wallets/{alias}/addresses - - + -
GET /api/v1/wallets/{alias}/addresses/{address} - - + -
GET /api/v1/wallets/{alias}/receive-address - - + -
GET /api/v1/wallets/{alias}/history - - + -
GET /api/v1/history - + + +
GET /api/v1/wallets/{alias}/transactions/{txid} - - + -
POST /api/v1/wallets/{alias}/transactions/{txid}/repair - - + -
GET /api/v1/wallets/{alias}/coins - - + -
GET /api/v1/coins - + + +
POST /api/v1/wallets/{alias}/coins/freeze - - + - {"outpoints":["$coin"],"frozen":true}
GET /api/v1/wallets/{alias}/labels - - + -
GET /api/v1/wallets/{alias}/balance-history - - + -
GET /api/v1/balance-history - + + +
GET /api/v1/wallets/{alias}/statement.pdf - - + -
GET /api/v1/statement.pdf - + + +
GET /api/v1/wallets/{alias}/consolidation - - + -
GET /api/v1/wallets/{alias}/addresses/{address}/details - - + -
GET /api/v1/wallets/{alias}/transactions/{txid}/proof - - + -
PUT /api/v1/wallets/{alias}/labels - - + - {"type":"addr","ref":"$address","label":"mine"}
POST /api/v1/wallet-files - + + + {"file":"x"}
GET /api/v1/wallets/{alias}/export/{format} - - + -
GET /api/v1/wallets/{alias}/label-files/{format} - - + -
POST /api/v1/wallets/{alias}/label-previews - - + - {"file":"{}"}
POST /api/v1/wallets/{alias}/label-imports - - + - {"file":"{}"}
GET /api/v1/wallets/{alias}/history.csv - - + -
GET /api/v1/wallets/{alias}/coins.csv - - + -
GET /api/v1/wallets/{alias}/addresses.csv - - + -
GET /api/v1/history.csv - + + +
GET /api/v1/coins.csv - + + +
POST /api/v1/wallets/{alias}/previews - - + - {"recipients":[{"address":"$foreign","amount_sat":100000}],"feerate_sat_kvb":2000}
GET /api/v1/wallets/{alias}/drafts - - + -
POST /api/v1/wallets/{alias}/drafts - - + - {"recipients":[{"address":"$foreign","amount_sat":100000}],"feerate_sat_kvb":2000}
POST /api/v1/wallets/{alias}/psbts - - + - {"psbt":"$psbt"}
GET /api/v1/feerates - + + +
GET /api/v1/headers - + + +
GET /api/v1/senders - + + +
GET /api/v1/wallets/{alias}/alarms - - + -
GET /api/v1/wallets/{alias}/transactions/{txid}/choices - - + -
GET /api/v1/wallets/{alias}/transactions/{txid}/edit - - + -
POST /api/v1/wallets/{alias}/transactions/{txid}/abandon - - + -
POST /api/v1/wallets/{alias}/transactions/{txid}/rebroadcast - - + -
GET /api/v1/wallets/{alias}/drafts/{id}/edit - - + -
POST /api/v1/wallets/{alias}/drafts/{id}/renew - - + -
POST /api/v1/wallets/{alias}/drafts/{id}/repair - - + -
GET /api/v1/wallets/{alias}/drafts/{id}/comparison - - + -
GET /api/v1/wallets/{alias}/drafts/{id} - - + -
PATCH /api/v1/wallets/{alias}/drafts/{id} - - + - {"note":"mine"}
DELETE /api/v1/wallets/{alias}/drafts/{id} - - + -
GET /api/v1/wallets/{alias}/drafts/{id}/psbt - - + -
POST /api/v1/wallets/{alias}/drafts/{id}/signatures - - + - {"psbt":"$signed"}
POST /api/v1/wallets/{alias}/drafts/{id}/sign-hot - - + - {"device":"$mydevice"}
POST /api/v1/wallets/{alias}/drafts/{id}/broadcast - - + -
GET /wallets/{alias}/register - - + -
GET /wallets/{alias}/codes - - + -
GET /wallets/{alias}/files/{format} - - + -
GET /wallets/{alias}/addresses/{address}/check - - + -
GET /devices/{alias}/message - - + -
POST /devices/{alias}/message - - + - message=hello
GET /verify-message - + + +
POST /verify-message - + + + message=hello
POST /api/v1/wallets/{alias}/transactions/{txid}/replacement-previews - - + - {"feerate_sat_kvb":9000}
POST /api/v1/wallets/{alias}/transactions/{txid}/replacements - - + - {"feerate_sat_kvb":9000}
POST /api/v1/wallets/{alias}/transactions/{txid}/child-previews - - + - {"feerate_sat_kvb":9000}
POST /api/v1/wallets/{alias}/transactions/{txid}/children - - + - {"feerate_sat_kvb":9000}
`
