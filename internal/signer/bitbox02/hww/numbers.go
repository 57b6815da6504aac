package hww

// Fields of Request (hww.proto).
const (
	ReqDeviceInfo  = 4
	ReqPub         = 8
	ReqSignInit    = 9
	ReqSignInput   = 10
	ReqSignOutput  = 11
	ReqFingerprint = 24
	ReqBTC         = 25
	ReqPassphrase  = 14 // SetMnemonicPassphraseEnabled
)

// Fields of Response, and of the Error in it.
const (
	RspSuccess     = 1
	RspError       = 2
	RspDeviceInfo  = 4
	RspPub         = 5
	RspSignNext    = 6
	RspFingerprint = 12
	RspBTC         = 13

	ErrorCode = 1
	ErrorText = 2
)

// Fields of BTCRequest (btc.proto).
const (
	BTCIsRegistered = 1
	BTCRegister     = 2
	BTCPrevInit     = 3
	BTCPrevInput    = 4
	BTCPrevOutput   = 5
	BTCSignMessage  = 6
	BTCHostNonce    = 7
)

// Fields of BTCResponse.
const (
	BTCSuccess          = 1
	BTCIsRegisteredRsp  = 2
	BTCSignNext         = 3
	BTCSignMessageRsp   = 4
	BTCSignerCommitment = 5
)

// The errors of the firmware.
const (
	ErrInvalidInput = 101
	ErrMemory       = 102
	ErrGeneric      = 103
	ErrUserAbort    = 104
	ErrState        = 105
	ErrDisabled     = 106
	ErrDuplicate    = 107
	ErrEncrypt      = 108
	ErrDecrypt      = 109
)

// Coin is BTCCoin.
type Coin uint64

// The coins.
const (
	Bitcoin Coin = 0
	Testnet Coin = 1
	Regtest Coin = 4
)

// Simple is BTCScriptConfig.SimpleType.
type Simple uint64

// Scripts of one key.
const (
	WrappedWPKH Simple = 0
	WPKH        Simple = 1
	TR          Simple = 2
)

// Script types of a Multisig config.
const (
	MultisigWSH   = 0
	MultisigSHWSH = 1
)

// Fields of BTCScriptConfig and its Multisig and Policy.
const (
	ConfigSimple   = 1
	ConfigMultisig = 2
	ConfigPolicy   = 3

	MultisigThreshold = 1
	MultisigXPubs     = 2
	MultisigOurs      = 3
	MultisigScript    = 4

	PolicyText = 1
	PolicyKeys = 2

	WithPathConfig = 2 // BTCScriptConfigWithKeypath
	WithPathPath   = 3
)

// Fields of XPub and KeyOriginInfo (common.proto).
const (
	XPubDepth  = 1
	XPubParent = 2
	XPubChild  = 3
	XPubChain  = 4
	XPubKey    = 5

	OriginRoot = 1
	OriginPath = 2
	OriginXPub = 3
)

// Fields of BTCPubRequest, and the types of extended keys in it.
const (
	PubCoin    = 1
	PubPath    = 2
	PubXPub    = 3
	PubConfig  = 4
	PubDisplay = 5

	TPub = 0
	XPub = 1
)

// Fields of BTCSignInitRequest.
const (
	InitCoin          = 1
	InitConfigs       = 2
	InitVersion       = 4
	InitInputs        = 5
	InitOutputs       = 6
	InitLockTime      = 7
	InitUnit          = 8 // 0 BTC, 1 sat
	InitOutputConfigs = 10
)

// Fields of BTCSignNextResponse, and its types.
const (
	NextType         = 1
	NextIndex        = 2
	NextHasSignature = 3
	NextSignature    = 4
	NextPrevIndex    = 5
	NextCommitment   = 6

	WantInput      = 0
	WantOutput     = 1
	WantNothing    = 2 // the dialogue is done
	WantPrevInit   = 3
	WantPrevInput  = 4
	WantPrevOutput = 5
	WantHostNonce  = 6
)

// Fields of BTCSignInputRequest.
const (
	InHash       = 1
	InIndex      = 2
	InValue      = 3
	InSequence   = 4
	InPath       = 6
	InConfig     = 7
	InCommitment = 8
)

// Fields of BTCSignOutputRequest, and the types of outputs.
const (
	OutOurs         = 1
	OutType         = 2
	OutValue        = 3
	OutPayload      = 4
	OutPath         = 5
	OutConfig       = 6
	OutOtherAccount = 9

	OutP2PKH    = 1
	OutP2SH     = 2
	OutP2WPKH   = 3
	OutP2WSH    = 4
	OutP2TR     = 5
	OutOpReturn = 6
)

// Fields of the previous transaction's messages.
const (
	PrevVersion  = 1
	PrevInputs   = 2
	PrevOutputs  = 3
	PrevLockTime = 4

	PrevInHash     = 1
	PrevInIndex    = 2
	PrevInScript   = 3
	PrevInSequence = 4

	PrevOutValue  = 1
	PrevOutScript = 2
)

// Fields of registrations, and their types of extended keys.
const (
	RegCoin   = 1
	RegConfig = 2
	RegPath   = 3

	RegisterWhat  = 1
	RegisterName  = 2
	RegisterXPubs = 3
	PlainXPubs    = 1 // xpub and tpub, not Electrum's letters
)

// Fields of BTCSignMessageRequest.
const (
	MsgCoin       = 1
	MsgConfig     = 2
	MsgText       = 3
	MsgCommitment = 4
)

// Fields of DeviceInfoResponse.
const (
	DeviceName        = 1
	DeviceInitialized = 2
	DeviceVersion     = 3
	DevicePassphrase  = 4
)

// MaxName is how many bytes a registered wallet's name may have, MaxText a message to sign.
const (
	MaxName = 30
	MaxText = 1024
)
