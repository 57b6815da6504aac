package ur

import (
	"encoding/binary"
	"hash/crc32"
	"strings"

	"specter/internal/errs"
)

// byteWords are the 256 words of BCR-2020-012, four letters each; the first and last letters
// are unique as well.
const byteWords = "" +
	"ableacidalsoapexaquaarchatomaunt" +
	"awayaxisbackbaldbarnbeltbetabias" +
	"bluebodybragbrewbulbbuzzcalmcash" +
	"catschefcityclawcodecolacookcost" +
	"cruxcurlcuspcyandarkdatadaysdeli" +
	"dicedietdoordowndrawdropdrumdull" +
	"dutyeacheasyechoedgeepicevenexam" +
	"exiteyesfactfairfernfigsfilmfish" +
	"fizzflapflewfluxfoxyfreefrogfuel" +
	"fundgalagamegeargemsgiftgirlglow" +
	"goodgraygrimgurugushgyrohalfhang" +
	"hardhawkheathelphighhillholyhope" +
	"hornhutsicedideaidleinchinkyinto" +
	"irisironitemjadejazzjoinjoltjowl" +
	"judojugsjumpjunkjurykeepkenokept" +
	"keyskickkilnkingkitekiwiknoblamb" +
	"lavalazyleaflegsliarlimplionlist" +
	"logoloudloveluaulucklungmainmany" +
	"mathmazememomenumeowmildmintmiss" +
	"monknailnavyneednewsnextnoonnote" +
	"numbobeyoboeomitonyxopenovalowls" +
	"paidpartpeckplaypluspoempoolpose" +
	"puffpumapurrquadquizracerampreal" +
	"redorichroadrockroofrubyruinruns" +
	"rustsafesagascarsetssilkskewslot" +
	"soapsolosongstubsurfswantacotask" +
	"taxitenttiedtimetinytoiltombtoys" +
	"triptunatwinuglyundouniturgeuser" +
	"vastveryvetovialvibeviewvisavoid" +
	"vowswallwandwarmwaspwavewaxywebs" +
	"whatwhenwhizwolfworkyankyawnyell" +
	"yogayurtzapszerozestzinczonezoom"

// Style is a way to write bytewords.
type Style uint8

// The styles of BCR-2020-012.
const (
	Standard Style = iota // whole words, blanks between
	URI                   // whole words, hyphens between
	Minimal               // first and last letter of each word, nothing between
)

// minimalTable maps a pair of first and last letter to its byte, -1 where there is none.
var minimalTable = func() (t [26 * 26]int16) {
	for i := range t {
		t[i] = -1
	}
	for i := range 256 {
		t[int(byteWords[i*4]-'a')*26+int(byteWords[i*4+3]-'a')] = int16(i)
	}
	return t
}()

// EncodeBytewords writes data and its CRC-32 as bytewords in lower case.
func EncodeBytewords(data []byte, s Style) string {
	var b strings.Builder
	all := binary.BigEndian.AppendUint32(append([]byte(nil), data...), crc32.ChecksumIEEE(data))
	for i, v := range all {
		word := byteWords[int(v)*4 : int(v)*4+4]
		switch {
		case s == Minimal:
			b.WriteByte(word[0])
			b.WriteByte(word[3])
			continue
		case i > 0 && s == Standard:
			b.WriteByte(' ')
		case i > 0:
			b.WriteByte('-')
		}
		b.WriteString(word)
	}
	return b.String()
}

// DecodeBytewords reads bytewords of a style, in either case, and checks and removes the CRC-32.
// Errors: bad-encoding for what is no byteword, bad-checksum.
func DecodeBytewords(text string, s Style) ([]byte, error) {
	step := 2
	if s == Minimal {
		if len(text)%2 != 0 {
			return nil, errs.Bad(errs.BadEncoding, "the bytewords have an odd number of letters; the end is missing")
		}
	} else {
		if !separated(text, s) {
			return nil, errs.Bad(errs.BadEncoding, "the text is not made of four-letter bytewords")
		}
		step = 5
	}
	data := make([]byte, 0, (len(text)+1)/step)
	for i := 0; i < len(text); i += step {
		last := i + 1
		if s != Minimal {
			last = i + 3
		}
		v := lookup(text[i], text[last])
		if v < 0 || s != Minimal && !strings.EqualFold(text[i:i+4], byteWords[v*4:v*4+4]) {
			return nil, errs.Bad(errs.BadEncoding, "the text holds letters at position %d that are no byteword", i+1)
		}
		data = append(data, byte(v))
	}
	if len(data) < 4 {
		return nil, errs.Bad(errs.BadEncoding, "the bytewords are too short to hold a checksum")
	}
	body := data[:len(data)-4]
	if binary.BigEndian.Uint32(data[len(body):]) != crc32.ChecksumIEEE(body) {
		return nil, errs.Bad(errs.BadChecksum, "the checksum of the bytewords is wrong; a letter was misread")
	}
	return body, nil
}

// separated reports whether text is four letters each with the style's sign between.
func separated(text string, s Style) bool {
	sep := byte(' ')
	if s == URI {
		sep = '-'
	}
	for i := 4; i < len(text); i += 5 {
		if text[i] != sep {
			return false
		}
	}
	return len(text)%5 == 4
}

// lookup finds the byte of a first and last letter of either case, else -1.
func lookup(first, last byte) int {
	a, b := first|0x20, last|0x20
	if a < 'a' || a > 'z' || b < 'a' || b > 'z' {
		return -1
	}
	return int(minimalTable[int(a-'a')*26+int(b-'a')])
}
