package coldcard

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"

	"specter/internal/signer"
)

// upload puts a file where the device reads transactions and wallets, and has its checksum
// compared.
func (s *session) upload(ctx context.Context, file []byte) (sum [32]byte, err error) {
	sum = sha256.Sum256(file)
	for at := 0; at < len(file); at += blockSize {
		request := binary.LittleEndian.AppendUint32([]byte("upld"), uint32(at))
		request = binary.LittleEndian.AppendUint32(request, uint32(len(file)))
		request = append(request, file[at:min(at+blockSize, len(file))]...)
		body, err := s.ask(ctx, request, "int1")
		if err != nil {
			return sum, err
		}
		if len(body) != 4 || binary.LittleEndian.Uint32(body) != uint32(at) {
			return sum, garbled()
		}
	}
	got, err := s.ask(ctx, []byte("sha2"), "biny")
	if err != nil {
		return sum, err
	}
	if subtle.ConstantTimeCompare(got, sum[:]) != 1 {
		return sum, signer.E(signer.CodeConnection, "the file arrived at the Coldcard damaged; check the cable and try again")
	}
	return sum, nil
}

// fileRequest is a command about the file that was uploaded.
func fileRequest(command string, file []byte, sum [32]byte, flags ...uint32) []byte {
	request := binary.LittleEndian.AppendUint32([]byte(command), uint32(len(file)))
	for _, f := range flags {
		request = binary.LittleEndian.AppendUint32(request, f)
	}
	return append(request, sum[:]...)
}

// resultFile is the number of the file that holds a signed transaction.
const resultFile = 1

// download fetches the result of size and checksum told by the device.
func (s *session) download(ctx context.Context, told []byte) ([]byte, error) {
	if len(told) != 36 {
		return nil, garbled()
	}
	size := binary.LittleEndian.Uint32(told)
	if size == 0 || size > 4<<20 {
		return nil, garbled()
	}
	file := make([]byte, 0, size)
	for uint32(len(file)) < size {
		request := binary.LittleEndian.AppendUint32([]byte("dwld"), uint32(len(file)))
		request = binary.LittleEndian.AppendUint32(request, min(blockSize, size-uint32(len(file))))
		request = binary.LittleEndian.AppendUint32(request, resultFile)
		body, err := s.ask(ctx, request, "biny")
		if err != nil {
			return nil, err
		}
		if len(body) == 0 || uint32(len(file)+len(body)) > size {
			return nil, garbled()
		}
		file = append(file, body...)
	}
	if sum := sha256.Sum256(file); subtle.ConstantTimeCompare(sum[:], told[4:]) != 1 {
		return nil, signer.E(signer.CodeConnection, "the signed transaction arrived damaged; check the cable and sign again")
	}
	return file, nil
}
