package wallet
const maxLabel = 200
