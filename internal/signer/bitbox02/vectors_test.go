package bitbox02_test

import (
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kleptoVectors were computed from hashes of short texts and accepted by the vendor's Python
// library as HWI 3.2.0 has it.
var kleptoVectors = []struct{ nonce, commitment, point, signature string }{
	{"7e47af158e9db54fc5e4902996f5360a933c581e7bad35436d50e489bd3bd262", "95e915f45436560b8a0c5062b2c047f7599a8e9d84557ae087e5f9edd84d7627",
		"038b6a94ffaf9e297a70a3751ba1a26b10fb83e53d1c850f81272955e567bb9a2e",
		"1ef51c31d05df65a22357f81b33aefe56875746b99872d62da50541cd278e06734aa27e2ad5a43d5607e1d2a1dbf691f9fddf08b041a005c3573b6cb819c5fd3"},
	{"654e2c87d7820cbeb1b5b550f43166549582b5b353e00e277283bfc72dadf1b4", "e9559a413fe72be801685f32449846b52020fe17abeb4a9cf14effb2f2af3a5e",
		"03cefeda0cafa09b00ea86b083cb2dd75284cd8e9b086b0da81d8c7efd28d49208",
		"d81e81d0be4ea42239e862468c468b8bca63fac491a23bd17b6e9ec6e67d1bb904ef0b565a47a8df500e8bf40692017cbed5c5b89b3abe4739c4cefb8a34c7b0"},
	{"e889d30b85421e8cc830d15f3b5008c1896600e9a9129e09bd301483cefe8981", "87229050223e60d21e0cbfca8c1a599749e3baba1b3d0e8516f9eaa34f724d5c",
		"02da3c6eb632b00af4bd411662b105af2e91739494a62c5d9f6082ec763c62f3bb",
		"1104a58c79752cccc92bd70774b833bd03b226db1e3d127e6928cb5512327c843e76d8f223418c3f651b0de83502fc7d6209f0f9735755177c6959a18afb18d6"},
}
