package codec1

// The kinds of messages.
const (
	MsgInitialize         = 0
	MsgPing               = 1
	MsgSuccess            = 2
	MsgFailure            = 3
	MsgGetPublicKey       = 11
	MsgPublicKey          = 12
	MsgSignTx             = 15
	MsgFeatures           = 17
	MsgPinMatrixRequest   = 18
	MsgPinMatrixAck       = 19
	MsgCancel             = 20
	MsgTxRequest          = 21
	MsgTxAck              = 22
	MsgApplySettings      = 25
	MsgButtonRequest      = 26
	MsgButtonAck          = 27
	MsgGetAddress         = 29
	MsgAddress            = 30
	MsgSignMessage        = 38
	MsgMessageSignature   = 40
	MsgPassphraseRequest  = 41
	MsgPassphraseAck      = 42
	MsgGetFeatures        = 55
	MsgPassphraseStateReq = 77 // Trezor T before 2.3.0
	MsgPassphraseStateAck = 78
)

// The codes of Failure.
const (
	FailUnexpectedMessage = 1
	FailButtonExpected    = 2
	FailDataError         = 3
	FailActionCancelled   = 4
	FailPinExpected       = 5
	FailPinCancelled      = 6
	FailPinInvalid        = 7
	FailInvalidSignature  = 8
	FailProcessError      = 9
	FailNotEnoughFunds    = 10
	FailNotInitialized    = 11
	FailPinMismatch       = 12
	FailInvalidSession    = 14
	FailBusy              = 15
	FailThpSession        = 16
	FailInvalidProtocol   = 17 // answers this protocol where only THP is spoken
	FailInProgress        = 19
	FailFirmwareError     = 99
)

// The codes of ButtonRequest that are told apart.
const (
	ButtonOther           = 1
	ButtonFee             = 2
	ButtonConfirmOutput   = 3
	ButtonProtectCall     = 7
	ButtonSignTx          = 8
	ButtonAddress         = 10
	ButtonPublicKey       = 11
	ButtonPassphraseEntry = 19
	ButtonPinEntry        = 20
)

// InputScriptType.
const (
	SpendAddress     = 0 // P2PKH
	SpendMultisig    = 1 // P2SH
	External         = 2 // somebody else's
	SpendWitness     = 3 // P2WPKH, P2WSH
	SpendP2SHWitness = 4
	SpendTaproot     = 5
)

// OutputScriptType.
const (
	PayToAddress     = 0 // an address, or P2PKH of a path
	PayToMultisig    = 2 // P2SH
	PayToOpReturn    = 3
	PayToWitness     = 4
	PayToP2SHWitness = 5
	PayToTaproot     = 6
)

// What TxRequest asks for.
const (
	WantInput      = 0
	WantOutput     = 1
	WantMeta       = 2
	WantNothing    = 3 // finished
	WantExtra      = 4
	WantOrigInput  = 5
	WantOrigOutput = 6
)

// Lexicographic is MultisigRedeemScriptType.pubkeys_order of sorted keys; 0 keeps the order.
const Lexicographic = 1

// CapPassphrase is the capability of devices on which a passphrase can be typed.
const CapPassphrase = 17
